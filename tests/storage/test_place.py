"""A database that is deleted or replaced while it is written: said at once, never that something was kept."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.errors import DatabaseError
from storage.store import Store
from tests.storage.conftest import write_segment, write_session


def delete(path: Path) -> None:
    path.unlink()


def replace(path: Path) -> None:
    Store.open(path.with_name("other.db")).close()
    path.with_name("other.db").replace(path)


def move(path: Path) -> None:
    path.rename(path.with_name("moved.db"))


LOST = r"classpulse\.db: it was deleted or replaced while it was written, and what this command wrote is lost; run"


@pytest.mark.parametrize("change", [delete, replace, move])
def test_between_two_transactions(path: Path, change: Callable[[Path], None]) -> None:
    with Store.open(path) as store:
        session = write_session(store)
        write_segment(store, session, 0)
        change(path)
        with pytest.raises(DatabaseError, match=LOST):
            write_segment(store, session, 1)
    assert path.exists() == (change is replace)  # no empty one is made in its place


@pytest.mark.parametrize("change", [delete, replace, move])
def test_within_a_transaction(path: Path, change: Callable[[Path], None]) -> None:
    """It is undone, also in a file that only went elsewhere."""
    with Store.open(path) as store:
        session = write_session(store)
        with pytest.raises(DatabaseError, match=LOST):
            _write_and(store, session, lambda: change(path))
    if change is move:
        with Store.open(path.with_name("moved.db")) as store:
            assert store.committed_segments(session) == set()


def _write_and(store: Store, session: int, act: Callable[[], None]) -> None:
    with store.writing():
        write_segment(store, session, 0)
        act()


def test_a_file_that_is_changed_as_files_are_stays_the_same(path: Path) -> None:
    """Other rights, another link to it, a copy of it."""
    with Store.open(path) as store:
        session = write_session(store)
        path.chmod(0o640)
        path.with_name("link.db").hardlink_to(path)
        shutil.copy(path, path.with_name("copy.db"))
        write_segment(store, session, 0)
        assert store.committed_segments(session) == {0}
