"""Windows judged while a lesson goes on: as the whole lesson's would be, each once, at a cost that stays."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.faces import Faces
from engine.sessions.judgements import settings_of
from engine.sessions.live.rolling import REMEMBERED, RollingJudge, students_in
from engine.sessions.records import read_faces
from engine.sessions.session import Session
from engine.settings import SEGMENT_SECONDS, Settings
from engine.vision.extraction import Segment
from storage import queries
from storage.store import Store

NAMES = (
    "face", "time", "student", "boxes_xyxy", "landmarks", "yaw", "pitch", "scores", "quality", "scorable", "loglik",
    "conditions",
)  # fmt: skip


class Recorded:
    """The rows of a finished session, as a camera would have given them; again and again, if more is wanted."""

    def __init__(self, session: Session) -> None:
        with Store.open(session.database) as store:
            self.settings = settings_of(store, session.session_id)
            self.frames = queries.frame_columns(store, session.session_id)
            self.faces = read_faces(store, session.session_id, NAMES)
            judgement = int(queries.judgements(store, session.session_id)["judgement_id"].iloc[-1])
            self.class_windows = queries.class_windows(store, judgement)
            self.student_windows = queries.student_windows(store, judgement)

    def segment(self, number: int, of: int | None = None) -> tuple[Segment, list[tuple[int, Any]], float]:
        """Segment `number` as `RollingJudge.add` takes it, with the rows of segment `of` of the recording."""
        shift = (number - (number if of is None else of)) * SEGMENT_SECONDS
        begin = number * SEGMENT_SECONDS - shift
        chosen = (self.frames["time"] >= begin) & (self.frames["time"] < begin + SEGMENT_SECONDS)
        ticks = 1_000_000 * shift
        frames = {name: column[chosen] for name, column in self.frames.items()}
        rows = np.isin(self.faces.pts, frames["pts"])
        faces = self.faces.take(rows)
        students = [(int(pts), faces.student[faces.pts == pts]) for pts in frames["pts"]]
        columns = {name: each for name, each in faces.arrays().items() if name not in ("time", "student")}
        columns["pts"] = faces.pts + ticks
        moved = {**frames, "pts": frames["pts"] + ticks, "time": frames["time"] + shift}
        segment = Segment(number, moved, Faces(**columns, classes=faces.classes))
        return segment, students, float((number + 1) * SEGMENT_SECONDS)


@pytest.fixture(scope="module")
def recorded(analysed: Session) -> Recorded:
    return Recorded(analysed)


def test_a_window_is_judged_as_at_the_end_where_nothing_came_after_it(recorded: Recorded) -> None:
    judge = RollingJudge(recorded.settings)
    segments = int(recorded.frames["time"][-1] // SEGMENT_SECONDS) + 1
    for number in range(segments - 1):
        judge.add(*recorded.segment(number))
    judged = judge.add(*recorded.segment(segments - 1))
    assert judged is not None
    of_students, of_class = judged
    per_segment = round(SEGMENT_SECONDS / recorded.settings.window)
    assert of_class["window"].tolist() == list(range((segments - 1) * per_segment, segments * per_segment))
    last = int(recorded.class_windows["window"].max())
    expected = recorded.class_windows.set_index("window").loc[last]
    row = pd.DataFrame(of_class).set_index("window").loc[last]
    assert row["verdict"] == expected["verdict"]
    for name in ("balance", "p_interested", "p_neutral", "p_not_interested"):
        assert row[name] == pytest.approx(expected[name], abs=2e-4, nan_ok=True)
    assert (row["present"], row["measured"]) == (expected["present"], expected["measured"])
    stored = recorded.student_windows
    there = stored[(stored["window"] == last) & (stored["faces"] > 0)]
    assert [(each["label"], each["verdict"]) for each in students_in(of_students, last)] == list(
        zip(there["label"], there["verdict"], strict=True)
    )


def test_each_window_is_judged_once_and_none_that_another_process_judged(recorded: Recorded) -> None:
    for last in (-1, 0):
        judge = RollingJudge(replace(recorded.settings, window=5.0), last)
        numbers = []
        for number in range(3):
            judged = judge.add(*recorded.segment(number, 0))
            assert judged is not None
            numbers += judged[1]["window"].tolist()
        assert numbers == list(range(last + 1, 6))


def test_a_window_that_is_longer_than_a_segment_waits_for_its_end(recorded: Recorded) -> None:
    judge = RollingJudge(replace(recorded.settings, window=25.0))
    judged = [judge.add(*recorded.segment(number, 0)) for number in range(5)]
    assert [None if each is None else each[1]["window"].tolist() for each in judged] == [None, None, [0], None, [1]]


def test_a_break_is_windows_without_a_picture(recorded: Recorded) -> None:
    judge = RollingJudge(replace(recorded.settings, window=10.0))
    judge.add(*recorded.segment(0))
    judged = judge.add(*recorded.segment(4, 0))
    assert judged is not None
    windows = pd.DataFrame(judged[1])
    assert windows["window"].tolist() == [1, 2, 3, 4]
    assert windows["verdict"].tolist()[:3] == ["insufficient"] * 3
    assert windows["reason"].tolist()[:3] == ["no_picture"] * 3
    assert windows["measured"].tolist()[3] > 0


def test_a_segment_without_a_face_is_judged_too() -> None:
    times = np.arange(0, 10, 0.2)
    frames: dict[str, Any] = {"pts": (times * 1e6).astype(np.int64), "time": times}
    frames["faces"] = np.zeros(len(times), np.int64)
    frames |= {f"camera_{name}": np.full(len(times), np.nan) for name in "abxy"}
    empty = Segment(0, frames, Faces.empty())
    students = [(int(pts), np.empty(0, np.int64)) for pts in frames["pts"]]
    judged = RollingJudge(Settings()).add(empty, students, 10.0)
    assert judged is not None
    assert judged[1]["verdict"].tolist() == ["insufficient"]
    assert judged[1]["faces"].tolist() == [0]


def test_no_more_of_a_lesson_is_remembered_however_long_it_is(recorded: Recorded) -> None:
    judge = RollingJudge(recorded.settings)
    sizes = []
    for number in range(60):
        judge.add(*recorded.segment(number, 0))
        sizes.append(len(judge._parts))
    assert max(sizes) == sizes[-1] == REMEMBERED / SEGMENT_SECONDS
