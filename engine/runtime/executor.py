"""Executor: the protocol of where pass 1 runs, and which runs of segments there are to do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator
from math import ceil
from typing import Protocol

from engine.settings import SEGMENT_SECONDS, Settings
from engine.vision.extraction import Segment
from engine.vision.sources.protocol import FrameSource

#: Consecutive segments: the first, and the one before which to stop, or None for the end, wherever that is.
Run = tuple[int, int | None]
#: Called after every frame: the first segment of the frame's run, the frame's time (s), the faces detected in it.
OnFrame = Callable[[int, float, int], None]

#: Longest run of one worker among several, in segments.
LONGEST_RUN = 12


class Executor(Protocol):
    """Where pass 1 (detection) runs: in this process, on several, on a cluster.

    An executor decides where and in what order segments are computed, never what is in them: a segment is a pure
    function of (source, number, settings), `FeatureExtractor(settings).segments(source, first, stop)` computes it,
    and every executor gives the same rows.

    Another package registers one in the entry-point group `classpulse.executors`: anything that is called with the
    session's Settings and the requested number of workers (None: default) and returns an Executor. It is chosen by
    `analyze(executor="name")` or `--executor name`.
    """

    def extract(
        self, source: FrameSource, settings: Settings, committed: Collection[int], on_frame: OnFrame
    ) -> Generator[Segment]:
        """Compute the segments of `source` that are not `committed`, and yield each as soon as it is complete.

        They may come in any order. `missing_runs` lists what there is to do; its last run is open, since a
        recording may last longer than it says. Segments after the end of the recording are not yielded, and those
        without a sampled frame may be left out.

        `on_frame` must be called once for every sampled frame, from the thread that iterates, with the first
        segment of the run that the frame belongs to; times of one run must not decrease.

        `source` is open, and belongs to the caller. Another process or machine opens it again, by
        `open_source(source.path, settings)`. `source.damaged` must afterwards be the number of packets or images
        that could not be decoded, wherever that was.

        Exceptions of the computation must reach the caller as they are; WorkerError (one line with a remedy) is
        raised where a worker ends before its work. The generator is closed at the end or when the analysis stops
        (KeyboardInterrupt included): then it must end whatever it started. Segments yielded before stay committed.
        """
        ...


def missing_runs(
    committed: Collection[int], duration: float | None, workers: int = 1, longest: int | None = None
) -> list[Run]:
    """The runs of segments that are not `committed`, of a recording that claims to last `duration` (s).

    The last run is open, since recordings may last longer than they claim. For several workers the runs are about
    equally long, and as many for each of them; else none has more segments than the `longest`, but for the last.
    """
    claimed = ceil((duration or 0) / SEGMENT_SECONDS)
    end = max([claimed, *(number + 1 for number in committed)])
    missing = sorted(set(range(end)) - set(committed))
    longest = longest or end
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


def runs_within(run: Run, committed: Collection[int]) -> list[Run]:
    """The runs that are missing of a `run`, of which other workers may have `committed` segments."""
    first, stop = run
    before = range(first)
    inside = {number for number in committed if number >= first and (stop is None or number < stop)}
    runs = missing_runs({*before, *inside}, None if stop is None else stop * SEGMENT_SECONDS)
    return [(begin, stop if end is None else end) for begin, end in runs if stop is None or begin < stop]
