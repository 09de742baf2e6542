"""Which session is meant: by number, name or file, and by the bytes and settings of a recording."""

from __future__ import annotations

import pytest

from storage.errors import SessionError
from storage.store import Store
from tests.storage.conftest import Write

pytestmark = pytest.mark.both_databases


@pytest.mark.parametrize(
    ("key", "session"),
    [
        (2, 2),
        ("2", 2),
        ("Physics 8b", 1),
        ("8", 3),  # no session has that number
        ("physics.mp4", 1),
        ("elsewhere/maths.mp4", 2),
    ],
)
def test_find_session(store: Store, write: Write, key: int | str, session: int) -> None:
    write.session(store)
    write.session(store, name="Maths", source="maths.mp4")
    write.session(store, name="8", source="rest.mp4")
    assert store.find_session(key) == session


def test_find_session_says_what_there_is(store: Store, write: Write) -> None:
    with pytest.raises(SessionError, match=r": no session 'Physics'; it has none$"):
        store.find_session("Physics")
    write.session(store)
    write.session(store, name="Maths")
    with pytest.raises(LookupError, match=r"no session 'Physics'; the latest are 1 \(Physics 8b\), 2 \(Maths\)$"):
        store.find_session("Physics")
    with pytest.raises(SessionError, match=r"several .* 'physics.mp4'; .*: 1 \(Physics 8b, .*\), 2 \(Maths, .*\)$"):
        store.find_session("physics.mp4")
    with pytest.raises(SessionError, match="there is no session 7"):
        store.session(7)


def test_a_number_sign_means_the_number_whatever_another_session_is_called(store: Store, write: Write) -> None:
    write.session(store, name="#2")
    write.session(store, name="Maths")
    assert store.find_session("#2") == 2
    assert store.find_session("#1") == 1


def test_find_session_names_the_five_latest_of_many(store: Store, write: Write) -> None:
    for number in range(1, 8):
        write.session(store, name=f"Maths {number}")
    latest = r"the latest are 3 \(Maths 3\), 4 \(Maths 4\), 5 \(Maths 5\), 6 \(Maths 6\), 7 \(Maths 7\)$"
    with pytest.raises(SessionError, match=latest):
        store.find_session("Physics")


@pytest.mark.parametrize(
    ("sha256", "known", "found"),
    [
        ("ab" * 32, {'{"min_face": 20.0}', '{"min_face": 24.0}'}, (2, "detected")),  # the newest one
        ("ab" * 32, {'{"min_face": 20.0}'}, (1, "detecting")),
        ("ab" * 32, set(), None),
        ("cd" * 32, {'{"min_face": 20.0}'}, None),
    ],
)
def test_find_done(store: Store, write: Write, sha256: str, known: set[str], found: tuple[int, str] | None) -> None:
    write.session(store, settings='{"min_face": 20.0}')
    store.finish_detection(write.session(store, settings='{"min_face": 24.0}'), 3.0)
    assert store.find_done(sha256, known.__contains__) == found


@pytest.mark.parametrize("change", [{"name": "2"}, {"source": "2"}])
def test_a_number_that_is_also_the_name_of_another_session_is_never_told_apart_by_chance(
    store: Store, write: Write, change: dict[str, str]
) -> None:
    write.session(store, **change)
    write.session(store, name="Maths", source="maths.mp4")
    with pytest.raises(
        SessionError,
        match=r"several .* '2'; give the number of one, as in #2: 1 \(.*\), 2 \(Maths, maths.mp4, .*\)$",
    ):
        store.find_session("2")
    assert (store.find_session(2), store.find_session("#2"), store.find_session("#1")) == (2, 2, 1)
    assert store.find_session("Maths") == 2


def test_the_name_of_one_session_and_the_file_of_another_are_two(store: Store, write: Write) -> None:
    write.session(store, name="Maths", source="a.mp4")
    write.session(store, name="Physics", source="Maths")
    with pytest.raises(
        SessionError, match=r"several .* 'Maths'; give the number of one: 1 \(Maths, .*, 2 \(Physics, "
    ):
        store.find_session("Maths")


def test_recordings_under_one_name_are_listed(store: Store, write: Write) -> None:
    write.session(store, name="Physics 8b: monday")
    with pytest.raises(
        SessionError, match=r"no session is called 'Physics 8b' alone; .*: 1 \(Physics 8b: monday\)$"
    ):
        store.find_session("Physics 8b")
    write.session(store, name="Physics 8b: tuesday")
    with pytest.raises(SessionError, match=r"1 \(Physics 8b: monday\), 2 \(Physics 8b: tuesday\)$"):
        store.find_session("Physics 8b")
    assert store.find_session("Physics 8b: tuesday") == 2
    with pytest.raises(SessionError, match="no session 'Physics'; the latest are"):
        store.find_session("Physics")


def test_the_number_and_the_name_of_one_session_are_one(store: Store, write: Write) -> None:
    write.session(store, name="1", source="1")
    assert store.find_session("1") == 1


def finished(store: Store, write: Write, *, name: str) -> int:
    """A session that is judged."""
    session = write.session(store, name=name)
    write.judgement(store, session)
    return session


def test_of_several_sessions_of_one_name_the_finished_one_is_meant(store: Store, write: Write) -> None:
    write.session(store, name="Maths")
    done = finished(store, write, name="Maths")
    write.session(store, name="Maths")
    assert store.find_session("Maths") == done == 2
    with pytest.raises(SessionError, match="several sessions are called 'Maths'"):
        store.find_session("Maths", unique=True)


def test_two_finished_sessions_of_one_name_are_never_told_apart_by_chance(store: Store, write: Write) -> None:
    finished(store, write, name="Maths")
    write.session(store, name="Maths")
    finished(store, write, name="Maths")
    with pytest.raises(
        SessionError,
        match=r"several sessions are called 'Maths'; .*: 1 \(Maths, .*, 2 \(Maths, .*, 3 \(Maths, .*\)$",
    ):
        store.find_session("Maths")
