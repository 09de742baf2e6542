"""Pass 1 on several processes: runs of segments go out to workers, and what they saw comes back to who writes it.

Segments share nothing, so that neither the number of workers nor who saw which segment shows in the rows. A run is
as long as can be, since a reader that begins in the middle first decodes from the keyframe before.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from math import ceil
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import Any

from engine.errors import UsageError, WorkerError
from engine.settings import SEGMENT_SECONDS, Settings
from engine.vision.extraction import Seer, Segment
from engine.vision.mtcnn.cascade import Detections
from engine.vision.sources.video import Frame, Video

#: The first segment, and the one before which to stop, or None for the end of the video, wherever that is.
Run = tuple[int, int | None]
#: Told of every frame that is seen: the first segment of its run, its time (s), and how many faces are in it.
OnFrame = Callable[[int, float, int], None]

#: Told of every frame, with its faces, where somebody watches.
OnSeen = Callable[[Frame, Detections], None]

#: Longest run of a worker among several, in segments.
LONGEST_RUN = 12
#: Fewest segments for which processes are started: to load the networks again takes as long as seeing some.
FEWEST_SEGMENTS = 7
#: Physical memory that each worker is granted by default, bytes: it takes a third of that at 1080p, most at 4K.
MEMORY = 2**30


def usable_workers(settings: Settings) -> int:
    """How many workers this machine has: its usable cores, as far as its memory reaches."""
    if settings.engine == "reference":
        return 1  # its packages use every core themselves
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(cores, memory // MEMORY))


def missing_runs(committed: Collection[int], duration: float | None, workers: int = 1) -> list[Run]:
    """The runs of segments that are not `committed`, of a recording that claims to last `duration` (s).

    The last run is open, since recordings may last longer than they claim. For several workers the runs are about
    equally long, and as many for each of them.
    """
    claimed = ceil((duration or 0) / SEGMENT_SECONDS)
    end = max([claimed, *(number + 1 for number in committed)])
    missing = sorted(set(range(end)) - set(committed))
    longest = end
    if workers > 1 and missing:
        rounds = ceil(len(missing) / (workers * LONGEST_RUN))
        longest = ceil(len(missing) / (workers * rounds))
    runs: list[tuple[int, int]] = []
    for number in missing:
        if runs and runs[-1][1] == number and number - runs[-1][0] < longest:
            runs[-1] = runs[-1][0], number + 1
        else:
            runs.append((number, number + 1))
    first, last = runs[-1] if runs else (end, end)
    return [*runs[:-1], (first, None)] if last == end else [*runs, (end, None)]


def see(
    video: Video,
    settings: Settings,
    committed: Collection[int],
    workers: int | None,
    on_frame: OnFrame,
    on_seen: OnSeen | None = None,
) -> Generator[Segment]:
    """See the segments of `video` that are not `committed`, on `workers` processes (None: what the machine has).

    They come as they are seen, in no order, and a segment in which nothing was sampled may be left out. A short
    recording is seen in this process, and so is one that somebody watches: `on_seen` has every frame of it. Raises
    WorkerError in one line for a worker that was killed, UsageError for less than one worker; what a worker raises
    is raised here. However it ends, no worker is left.
    """
    if workers is not None and workers < 1:
        raise UsageError(f"workers is {workers}; it must be 1 or more")
    count = usable_workers(settings) if workers is None else workers
    if not video.seekable:
        count = 1  # every other one would decode all that comes before its own segments
    missing = ceil((video.duration or 0) / SEGMENT_SECONDS) - len(committed)
    if missing < FEWEST_SEGMENTS or on_seen:
        yield from _see_here(video, settings, missing_runs(committed, video.duration), on_frame, on_seen)
    else:
        runs = missing_runs(committed, video.duration, count)
        with _Crew(video, settings, min(count, len(runs))) as crew:
            yield from crew.see(runs, on_frame)


def _see_here(
    video: Video, settings: Settings, runs: Sequence[Run], on_frame: OnFrame, on_seen: OnSeen | None
) -> Iterator[Segment]:
    seer = Seer(settings)
    for first, stop in runs:

        def told(frame: Frame, found: Detections, first: int = first) -> None:
            on_frame(first, frame.time, len(found))
            if on_seen:
                on_seen(frame, found)

        yield from seer.segments(video, first, stop, told)


class _Crew:
    """So many worker processes.

    They are plain processes with a pipe, and none of `multiprocessing`: that would run the script again from which
    `analyze` is called. Each ends when its standard input does, which happens whatever ends this process.
    """

    def __init__(self, video: Video, settings: Settings, count: int) -> None:
        self._video = video
        self._processes: dict[Connection, subprocess.Popen[bytes]] = {}
        try:
            for _ in range(count):
                ours, theirs = Pipe()
                with theirs:
                    self._processes[ours] = _start(theirs)
                self._send(ours, (video.path, settings))
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> _Crew:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the workers at once: they own nothing that could be harmed."""
        for process in self._processes.values():
            process.kill()
        for connection, process in self._processes.items():
            connection.close()
            process.communicate()

    def see(self, runs: Sequence[Run], on_frame: OnFrame) -> Iterator[Segment]:
        """See `runs`; each worker waits until what it saw is taken, so no more than a segment of each is held."""
        self._video.damaged = 0
        waiting = deque(runs)
        busy: dict[Any, Run] = {}
        for each in self._processes:
            self._send(each, busy.setdefault(each, waiting.popleft()))
        while busy:
            for ready in wait(list(busy)):
                connection: Any = ready
                try:
                    said = connection.recv()
                except (EOFError, OSError):
                    raise self._lost(connection) from None
                if isinstance(said, Segment):
                    yield said
                elif isinstance(said, BaseException):
                    raise said
                elif isinstance(said, tuple):
                    on_frame(busy[connection][0], *said)
                else:  # the run is seen; so many pieces of it were damaged
                    self._video.damaged += said
                    del busy[connection]
                    if waiting:
                        self._send(connection, busy.setdefault(connection, waiting.popleft()))

    def _send(self, connection: Connection, what: object) -> None:
        try:
            connection.send(what)
        except OSError:
            raise self._lost(connection) from None

    def _lost(self, connection: Connection) -> WorkerError:
        status = self._processes[connection].wait()
        how = f"was killed (signal {-status})" if status < 0 else f"ended (status {status})"
        return WorkerError(
            f"{self._video.path}: a worker {how}, perhaps for want of memory; what is committed is kept, and the "
            "same command with fewer --workers goes on from there"
        )


