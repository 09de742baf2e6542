"""Claims on a real server: who takes what, leases, failures, and segments that two workers detected."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from storage import claims
from storage.claims import Claim, Worker, shared_store
from storage.errors import DatabaseError, StorageError
from storage.progress import progress
from storage.schema import claims as table
from storage.schema import segments
from storage.store import Store
from tests.storage.conftest import frames_at, make_faces, write_session

ADA, BEN, EVE = (Worker(f"{name}, process 1", name) for name in ("ada", "ben", "eve"))
REQUEST = {"settings": "{}"}


@pytest.fixture
def store(postgres_url: str) -> Iterator[Store]:
    with shared_store(postgres_url) as store:
        yield store


def rows(store: Store, *names: str) -> list[tuple[Any, ...]]:
    with store.reading() as connection:
        query = select(*(table.c[name] for name in names)).order_by(table.c.claim)
        return [tuple(row) for row in connection.execute(query)]


def taken(store: Store, worker: Worker, seconds: float = 60) -> Claim:
    claim = claims.take(store, worker, seconds)
    assert claim is not None
    return claim


def begun(store: Store, runs: list[tuple[int, int | None]], length: float = 40.0) -> int:
    """A session with claims for its runs."""
    claims.queue(store, [("/lessons/physics.mp4", 7)], REQUEST)
    claim = taken(store, ADA)
    with store.writing(key="ab12cd34") as connection:
        session_id = write_session(store)
        claims.spread(connection, claim, session_id, runs, length, "{}", None)
    return session_id


def expire(store: Store, number: int) -> None:
    with claims.sharing(store) as connection:
        connection.execute(table.update().where(table.c.claim == number).values(lease=1.0))


def test_no_file_is_made_for_machines_to_share(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match=r"machines cannot share an SQLite file.*name a PostgreSQL") as caught:
        shared_store(tmp_path / "school.db")
    assert caught.value.exit_status == 2
    assert list(tmp_path.iterdir()) == []
    with Store.open(tmp_path / "school.db") as store, pytest.raises(DatabaseError), claims.sharing(store):
        pass


def test_largest_recordings_are_opened_first(store: Store) -> None:
    claims.queue(store, [("/a.mp4", 5), ("/b.mp4", 9), ("/c.mp4", 7)], REQUEST)
    assert [taken(store, worker).source for worker in (ADA, BEN, ADA)] == ["/b.mp4", "/c.mp4", "/a.mp4"]
    assert claims.take(store, BEN, 60) is None
    assert claims.are_left(store, ADA)


def test_nothing_is_queued_twice_until_it_is_done(store: Store) -> None:
    assert claims.queue(store, [("/a.mp4", 5), ("/b.mp4", 9)], REQUEST) == 2
    assert claims.queue(store, [("/a.mp4", 5), ("/c.mp4", 9)], REQUEST) == 1
    assert claims.queue(store, [("/a.mp4", 5)], {"settings": "other"}) == 1
    assert [source for (source,) in rows(store, "source")] == ["/a.mp4", "/b.mp4", "/c.mp4", "/a.mp4"]


def test_many_takers_at_once_take_each_claim_once(store: Store) -> None:
    claims.queue(store, [(f"/{number}.mp4", 1) for number in range(60)], REQUEST)
    found: list[int] = []

    def take_all(worker: Worker) -> None:
        while claim := claims.take(store, worker, 60):
            found.append(claim.claim)

    threads = [threading.Thread(target=take_all, args=(Worker(f"w{n}", f"m{n}"),)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 60
    assert len(set(found)) == 60


def test_runs_of_open_sessions_come_before_other_recordings(store: Store) -> None:
    begun(store, [(0, 2), (2, None)])
    claims.queue(store, [("/large.mp4", 10**9)], REQUEST)
    order = [taken(store, BEN) for _ in range(3)]
    assert [(claim.task, claim.first, claim.stop) for claim in order] == [
        ("detect", 0, 2), ("detect", 2, None), ("open", None, None)
    ]  # fmt: skip


def test_judging_is_open_when_the_last_run_is_done(store: Store) -> None:
    begun(store, [(0, 2), (2, None)])
    one, other = taken(store, ADA), taken(store, BEN)
    assert claims.finish(store, other, BEN, damaged=2)
    assert rows(store, "task", "state")[-1] == ("judge", "waiting")
    assert claims.take(store, EVE, 60) is None
    assert claims.finish(store, one, ADA, damaged=1)
    judge = taken(store, EVE)
    assert (judge.task, judge.request) == ("judge", {"settings": "{}"})
    assert claims.damaged_in(store, judge.session_id or 0) == 3
    assert claims.finish(store, judge, EVE)
    assert not claims.are_left(store, ADA)


def test_two_last_runs_that_end_at_once_open_the_judging(store: Store) -> None:
    """Neither sees the other's end in its own snapshot, unless one waits for the other."""
    for _ in range(8):
        begun(store, [(0, 2), (2, None)])
        held = [(taken(store, worker), worker) for worker in (ADA, BEN)]
        threads = [threading.Thread(target=claims.finish, args=(store, *each)) for each in held]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        judge = taken(store, EVE)
        assert judge.task == "judge"
        claims.finish(store, judge, EVE)


