"""Digests of segments: the same wherever the rows are, another for any other row, made again where faces go."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from storage.digests import digested, digests_of, segment_digest, stored_digests
from storage.forgetting import delete_faces
from storage.schema import faces, frames
from storage.store import Store
from tests.storage.conftest import write_segment, write_session, write_tracking

#: Of `columns()`: a digest must not differ between processes, machines or releases.
KNOWN = "fc20ed5f84e9076db10c3a3ab79aff7af0bee00f0ac01de70e923381776ba6f5"


#: Classes that the scorer of these tests does not have, and what it says of no face.
BEYOND = [f"score_{number}" for number in range(8, 13)]
BEYOND += ["loglik_positive", "loglik_neutral", "loglik_negative", "conditions"]


def columns() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """A segment of three frames with two, no and one face, whose values are all different and known."""
    sampled = {"pts": np.array([100, 2100, 4100]), "time": np.array([0.0, 2.0, 4.0]), "faces": np.array([2, 0, 1])}
    for place, name in enumerate(("camera_a", "camera_b", "camera_x", "camera_y")):
        sampled[name] = np.array([np.nan, -0.5, 0.25]) * (place + 1)
    found: dict[str, np.ndarray] = {"pts": np.array([100, 100, 4100]), "face": np.array([0, 1, 0])}
    for place, column in enumerate(digested(faces)):
        if "decimals" in column.info and column.name not in BEYOND:
            found[column.name] = ((np.arange(3) + place) * 10.0 ** -column.info["decimals"]).astype(np.float32)
    found["scorable"] = np.array([True, False, True])
    found["landmarks"] = np.array([bytes([place]) * 40 for place in range(3)], object)
    found["appearance"] = np.array([None, bytes(range(48)), None], object)
    return sampled, found


def test_a_digest_is_the_same_in_every_process_and_release() -> None:
    assert segment_digest(*columns()) == KNOWN
    code = "from tests.storage.test_digests import *; print(segment_digest(*columns()))"
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True,
            env={"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": seed},
        )  # fmt: skip
        assert done.stdout.strip() == KNOWN


@pytest.mark.both_databases
def test_the_rows_that_are_read_have_the_digest_that_was_written(store: Store) -> None:
    """Whatever the session's number is, and whatever the passes after detection write."""
    others = write_session(store)
    session = write_session(store)
    made = write_segment(store, session, 0)
    write_segment(store, session, 1, ())
    write_segment(store, others, 0)
    with store.reading() as connection:
        stored = stored_digests(connection, session)
        assert digests_of(connection, session) == stored
        assert stored_digests(connection, others)[0] == stored[0]
        assert set(stored) == {0, 1}
        assert stored[0] != stored[1]
    write_tracking(store, session, made)
    store.write_path(session, {"pts": np.array([100]), "path_a": np.ones(1), "path_section": np.zeros(1, int)})
    with store.reading() as connection:
        assert digests_of(connection, session, [0]) == {0: stored[0]}


def test_databases_agree(path: Path, postgres_url: str) -> None:
    found = []
    for target in (path, postgres_url):
        with Store.open(target) as store:
            session = write_session(store)
            write_segment(store, session, 0, (5, 0, 7, 1))
            with store.reading() as connection:
                found.append((stored_digests(connection, session), digests_of(connection, session)))
    assert found[0] == found[1]
    assert found[0][0] == found[0][1]


@pytest.mark.parametrize("name", [column.name for column in digested(frames)])
def test_every_column_of_frames_counts(name: str) -> None:
    frame_columns, face_columns = columns()
    column = frames.c[name]
    if name in frame_columns:
        changed = frame_columns[name].astype(float if "decimals" in column.info else int)
        changed[-1] += 10.0 ** -column.info.get("decimals", 0)
    elif "decimals" in column.info:
        changed = np.array([np.nan, 1, np.nan])
    else:
        changed = np.array([None, b"layout", None], object)
    assert segment_digest({**frame_columns, name: changed}, face_columns) != KNOWN


@pytest.mark.parametrize("name", [column.name for column in digested(faces) if column.name not in BEYOND])
def test_every_column_of_faces_counts(name: str) -> None:
    frame_columns, face_columns = columns()
    changed = face_columns[name].copy()
    if changed.dtype == object:
        changed[1] = bytes(len(changed[1])) if changed[1] else None
        assert changed[1] != face_columns[name][1]
    elif changed.dtype == bool:
        changed[1] = not changed[1]
    else:
        changed = changed.astype(float if "decimals" in faces.c[name].info else int)
        changed[1] += 10.0 ** -faces.c[name].info.get("decimals", 0)
    assert segment_digest(frame_columns, {**face_columns, name: changed}) != KNOWN


def test_what_does_not_count() -> None:
    """The order of rows, what is below the last decimal place, columns without a value, tracks."""
    frame_columns, face_columns = columns()
    turned = {name: values[::-1] for name, values in face_columns.items()}
    assert segment_digest(frame_columns, turned) == KNOWN
    nearly = {**face_columns, "x1": face_columns["x1"].astype(np.float64).round(2) + 0.001}
    assert segment_digest(frame_columns, nearly) == KNOWN
    more = {**face_columns, "score_12": np.full(3, np.nan), "track": np.arange(3)}
    nothing = {"unexplained": np.full(3, np.nan), "layout": np.full(3, None, object)}
    assert segment_digest({**frame_columns, **nothing}, more) == KNOWN


@pytest.mark.both_databases
def test_deleting_faces_makes_the_digests_again(store: Store) -> None:
    session = write_session(store)
    made = write_segment(store, session, 0, (3, 2))
    write_segment(store, session, 1)
    with store.reading() as connection:
        before = stored_digests(connection, session)
    delete_faces(store, session, made.pts[:2], made.face[:2])
    with store.reading() as connection:
        after = stored_digests(connection, session)
        assert digests_of(connection, session) == after
    assert after[0] != before[0]
    assert after[1] == before[1]


def test_damage_is_not_blessed_by_deleting_faces(store: Store) -> None:
    """A digest that did not fit before does not fit after, and where none was known none is."""
    session = write_session(store)
    made = [write_segment(store, session, segment) for segment in (0, 1, 2)]
    with store.writing() as connection:
        connection.execute(text(f"UPDATE faces SET x1 = x1 + 1 WHERE pts = {made[0].pts[0]} AND face = 1"))
        connection.execute(text("UPDATE segments SET digest = NULL WHERE segment = 1"))
        before = stored_digests(connection, session)
    for segment in made:
        delete_faces(store, session, segment.pts[:1], segment.face[:1])
    with store.reading() as connection:
        stored, found = stored_digests(connection, session), digests_of(connection, session)
    assert (stored[0], stored[1]) == (before[0], None)
    assert [stored[number] == found[number] for number in range(3)] == [False, False, True]
