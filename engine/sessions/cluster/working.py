"""A worker: takes claims of a database and does them until none is left; any number of them, on any machines.

Whatever ends a worker, what it had committed stays, and its open run is taken by another when its lease expires.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from engine.errors import SourceError, UsageError
from engine.runtime.executor import Run, missing_runs, runs_within
from engine.runtime.fingerprint import differences, fingerprint
from engine.sessions.analysis import Recording, find_or_begin, track_and_judge, write_found_warnings
from engine.sessions.lifecycle import end_detection, same_software, with_excluded
from engine.settings import Settings
from engine.texts import LONGEST
from engine.vision.sources.protocol import FrameSource
from engine.vision.sources.registry import open_source
from engine.vision.sources.unchanged import Unchanged
from engine.vision.spot_check import choose
from storage import claims
from storage.claims import Claim, Worker, shared_store
from storage.errors import StorageError, UnreachableError
from storage.fingerprints import content_of, fingerprints_of, remember
from storage.store import Store

if TYPE_CHECKING:
    from engine.vision.extraction import FeatureExtractor, Segment

T = TypeVar("T")

#: How long a claim is held without a sign of life, s.
LEASE_SECONDS = 60.0
#: How long a worker without a claim waits before it asks again, s.
POLL_SECONDS = 1.0
#: How long a server that is away is waited for, s.
AWAY_SECONDS = 900.0
#: While a session is tracked and judged its transaction stands still, ms; longer, and its worker is taken for gone.
JUDGING_MILLISECONDS = 600_000


@dataclass(frozen=True)
class Worked:
    """What came of the work of one worker."""

    done: int
    """Claims that it did."""
    left: tuple[str, ...]
    """A line for each kind of machine that claims are left for, and of which none is at work."""


def work(
    db: str | Path,
    *,
    machine: str | None = None,
    lease: float = LEASE_SECONDS,
    mixed: bool = False,
    on_event: Callable[[str], None] | None = None,
) -> Worked:
    """Do claims until none is open or held by another.

    Claims of sessions that another kind of machine began are left to such, unless `mixed`. `machine` is the
    name under which failures are noted (default: the host's). `on_event` is told of every claim in a line. Raises
    DatabaseError for a database that cannot be shared, is not there, or stays away.
    """
    if not 1 <= lease <= 86_400:
        raise UsageError(f"lease is {lease:g}; it must be 1 to 86400 seconds")
    machine = machine or socket.gethostname()
    content = fingerprint("f32")
    name = f"{machine}, process {os.getpid()} ({secrets.token_hex(3)})"
    with shared_store(db, must_exist=True) as store:
        worker = Worker(name, machine, remember(store, content), mixed)
        done = _Working(store, worker, lease, on_event or _silent).until_none_is_left()
        left = [
            f"{count} claims are left for machines of another kind ({'; '.join(differences(content, theirs))}); "
            "run `classpulse work` on one, or with --mixed"
            for key, count in claims.left_for_others(store, worker).items()
            for theirs in [content_of(store, key)]
        ]
    return Worked(done, tuple(left))


class _Working:
    def __init__(self, store: Store, worker: Worker, lease: float, say: Callable[[str], None]) -> None:
        self._store, self._worker, self._lease, self._say = store, worker, lease, say
        self._extractor: FeatureExtractor | None = None
        self._fingerprints: dict[tuple[object, ...], str] = {}

    def until_none_is_left(self) -> int:
        done = 0
        pause = threading.Event()
        while True:
            claim = self._patiently(lambda: claims.take(self._store, self._worker, self._lease))
            if claim is not None:
                done += self._do(claim)
            elif self._patiently(lambda: claims.are_left(self._store, self._worker)):
                pause.wait(POLL_SECONDS)
            else:
                return done

    def _do(self, claim: Claim) -> bool:
        """Do a claim, as far as it stays this worker's; whether it is done."""
        lost = threading.Event()
        try:
            with self._heartbeat(claim, lost):
                done = self._patiently(lambda: self._perform(claim, lost))
        except KeyboardInterrupt:
            with suppress(StorageError):
                claims.give_back(self._store, claim, self._worker)
            raise
        except Exception as error:
            if isinstance(error, UnreachableError):
                raise
            text = str(error) if hasattr(error, "exit_status") else f"{type(error).__name__}: {error}"
            aside = self._patiently(lambda: claims.fail(self._store, claim, self._worker, " ".join(text.split())))
            self._say(f"{claim.title}: {'set aside' if aside else 'failed'}: {text}")
            return False
        self._say(f"{claim.title}: {'done' if done else 'taken over by another worker'}")
        return done

    def _perform(self, claim: Claim, lost: threading.Event) -> bool:
        if claim.task == "open":
            return self._open(claim)
        damaged = 0
        if claim.task == "detect":
            damaged = self._detect(claim, lost)
        else:
            self._judge(claim)
        return not lost.is_set() and claims.finish(self._store, claim, self._worker, damaged=damaged)

    def _open(self, claim: Claim) -> bool:
        """Begin the session, and have the rest of the work claimed: in one transaction, which ends the claim."""
        request: Any = claim.request
        settings = Settings.from_json(request["settings"])
        unchanged = Unchanged(claim.source, settings)
        with open_source(claim.source, settings) as video:
            unchanged.fingerprint = self._fingerprint(video)
            unchanged.check()
            settings = choose(video.path, settings)
            if request["exclude"]:
                settings = with_excluded(self._store, request["exclude"], video, settings)
            at = request["recorded_at"]
            recorded_at = None if at is None else datetime.fromisoformat(at)
            name = request["name"]
            if name and request["several"]:
                name = f"{name}: {video.path.stem}"[:LONGEST]
            recording = Recording(video, unchanged, settings, name, recorded_at)
            with self._store.writing(key=recording.key) as connection:
                if not claims.is_held(connection, claim, self._worker):
                    return False
                session_id, state = find_or_begin(self._store, self._store, recording, again=request["again"])
                runs: list[Run] = []
                if state == "detecting":
                    committed = self._store.committed_segments(session_id)
                    longest = request["run_segments"] if video.seekable else None
                    runs = missing_runs(committed, video.duration, longest=longest)
                self._check_kind(claim, session_id)
                request = settings.to_json()
                kind = self._worker.fingerprint
                claims.spread(connection, claim, session_id, runs, video.duration or 0, request, kind)
        return True

    def _check_kind(self, claim: Claim, session_id: int) -> None:
        others = fingerprints_of(self._store, session_id) - {self._worker.fingerprint}
        if others and not self._worker.mixed:
            mine = content_of(self._store, self._worker.fingerprint)
            differing = "; ".join(differences(mine, content_of(self._store, min(others))))
            raise UsageError(
                f"{claim.source}: another kind of machine detected segments of it ({differing}); continue it "
                "there, or with --mixed"
            )

    def _detect(self, claim: Claim, lost: threading.Event) -> int:
        """The number of damaged packets or images in the run."""
        with self._opened(claim) as (session_id, video, settings, unchanged):
            assert claim.first is not None
            damaged = 0
            committed = self._store.committed_segments(session_id)
            for first, stop in runs_within((claim.first, claim.stop), committed):
                for segment in self._extractor_of(settings).segments(video, first, stop):
                    if lost.is_set():
                        return damaged
                    unchanged.check()  # of what was seen of another recording nothing is committed
                    self._patiently(partial(self._write, session_id, segment))
                damaged += video.damaged
            unchanged.check_all()
            return damaged

    def _write(self, session_id: int, segment: Segment) -> bool:
        columns = segment.frames, segment.faces.columns()
        return claims.write_or_verify(self._store, session_id, segment.number, *columns, self._worker)

    def _judge(self, claim: Claim) -> None:
        request: Any = claim.request
        with self._opened(claim) as (session_id, video, settings, _), self._store.writing(session_id) as connection:
            connection.exec_driver_sql(f"SET LOCAL idle_in_transaction_session_timeout = {JUDGING_MILLISECONDS}")
            if self._store.session(session_id)["state"] == "detecting":
                end_detection(self._store, session_id)
                video.damaged = claims.damaged_in(self._store, session_id)
                write_found_warnings(self._store, session_id, video, settings)
            state = self._store.session(session_id)["state"]
            track_and_judge(self._store, (session_id, state), Settings.from_json(request["settings"]), _silent)

    @contextmanager
    def _opened(self, claim: Claim) -> Iterator[tuple[int, FrameSource, Settings, Unchanged]]:
        """The session of a claim, and its recording, which is the one that was queued."""
        assert claim.session_id is not None
        session = self._store.session(claim.session_id)
        settings = Settings.from_json(session["settings"])
        if not same_software(session, settings):
            raise UsageError(
                f"{claim.source}: version {session['version']} or other networks began its session; have all "
                "machines run one version, and queue it again"
            )
        unchanged = Unchanged(claim.source, settings)
        with open_source(claim.source, settings) as video:
            unchanged.fingerprint = self._fingerprint(video)
            if unchanged.fingerprint != session["sha256"]:
                raise SourceError(f"{claim.source}: another recording than the one that was queued; restore that")
            unchanged.check()
            yield claim.session_id, video, settings, unchanged

    def _fingerprint(self, video: FrameSource) -> str:
        """Of the recording; of a file, read once as long as the system says that it is the same."""
        if not video.path.is_file():
            return video.fingerprint()
        stat = video.path.stat()
        key = (video.path, stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
        if key not in self._fingerprints:
            self._fingerprints[key] = video.fingerprint()
        return self._fingerprints[key]

    def _extractor_of(self, settings: Settings) -> FeatureExtractor:
        """Kept for the next run: loading the networks takes as long as a few segments."""
        from engine.vision.extraction import FeatureExtractor

        if self._extractor is None or self._extractor.settings.detected_by() != settings.detected_by():
            self._extractor = FeatureExtractor(settings)
        return self._extractor

    @contextmanager
    def _heartbeat(self, claim: Claim, lost: threading.Event) -> Iterator[None]:
        """Hold the claim as long as this process lives; `lost` is set where another has taken it nevertheless."""
        ended = threading.Event()

        def beat() -> None:
            while not ended.wait(self._lease / 3):
                with suppress(StorageError):
                    if not claims.renew(self._store, claim, self._worker, self._lease):
                        if not ended.is_set():
                            lost.set()
                        return

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _patiently(self, action: Callable[[], T]) -> T:
        """The result of `action`, which is called again while the server is away."""
        waited, pause = 0.0, threading.Event()
        while True:
            try:
                return action()
            except UnreachableError as error:
                if waited >= AWAY_SECONDS:
                    raise
                if not waited:
                    self._say(f"waiting for the server: {error}")
                pause.wait(POLL_SECONDS)
                waited += POLL_SECONDS


def _silent(line: str) -> None:
    del line
