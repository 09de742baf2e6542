"""Workers as processes on one queue: killed, stopped, without their server; the rows are those of one machine."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from engine import analyze
from engine.errors import UsageError
from engine.runtime.fingerprint import fingerprint
from engine.sessions.cluster.queueing import enqueue
from engine.sessions.cluster.working import work
from engine.sessions.session import find
from storage.claims import shared_store, sharing
from storage.errors import DatabaseError
from storage.progress import progress
from storage.schema import metadata
from storage.store import Store
from tests import postgres
from tests.drawn import SEGMENTS, SETTINGS

F32 = dataclasses.replace(SETTINGS, precision="f32")
ROOT = Path(__file__).parents[4]
#: Differs between runs that are otherwise the same.
OF_THE_RUN = {"created", "finished", "committed", "made", "worker"}


def rows(database: str | Path, name: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the session of that file, by table; without the numbers of sessions and judgements."""
    left_out = {*OF_THE_RUN, "session_id", "judgement_id"}
    with Store.open(database, read_only=True) as store, store.reading() as connection:
        session_id = find(name, database).session_id
        found = {}
        for table in metadata.sorted_tables:
            if table.name in ("audit", "claims", "fingerprints", "profiles", "rules", "people", "seats"):
                continue
            kept = [column for column in table.c if column.name not in left_out]
            query = table.select().with_only_columns(*kept).order_by(*table.primary_key)
            if "session_id" in table.c:
                query = query.where(table.c.session_id == session_id)
            else:
                judgements = metadata.tables["judgements"]
                of_session = judgements.select().with_only_columns(judgements.c.judgement_id)
                query = query.where(
                    table.c.judgement_id.in_(of_session.where(judgements.c.session_id == session_id))
                )
            found[table.name] = [tuple(row) for row in connection.execute(query)]
        return found


def start(url: str, machine: str, lease: float = 3) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "cli", "work", "--db", url, "--machine", machine, "--lease", str(lease)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True, cwd=ROOT)


