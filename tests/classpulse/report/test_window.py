"""What is shown while it is seen; the window itself needs a screen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from classpulse.report.window import LiveWindow, drawn
from engine import analyze
from engine.errors import UsageError
from engine.sessions.live.labels import LiveLabels, log_changes
from engine.settings import Settings
from engine.vision.detection import Detections
from engine.vision.sources.protocol import Frame
from storage.store import Store
from tests.drawn import LESSON
from tests.seated import write_seated


def test_faces_are_labelled_as_soon_as_they_can_be_told(recording: Path, tmp_path: Path) -> None:
    settings = Settings(sample_rate=5)
    labels, shown = LiveLabels(settings), []
    session = analyze(
        recording,
        tmp_path / "a.db",
        settings=settings,
        on_detections=lambda *seen: shown.append((seen[0].time, labels(*seen))),
    )
    frames = session.frames()
    assert [time for time, _ in shown] == frames["time"].tolist()
    assert [len(of) for _, of in shown] == frames["faces"].tolist()
    assert set(shown[0][1]) == {""}
    late = {label for time, of in shown if time > 5 for label in of}
    assert {f"S{student + 1:02d}" for student in range(LESSON.students)} <= late


def test_a_cut_ends_the_labels_of_before(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 255, (108, 192, 3), np.uint8) for _ in range(2)]
    box = np.array([[50, 40, 90, 90]], np.float32)
    found = Detections(box, np.ones(1, np.float32), np.zeros((1, 5, 2), np.float32))
    labels = LiveLabels(Settings())
    told = [labels(Frame(i, i / 5, pictures[i >= 20]), found) for i in range(40)]
    assert (told[19], told[20], told[39]) == (["S01"], [""], ["S02"])


def test_a_label_that_is_another_at_the_end_is_in_the_log(tmp_path: Path) -> None:
    session = write_seated(tmp_path / "classpulse.db")
    faces = session.faces()
    faces = faces[faces["student"].notna()]
    before = session.verdicts()
    # Shown live: S01 and S02 the other way round, S03 and S06 as one, S04 as it is.
    shown = faces.assign(live=faces["student"].astype(int).replace({0: 1, 1: 0, 5: 2}))[["pts", "face", "live"]]
    with Store.open(session.database) as store:
        log_changes(store, 1, shown[shown["live"] != 4])
    assert session.corrections()["what"].tolist() == ["shown live, now: S01 S02, S02 S01, S03 S06 and S03"]
    with pytest.raises(UsageError, match="session 1 has no correction to undo"):
        session.undo()
    session.rename("S01", "Ada").merge("S03", "S06")  # goes on as if it were not there
    assert session.undo() == "merge S03 S06"
    assert session.verdicts().drop(columns="name").equals(before.drop(columns="name"))
    with Store.open(session.database) as store:
        same = faces.assign(live=faces["student"].astype(int))[["pts", "face", "live"]]
        assert log_changes(store, 1, same) == {}


def test_the_picture_is_small_enough_for_a_screen_and_its_faces_are_boxed() -> None:
    image = np.zeros((1000, 2000, 3), np.uint8)
    box = np.array([[1000, 500, 1100, 600]], np.float32)
    found = Detections(box, np.ones(1, np.float32), np.zeros((1, 5, 2), np.float32))
    small = drawn(image, found, ["S01"])
    assert small.shape == (640, 1280, 3)
    assert small[320:384, 640].all()
    assert not small[:200].any()


def test_nobody_can_be_told_in_an_excluded_square_of_what_is_shown_while_it_is_analysed() -> None:
    rng = np.random.default_rng(0)
    image = np.where(rng.random((1000, 2000, 1)) < 0.5, 20, 220).repeat(3, axis=2).astype(np.uint8)
    nobody = Detections(*(np.empty((0, *shape), np.float32) for shape in ((4,), (), (5, 2))))
    small = drawn(image, nobody, [], [(1000.0, 500.0, 200.0)])
    assert small[256:384, 576:704].std(axis=(0, 1)).max() < 10  # 1000 +- 100 and 500 +- 100 px, by 0.64
    assert small[100:200, 100:200].std() > 40


def test_without_a_screen_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(UsageError, match="--display needs a screen"):
        LiveWindow("lesson.mp4", LiveLabels(Settings()), lambda *_: ())