def test_expired_claim_is_taken_by_anybody_and_its_late_holder_learns_it(store: Store) -> None:
    claims.queue(store, [("/a.mp4", 5)], REQUEST)
    late = taken(store, ADA)
    assert claims.take(store, BEN, 60) is None
    assert claims.renew(store, late, ADA, 60)
    expire(store, late.claim)
    assert taken(store, BEN).claim == late.claim
    assert not claims.renew(store, late, ADA, 60)
    assert not claims.finish(store, late, ADA)
    assert not claims.fail(store, late, ADA, "late")
    assert rows(store, "state", "machine", "attempts", "error") == [("held", "ben", 2, None)]


def test_lease_that_is_renewed_does_not_expire(store: Store) -> None:
    claims.queue(store, [("/a.mp4", 5)], REQUEST)
    claim = taken(store, ADA, seconds=0.5)
    claims.renew(store, claim, ADA, 60)
    time.sleep(0.6)
    assert claims.take(store, BEN, 60) is None


def test_run_that_failed_is_tried_on_other_machines_and_then_set_aside(store: Store) -> None:
    claims.queue(store, [("/a.mp4", 5)], REQUEST)
    claims.queue(store, [("/b.mp4", 1)], REQUEST)
    assert not claims.fail(store, taken(store, ADA), ADA, "it is broken")
    assert taken(store, ADA).source == "/b.mp4"  # not again what failed here
    assert not claims.fail(store, taken(store, BEN), BEN, "it is broken")
    assert claims.fail(store, taken(store, EVE), EVE, "it is\tbroken")
    assert rows(store, "state", "failed_on", "error")[0] == ("aside", '["ada", "ben", "eve"]', "it is\tbroken")
    (failure,) = progress(store)["failures"]
    assert (failure["what"], failure["failed_on"]) == ("a.mp4, open", ["ada", "ben", "eve"])


