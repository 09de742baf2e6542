"""Reading the rows of a long session does not take many times their size."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from benchmarks.storage import begin, segment_of
from engine.sessions.judgements import read_evidence
from engine.sessions.tracking import Rows
from storage.store import Store

SEGMENTS = 8


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """12,000 faces, one in five with a look."""
    store = Store.open(tmp_path_factory.mktemp("long") / "classpulse.db")
    session = begin(store)
    for number in range(SEGMENTS):
        frames, faces = segment_of(number)
        store.write_segment(session, number, frames, faces.columns())
    store.finish_detection(session, 10.0 * SEGMENTS)
    return store


@pytest.mark.parametrize(("read", "most"), [(Rows.read, 420), (read_evidence, 320)])
def test_bytes_a_face(store: Store, read: Callable[[Store, int], Any], most: int) -> None:
    read(store, 1)  # what is only loaded once does not count
    tracemalloc.start()
    rows = read(store, 1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak / len(rows.faces.time) < most


def test_what_is_read(store: Store) -> None:
    rows = Rows.read(store, 1)
    frames, faces = segment_of(3)
    first = 3 * len(faces)
    part = slice(first, first + len(faces))
    assert (rows.faces.pts[part] == faces.pts).all()
    assert (rows.faces.landmarks[part] == faces.landmarks).all()
    assert (rows.described[part] == faces.appearance.any(axis=1)).all()
    first_row = rows.described[:first].sum()
    rows_of_part = rows.appearance[first_row : first_row + rows.described[part].sum()]
    assert (rows_of_part == faces.appearance[rows.described[part]]).all()
    assert rows.path.to_first.shape == (SEGMENTS * len(frames["pts"]), 2, 3)