def _start(connection: Connection) -> subprocess.Popen[bytes]:
    """A worker that talks to `connection`, in a process group of its own: Ctrl-C is for this process alone."""
    code = (
        f"import sys; sys.path[:] = {sys.path!r}; "
        f"from engine.runtime.local import work; work({connection.fileno()})"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, pass_fds=[connection.fileno()], process_group=0
    )


def work(descriptor: int) -> None:
    """The life of a worker: take a recording and its settings, then runs, and send back what is seen.

    That is a (time, faces) for every frame, every Segment, and at the end of a run the number of damaged pieces; or
    the exception that ended the work.
    """
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with Connection(descriptor) as parent:
        try:
            _work(parent)
        except (EOFError, BrokenPipeError, ConnectionResetError):
            pass  # nobody is there any more to be told
        except Exception as error:  # noqa: BLE001 -- the parent raises it
            error.add_note("In a worker:\n" + traceback.format_exc())
            parent.send(error)


def _work(parent: Connection) -> None:
    path, settings = parent.recv()

    def told(frame: Frame, found: Detections) -> None:
        parent.send((frame.time, len(found)))

    with Video(path) as video:
        seer = Seer(settings)
        while True:
            first, stop = parent.recv()
            for segment in seer.segments(video, first, stop, told):
                parent.send(segment)
            parent.send(video.damaged)


def _end_with_parent() -> None:
    os.read(0, 1)  # not sys.stdin, whose lock would be in the way when this process ends by itself
    os._exit(1)
