"""Names come and go; a person's number is never given to another."""

from __future__ import annotations

import pytest

from storage.people import add_people, drop_names, write_names
from storage.store import Store

pytestmark = pytest.mark.both_databases


def test_who_is_new_gets_the_next_number_also_after_names_were_put_back(store: Store) -> None:
    assert add_people(store, ["Ada", "Ben", "Ada"]) == {"Ada": 1, "Ben": 2}
    write_names(store, {2: "Ben", 7: "Cleo"})
    assert add_people(store, ["Dan", "Cleo"]) == {"Dan": 8, "Cleo": 7}


def test_who_swaps_names_swaps_them(store: Store) -> None:
    add_people(store, ["Ada", "Ben"])
    write_names(store, {1: "Ben", 2: "Ada"})
    assert add_people(store, ["Ada", "Ben"]) == {"Ada": 2, "Ben": 1}


def test_dropped_names_leave_the_numbers(store: Store) -> None:
    add_people(store, ["Ada"])
    assert drop_names(store) == 1
    assert add_people(store, ["Ada"]) == {"Ada": 2}
