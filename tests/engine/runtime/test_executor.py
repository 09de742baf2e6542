"""Which runs of segments there are to do, and which executor an analysis uses."""

from __future__ import annotations

import subprocess
from collections.abc import Collection, Generator
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine import Session, analyze
from engine.errors import UsageError
from engine.runtime import platform
from engine.runtime.executor import LONGEST_RUN, Executor, OnFrame, missing_runs, runs_within
from engine.runtime.executors import EXECUTORS, open_executor
from engine.runtime.local import ByLength, InProcess, Processes
from engine.settings import Settings
from engine.vision.detection import Detections
from engine.vision.extraction import FeatureExtractor, Segment
from engine.vision.sources.protocol import Frame, FrameSource
from tests.drawn import SETTINGS, rows, without_machine

# -- runs


@pytest.mark.parametrize(
    ("committed", "duration", "count", "runs"),
    [
        ((), None, 2, [(0, None)]),
        ((), 0.1, 2, [(0, None)]),
        ((), 32, 1, [(0, None)]),
        (range(2), 32, 1, [(2, None)]),
        (range(4), 32, 1, [(4, None)]),
        (range(6), 32, 1, [(6, None)]),  # it lasts longer than it claims
        ({0, 1, 4}, 80, 1, [(2, 4), (5, None)]),
        ({0, 5, 6, 7}, 80, 1, [(1, 5), (8, None)]),
        ((), 80, 2, [(0, 4), (4, None)]),
        ((), 360, 2, [(0, 9), (9, 18), (18, 27), (27, None)]),
        ({3, 4}, 80, 2, [(0, 3), (5, None)]),
    ],
)
def test_missing_segments_are_grouped_into_runs(
    committed: Collection[int],
    duration: float | None,
    count: int,
    runs: list[tuple[int, int | None]],
) -> None:
    assert missing_runs(set(committed), duration, count) == runs


def test_an_hour_is_shared_evenly_by_three_workers() -> None:
    runs = missing_runs((), 3600, 3)
    assert [number for first, stop in runs for number in range(first, stop or 360)] == list(range(360))
    assert len(runs) == 30
    assert {(stop or 360) - first for first, stop in runs} == {LONGEST_RUN}


def test_runs_of_a_queue_are_short_and_the_last_one_is_open() -> None:
    assert missing_runs((), 60, longest=4) == [(0, 4), (4, None)]
    assert missing_runs({1}, 60, longest=2) == [(0, 1), (2, 4), (4, None)]


@pytest.mark.parametrize(
    ("run", "committed", "runs"),
    [
        ((2, 5), (), [(2, 5)]),
        ((2, 5), {0, 3, 7}, [(2, 3), (4, 5)]),
        ((2, 5), {2, 3, 4}, []),
        ((2, 5), {4}, [(2, 4)]),
        ((2, None), {0, 1}, [(2, None)]),
        ((2, None), {2, 4}, [(3, 4), (5, None)]),
        ((0, 1), {5}, [(0, 1)]),
    ],
)
def test_of_a_run_only_what_others_have_not_committed_is_missing(
    run: tuple[int, int | None], committed: Collection[int], runs: list[tuple[int, int | None]]
) -> None:
    assert runs_within(run, committed) == runs


# -- which executor


def test_by_default_the_length_of_the_recording_decides() -> None:
    executor = open_executor(None, Settings(), workers=3)
    assert isinstance(executor, ByLength)


@pytest.mark.parametrize(
    ("duration", "committed", "used"),
    [(60, (), "in-process"), (60.1, (), "processes"), (70, {0}, "in-process"), (None, (), "in-process")],
)
def test_seven_missing_segments_start_processes(
    monkeypatch: pytest.MonkeyPatch, duration: float | None, committed: Collection[int], used: str
) -> None:
    monkeypatch.setattr(InProcess, "extract", lambda *_: iter(["in-process"]))
    monkeypatch.setattr(Processes, "extract", lambda *_: iter(["processes"]))
    source: Any = SimpleNamespace(duration=duration)
    segments: list[object] = list(ByLength().extract(source, Settings(), committed, print))
    assert segments == [used]


def test_executors_are_opened_by_name() -> None:
    assert EXECUTORS.names()[:2] == ["processes", "in-process"]
    assert isinstance(open_executor("processes", Settings(), 2), Processes)
    assert isinstance(open_executor("in-process", Settings()), InProcess)
    own: Executor = InProcess()
    assert open_executor(own, Settings()) is own


def test_a_preview_runs_in_this_process() -> None:
    assert isinstance(open_executor(None, Settings(), 4, lambda *_: None), InProcess)
    with pytest.raises(UsageError, match="a preview needs the executor in-process"):
        open_executor("processes", Settings(), 4, lambda *_: None)


def test_wrong_executors_are_one_line_and_begin_no_session(recording: Path, tmp_path: Path) -> None:
    for executor, workers, said in [
        ("cloud", None, "unknown executor 'cloud'; available: processes, in-process"),
        ("in-process", 2, "the executor in-process has one worker; leave out --workers 2"),
        (None, 0, "workers is 0; it must be 1 or more"),
    ]:
        with pytest.raises(UsageError, match=said):
            analyze(recording, tmp_path / "db", settings=SETTINGS, executor=executor, workers=workers)
    assert not (tmp_path / "db").exists()


class Backwards:
    """The last run first, and in every run the last segment first."""

    def __init__(self) -> None:
        self.order: list[int] = []

    def extract(
        self, source: FrameSource, settings: Settings, committed: Collection[int], on_frame: OnFrame
    ) -> Generator[Segment]:
        extractor = FeatureExtractor(settings)
        for first, stop in reversed(missing_runs(committed, source.duration)):

            def report(frame: Frame, detections: Detections, first: int = first) -> None:
                on_frame(first, frame.time, len(detections))

            segments = list(extractor.segments(source, first, stop, report))
            for segment in reversed(segments):
                self.order.append(segment.number)
                yield segment


def test_the_order_of_segments_does_not_show_in_the_rows(
    recording: Path, analysed: Session, tmp_path: Path
) -> None:
    executor = Backwards()
    session = analyze(recording, tmp_path / "db", settings=SETTINGS, executor=executor)
    assert executor.order == [3, 2, 1, 0]
    assert without_machine(rows(session.database)) == without_machine(rows(analysed.database))
    assert rows(session.database)["fingerprints"] == []


@pytest.mark.parametrize("inherits", [True, False])
def test_processes_by_name_take_a_short_recording(
    recording: Path, analysed: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inherits: bool
) -> None:
    if not inherits:
        monkeypatch.setattr(platform, "INHERITS_DESCRIPTORS", False)
    started: list[str] = []
    start = platform.start_worker

    def noted(code: str) -> tuple[subprocess.Popen[bytes], Connection]:
        started.append(code)
        return start(code)

    monkeypatch.setattr(platform, "start_worker", noted)
    session = analyze(recording, tmp_path / "db", settings=SETTINGS, executor="processes", workers=2)
    assert len(started) == 2
    assert rows(Path(session.database)) == rows(Path(analysed.database))