def until(holds: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def value(url: str, sql: str) -> Any:
    with shared_store(url) as store, sharing(store) as connection:
        return connection.execute(text(sql)).scalar()


@pytest.fixture
def recordings(recording: Path, tmp_path: Path) -> list[Path]:
    """Three recordings with other bytes and the same pictures: a box is appended that players pass over."""
    paths = []
    for place in range(3):
        path = tmp_path / f"lesson{place}.mp4"
        path.write_bytes(recording.read_bytes() + (8 + place).to_bytes(4, "big") + b"free" + bytes(place))
        paths.append(path)
    return paths


@pytest.fixture(scope="module")
def expected(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of one machine, in 32 bits."""
    path = tmp_path_factory.mktemp("alone") / "classpulse.db"
    analyze(recording, path, settings=F32)
    return rows(path, recording.name)


@pytest.fixture
def own_server() -> Iterator[str]:
    """A server that may be restarted."""
    with postgres.server() as url:
        yield url


#: What tells one recording of the three from another.
OWN = ("sessions",)


def check(url: str, recordings: list[Path], expected: dict[str, list[tuple[Any, ...]]]) -> None:
    assert value(url, "SELECT count(*) FROM sessions") == len(recordings)
    assert value(url, "SELECT count(*) FROM sessions WHERE state = 'done'") == len(recordings)
    for path in recordings:
        found = rows(url, path.name)
        for table in expected:
            if table not in OWN:
                assert found[table] == expected[table], f"{path.name}: {table}"
        assert len(found["segments"]) == SEGMENTS


def test_three_workers_of_which_two_fare_badly_and_a_restart_give_the_rows_of_one_machine(
    own_server: str, recordings: list[Path], tmp_path: Path, expected: dict[str, list[tuple[Any, ...]]]
) -> None:
    corrupt, gone = tmp_path / "corrupt.mp4", tmp_path / "gone.mp4"
    corrupt.write_bytes(b"\0\0\0\x18ftypmp42" + bytes(5000))
    added, missing = enqueue([*recordings, corrupt, gone], own_server, settings=F32, run_segments=1)
    assert added == 4
    assert [str(error) for error in missing] == [
        f"{gone}: not queued (No such file or directory); correct the path, and queue it again"
    ]
    workers = {name: start(own_server, name) for name in ("ada", "ben", "eve")}

    def detects(machine: str) -> bool:
        held = f"SELECT count(*) FROM claims WHERE task = 'detect' AND state = 'held' AND machine = '{machine}'"
        return bool(value(own_server, held))

    try:
        until(lambda: detects("ada"))
        workers["ada"].kill()
        until(lambda: detects("ben"))
        workers["ben"].send_signal(signal.Signals["SIGSTOP"])
        until(lambda: not detects("ben"))  # its lease has expired, and another has taken its run
        postgres.restart(own_server)
        workers["ben"].send_signal(signal.Signals["SIGCONT"])
        ended = {name: workers[name].communicate(timeout=240) for name in ("ben", "eve")}
    finally:
        for worker in workers.values():
            worker.kill()
    check(own_server, recordings, expected)
    done = "SELECT count(*) FROM claims WHERE task = 'detect' AND state = 'done'"
    assert value(own_server, done) == SEGMENTS * len(recordings)
    for name, (out, err) in ended.items():
        assert workers[name].returncode == 1, err
        assert "corrupt.mp4, open: set aside, failed on" in err
        assert "Traceback" not in err, out + err
    assert "taken over by another worker" in ended["ben"][1]


def test_queue_in_this_process_gives_the_rows_of_one_machine(
    postgres_url: str, recordings: list[Path], expected: dict[str, list[tuple[Any, ...]]]
) -> None:
    said: list[str] = []
    assert enqueue(recordings[:1], postgres_url, settings=SETTINGS, name="Physics", run_segments=3) == (1, [])
    with shared_store(postgres_url) as store:
        assert progress(store)["recordings"]["queued"] == 1
    assert work(postgres_url, machine="ada", on_event=said.append).done == 4
    assert said == [
        f"lesson0.mp4, {what}: done" for what in ("open", "segments 0 to 2", "segments 3 to the end", "judge")
    ]
    check(postgres_url, recordings[:1], expected)
    assert find("Physics", postgres_url).info()["state"] == "done"
    with shared_store(postgres_url) as store:
        state = progress(store)
    assert state["recordings"] == {"queued": 0, "detecting": 0, "judging": 0, "done": 1, "aside": 0}
    assert (state["done_seconds"], state["left_seconds"], state["working"]) == (32.0, 0.0, [])
    # Queued again it is found done, and nothing is detected a second time.
    enqueue(recordings[:1], postgres_url, settings=SETTINGS, name="Physics", run_segments=3)
    assert work(postgres_url, machine="ada", on_event=said.append).done == 2
    check(postgres_url, recordings[:1], expected)


def test_analysis_that_was_stopped_is_continued_by_workers(
    postgres_url: str, recordings: list[Path], expected: dict[str, list[tuple[Any, ...]]]
) -> None:
    def stop(progress: Any) -> None:
        if progress.time > 15:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        analyze(recordings[0], postgres_url, settings=F32, on_progress=stop)
    enqueue(recordings[:1], postgres_url, settings=F32)
    said: list[str] = []
    work(postgres_url, on_event=said.append)
    assert "lesson0.mp4, segments 1 to the end: done" in said
    check(postgres_url, recordings[:1], expected)


def test_recording_that_was_replaced_after_it_was_queued_is_set_aside(
    postgres_url: str, recordings: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.claims.RETRY_SECONDS", 0)
    enqueue(recordings[:1], postgres_url, settings=F32)

    def replace(line: str) -> None:
        if line.endswith("open: done"):
            recordings[0].write_bytes(recordings[1].read_bytes())

    assert work(postgres_url, machine="ada", on_event=replace).done == 1
    with shared_store(postgres_url) as store:
        (failure,) = progress(store)["failures"]
    assert failure["error"] == f"{recordings[0]}: another recording than the one that was queued; restore that"
    assert failure["failed_on"] == ["ada", "ada", "ada"]
    assert value(postgres_url, "SELECT count(*) FROM segments") == 0


def test_what_cannot_be_shared_or_queued_is_refused(tmp_path: Path, postgres_url: str, recording: Path) -> None:
    for act in (lambda: enqueue([recording], tmp_path / "x.db"), lambda: work(tmp_path / "x.db")):
        with pytest.raises(DatabaseError, match="machines cannot share an SQLite file"):
            act()
    assert not (tmp_path / "x.db").exists()
    with pytest.raises(UsageError, match="--aggregate-only"):
        enqueue([recording], postgres_url, settings=dataclasses.replace(F32, aggregate_only=True))
    with pytest.raises(UsageError, match="lease is 0; it must be 1 to 86400 seconds"):
        work(postgres_url, lease=0)


def other_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on this machine is of another kind."""
    here = json.loads(fingerprint("f32"))
    here["versions"]["openvino"] = "2025.0"
    monkeypatch.setattr("engine.sessions.cluster.working.fingerprint", lambda _: json.dumps(here, sort_keys=True))


def test_session_of_another_kind_of_machine_is_left_to_it_unless_mixed(
    postgres_url: str, recordings: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    enqueue(recordings[:1], postgres_url, settings=F32, run_segments=2)

    def stop(line: str) -> None:
        if line.endswith("segments 0 to 1: done"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work(postgres_url, machine="ada", on_event=stop)
    here = json.loads(fingerprint("f32"))["versions"]["openvino"]
    other_kind(monkeypatch)
    worked = work(postgres_url, machine="ben")
    assert (worked.done, worked.left) == (
        0,
        (
            f"1 claims are left for machines of another kind (openvino 2025.0 here, {here} there); "
            "run `classpulse work` on one, or with --mixed",
        ),
    )
    assert work(postgres_url, machine="ben", mixed=True).done == 2
    kinds = "SELECT count(DISTINCT fingerprint) FROM segments"
    assert value(postgres_url, kinds) == 2
    assert value(postgres_url, "SELECT count(*) FROM fingerprints") == 2


def test_recording_whose_segments_another_kind_of_machine_detected_is_not_continued_unasked(
    postgres_url: str, recordings: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.claims.RETRY_SECONDS", 0)

    def stop(progress: Any) -> None:
        if progress.time > 15:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        analyze(recordings[0], postgres_url, settings=F32, on_progress=stop)
    other_kind(monkeypatch)
    enqueue(recordings[:1], postgres_url, settings=F32)
    assert work(postgres_url).done == 0
    with shared_store(postgres_url) as store:
        (failure,) = progress(store)["failures"]
    assert "another kind of machine detected segments of it (openvino 2025.0 here, " in failure["error"]
    enqueue(recordings[:1], postgres_url, settings=F32)
    assert work(postgres_url, mixed=True).done == 3
