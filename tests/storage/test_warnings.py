"""The warnings of a session: stored in their order, each once, and replaced as a whole."""

from __future__ import annotations

from storage.store import Store
from storage.warnings import StoredWarning, read_warnings, write_warning_of, write_warnings
from tests.storage.conftest import Write

JUMP = StoredWarning("clock_jump", "the clock jumps by 10 s", 12.5, 36_000.25)
DAMAGED = StoredWarning("damaged", "3 damaged packets were skipped")


def test_warnings_are_read_in_the_order_in_which_they_were_given_each_once(store: Store, write: Write) -> None:
    first, second = write.session(store), write.session(store)
    write_warnings(store, first, [JUMP, DAMAGED, JUMP])
    write_warnings(store, second, [DAMAGED])
    assert read_warnings(store, first) == [JUMP, DAMAGED]
    assert read_warnings(store, second) == [DAMAGED]


def test_new_warnings_take_the_place_of_the_former_ones_and_go_with_the_session(store: Store, write: Write) -> None:
    session = write.session(store)
    write_warnings(store, session, [JUMP, DAMAGED])
    write_warnings(store, session, [DAMAGED])
    assert read_warnings(store, session) == [DAMAGED]
    store.delete_session(session)
    assert read_warnings(store, session) == []


def test_a_warning_of_one_code_replaces_that_of_before_and_leaves_the_others(store: Store, write: Write) -> None:
    session = write.session(store)
    write_warnings(store, session, [JUMP, DAMAGED])
    write_warning_of(store, session, "low_rate", "too few")
    write_warning_of(store, session, "low_rate", "still too few")
    assert read_warnings(store, session) == [JUMP, DAMAGED, StoredWarning("low_rate", "still too few")]
    write_warning_of(store, session, "low_rate", None)
    assert read_warnings(store, session) == [JUMP, DAMAGED]