def test_machine_alone_tries_again_after_a_pause_and_three_times_in_all(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims.queue(store, [("/a.mp4", 5)], REQUEST)
    assert not claims.fail(store, taken(store, ADA), ADA, "broken")
    assert claims.take(store, ADA, 60) is None
    monkeypatch.setattr(claims, "RETRY_SECONDS", 0)
    expire(store, 1)
    assert not claims.fail(store, taken(store, ADA), ADA, "broken")
    assert claims.fail(store, taken(store, ADA), ADA, "broken")
    assert not claims.are_left(store, ADA)
    assert claims.queue(store, [("/a.mp4", 5)], REQUEST) == 1  # asked for again, it is tried again
    assert taken(store, ADA).attempts == 1


def test_machine_does_not_try_again_what_failed_there_while_another_is_at_work(store: Store) -> None:
    claims.queue(store, [("/b.mp4", 1)], REQUEST)
    other = taken(store, BEN)
    claims.queue(store, [("/a.mp4", 5)], REQUEST)
    failed = taken(store, ADA)
    claims.fail(store, failed, ADA, "no space left")
    expire(store, failed.claim)  # the pause is over
    assert claims.take(store, ADA, 60) is None
    claims.finish(store, other, BEN)
    assert taken(store, ADA).source == "/a.mp4"


def test_run_whose_workers_always_end_is_set_aside(store: Store) -> None:
    claims.queue(store, [("/a.mp4", 5)], REQUEST)
    for _ in range(claims.MOST_ATTEMPTS):
        expire(store, taken(store, ADA).claim)
    assert claims.take(store, BEN, 60) is None
    assert rows(store, "state", "error") == [
        ("aside", "its worker ended 10 times before its work, the last one on ben")
    ]


def test_claim_given_back_is_as_if_it_had_not_been_taken(store: Store) -> None:
    claims.queue(store, [("/a.mp4", 5)], REQUEST)
    claims.give_back(store, taken(store, ADA), ADA)
    assert taken(store, BEN).attempts == 1


def test_claims_go_with_their_session(store: Store) -> None:
    session_id = begun(store, [(0, None)])
    claim = taken(store, ADA)
    store.delete_session(session_id)
    assert rows(store, "claim") == []
    assert not claims.renew(store, claim, ADA, 60)


# -- segments


def columns(seed: int = 0) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    time_s = 2.0 * np.arange(3)
    pts = (100 + 1000 * time_s).astype(np.int64)
    frames = frames_at(pts, time_s) | {"faces": np.array([2, 0, 1])}
    return frames, dict(make_faces(np.repeat(pts, (2, 0, 1)).tolist(), seed=seed).columns())


def test_segment_of_two_workers_is_stored_once_if_its_rows_are_the_same(store: Store) -> None:
    session_id = write_session(store)
    assert claims.write_or_verify(store, session_id, 0, *columns(), ADA)
    assert not claims.write_or_verify(store, session_id, 0, *columns(), BEN)
    with store.reading() as connection:
        assert connection.execute(select(segments.c.segment, segments.c.worker)).all() == [(0, ADA.name)]


def test_other_rows_in_one_segment_are_an_error_that_names_both_machines(store: Store) -> None:
    session_id = write_session(store)
    claims.write_or_verify(store, session_id, 0, *columns(), ADA)
    with pytest.raises(
        claims.DifferentRowsError, match="ben, process 1 found other rows in it than ada, process 1"
    ):
        claims.write_or_verify(store, session_id, 0, *columns(seed=1), BEN)
    assert issubclass(claims.DifferentRowsError, StorageError)


def test_worker_that_stands_still_within_a_write_holds_nobody_up(
    store: Store, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = write_session(store)
    monkeypatch.setattr(claims, "IDLE_MILLISECONDS", 300)
    stopped, go = threading.Event(), threading.Event()

    def stand_still(*_: Any, **by: Any) -> None:
        stopped.set()
        go.wait(30)

    failures: list[BaseException] = []

    def write_late() -> None:
        with shared_store(postgres_url) as late:
            late.write_segment = stand_still  # type: ignore[method-assign]
            try:
                claims.write_or_verify(late, session_id, 0, *columns(), ADA)
            except DatabaseError as error:
                failures.append(error)

    thread = threading.Thread(target=write_late)
    thread.start()
    assert stopped.wait(30)
    monkeypatch.setattr(claims, "IDLE_MILLISECONDS", 30_000)  # ours may take its time on a busy machine
    assert claims.write_or_verify(store, session_id, 0, *columns(), BEN)
    go.set()
    thread.join()
    assert [type(error).__name__ for error in failures] == ["UnreachableError"]
