"""Executors on this machine: pass 1 in this process, or on several that take runs of segments in turn.

Segments share nothing, so neither the number of workers nor which of them computed a segment shows in the rows. A
run is as long as possible, since a reader that begins in the middle first decodes from the keyframe before.
"""

from __future__ import annotations

import os
import subprocess
import threading
import traceback
from collections import deque
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from math import ceil
from multiprocessing.connection import Connection, wait
from typing import Any

from engine.errors import WorkerError
from engine.runtime import platform
from engine.runtime.executor import OnFrame, Run, missing_runs
from engine.settings import SEGMENT_SECONDS, Settings
from engine.vision.detection import Detections
from engine.vision.extraction import FeatureExtractor, Segment
from engine.vision.sources.protocol import Frame, FrameSource
from engine.vision.sources.registry import open_source

#: Called with every frame and its faces, for a preview.
OnDetections = Callable[[Frame, Detections], None]

#: Fewest segments for which processes are started: loading the networks again takes as long as computing some.
FEWEST_SEGMENTS = 7
#: Physical memory reserved for each worker by default, bytes: it uses a third of that at 1080p, most at 4K.
MEMORY = 2**30
#: Most workers by default where the system does not say how much memory there is.
UNKNOWN_MEMORY_WORKERS = 4


def usable_workers(settings: Settings) -> int:
    """How many workers this machine has: its usable cores, as far as its memory reaches."""
    if settings.engine == "reference":
        return 1  # its packages use every core themselves
    memory = platform.physical_memory()
    return max(1, min(platform.usable_cores(), UNKNOWN_MEMORY_WORKERS if memory is None else memory // MEMORY))


class InProcess:
    """Runs pass 1 in the calling process; `on_detections` is called with every frame and its faces."""

    def __init__(self, on_detections: OnDetections | None = None) -> None:
        self._on_detections = on_detections

    def extract(
        self, source: FrameSource, settings: Settings, committed: Collection[int], on_frame: OnFrame
    ) -> Generator[Segment]:
        """See `Executor.extract`; segments come in order."""
        extractor = FeatureExtractor(settings)
        for first, stop in missing_runs(committed, source.duration):

            def report(frame: Frame, detections: Detections, first: int = first) -> None:
                on_frame(first, frame.time, len(detections))
                if self._on_detections:
                    self._on_detections(frame, detections)

            yield from extractor.segments(source, first, stop, report)


class Processes:
    """Runs pass 1 on `workers` processes of this machine (None: as many as `usable_workers`)."""

    def __init__(self, workers: int | None = None) -> None:
        self._workers = workers

    def extract(
        self, source: FrameSource, settings: Settings, committed: Collection[int], on_frame: OnFrame
    ) -> Generator[Segment]:
        """See `Executor.extract`. However it ends, no worker process is left."""
        count = usable_workers(settings) if self._workers is None else self._workers
        if not source.seekable:
            count = 1  # every other one would decode all that comes before its own segments
        runs = missing_runs(committed, source.duration, count)
        with WorkerPool(source, settings, min(count, len(runs))) as pool:
            yield from pool.extract(runs, on_frame)


class ByLength:
    """The default: `Processes`, or `InProcess` where too few segments are missing to start workers for."""

    def __init__(self, workers: int | None = None) -> None:
        self._workers = workers

    def extract(
        self, source: FrameSource, settings: Settings, committed: Collection[int], on_frame: OnFrame
    ) -> Generator[Segment]:
        """See `Executor.extract`."""
        missing = ceil((source.duration or 0) / SEGMENT_SECONDS) - len(committed)
        executor = InProcess() if missing < FEWEST_SEGMENTS else Processes(self._workers)
        return executor.extract(source, settings, committed, on_frame)


class WorkerPool:
    """`count` worker processes that compute segments of `source`. Each ends when this process does, however."""

    def __init__(self, source: FrameSource, settings: Settings, count: int) -> None:
        self._source = source
        self._processes: dict[Connection, subprocess.Popen[bytes]] = {}
        try:
            for _ in range(count):
                process, connection = platform.start_worker(
                    "from engine.runtime.local import serve_parent; serve_parent(connection)"
                )
                self._processes[connection] = process
                self._send(connection, (source.path, settings))
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Kill the workers: they own nothing that could be damaged."""
        for process in self._processes.values():
            process.kill()
        for connection, process in self._processes.items():
            connection.close()
            process.communicate()

    def extract(self, runs: Sequence[Run], on_frame: OnFrame) -> Iterator[Segment]:
        """Compute `runs`. A worker waits until its segment is taken, so at most one of each is in memory."""
        self._source.damaged = 0
        waiting = deque(runs)
        busy: dict[Any, Run] = {}
        for idle in self._processes:
            self._send(idle, busy.setdefault(idle, waiting.popleft()))
        while busy:
            for ready in wait(list(busy)):
                connection: Any = ready
                try:
                    message = connection.recv()
                except (EOFError, OSError):
                    raise self._ended(connection) from None
                if isinstance(message, Segment):
                    yield message
                elif isinstance(message, BaseException):
                    raise message
                elif isinstance(message, tuple):
                    on_frame(busy[connection][0], *message)
                else:  # the run is complete; the message is its number of damaged packets
                    self._source.damaged += message
                    del busy[connection]
                    if waiting:
                        self._send(connection, busy.setdefault(connection, waiting.popleft()))

    def _send(self, connection: Connection, message: object) -> None:
        try:
            connection.send(message)
        except OSError:
            raise self._ended(connection) from None

    def _ended(self, connection: Connection) -> WorkerError:
        status = self._processes[connection].wait()
        how = f"was killed (signal {-status})" if status < 0 else f"ended (status {status})"
        return WorkerError(
            f"{self._source.path}: a worker process {how}, possibly out of memory; finished segments are saved, "
            "rerun with fewer --workers to resume"
        )


def serve_parent(connection: Connection) -> None:
    """The life of a worker: receive a recording and its settings, then runs, and send back their segments.

    Messages are (time, number of faces) for every frame, every Segment, at the end of a run the number of damaged
    packets; or the exception that ended the work.
    """
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with connection as parent:
        try:
            _serve(parent)
        except (EOFError, BrokenPipeError, ConnectionResetError):
            pass  # the parent has ended
        except Exception as error:  # noqa: BLE001 -- the parent raises it
            error.add_note("In a worker:\n" + traceback.format_exc())
            parent.send(error)


def _serve(parent: Connection) -> None:
    path, settings = parent.recv()

    def report(frame: Frame, detections: Detections) -> None:
        parent.send((frame.time, len(detections)))

    with open_source(path, settings) as source:
        extractor = FeatureExtractor(settings)
        while True:
            first, stop = parent.recv()
            for segment in extractor.segments(source, first, stop, report):
                parent.send(segment)
            parent.send(source.damaged)


def _end_with_parent() -> None:
    os.read(0, 1)  # not sys.stdin, whose lock would be in the way when this process ends by itself
    os._exit(1)
