"""Frames, truth and the video file: the same script gives the same, and each says what the other does."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from classpulse.simulation.lesson import Lesson, Span
from classpulse.simulation.render import Renderer, frames, render_lesson
from classpulse.simulation.truth import Truth, scripted_verdict

SMALL = Lesson(
    seed=5,
    students=3,
    rows=1,
    width=480,
    height=270,
    fps=10,
    duration=6,
    mood_seconds=2,
    moods=(("happy", "angry", "angry"), ("surprise", "happy", "sad"), ("angry", "angry", "angry")),
    looks_down=(Span(1, 4, 5.5),),
    absences=(Span(2, 0.5, 60),),
    crossings=(0.0,),
    crossing_seconds=2.0,
)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    path = tmp_path_factory.mktemp("lesson") / "lesson.mp4"
    return path, render_lesson(SMALL, path)


def test_the_same_seed_gives_the_same_frames_and_truth_in_any_order() -> None:
    first, second = Renderer(SMALL), Renderer(SMALL)
    for a, b in zip(
        [first.frame(number) for number in (0, 7, 19)],
        [second.frame(number) for number in (19, 7, 0)][::-1],
        strict=True,
    ):
        np.testing.assert_array_equal(a.image, b.image)
        np.testing.assert_array_equal(a.boxes, b.boxes)
        np.testing.assert_array_equal(a.visibility, b.visibility)


def test_another_seed_gives_another_room() -> None:
    lessons = [Lesson(seed=seed, students=2, width=320, height=180, duration=0.04) for seed in (0, 1)]
    a, b = (next(frames(lesson)) for lesson in lessons)
    assert not np.array_equal(a.boxes, b.boxes)
    assert np.mean(a.image != b.image) > 0.1


def test_the_file_has_every_frame_at_its_time(video: tuple[Path, Truth]) -> None:
    with av.open(str(video[0])) as container:
        stream = container.streams.video[0]
        assert stream.time_base is not None
        decoded = [
            ((frame.pts or 0) * stream.time_base, frame.width, frame.height) for frame in container.decode(stream)
        ]
        assert stream.codec_context.name == "h264"
    assert decoded == [(Fraction(number, 10), 480, 270) for number in range(60)]


def test_the_file_shows_the_frames(video: tuple[Path, Truth]) -> None:
    with av.open(str(video[0])) as container:
        decoded = next(container.decode(video=0)).to_ndarray(format="rgb24").astype(float)
    difference = np.abs(decoded - Renderer(SMALL).frame(0).image).mean()
    assert difference < 6


def test_the_file_is_the_same_bytes_again(video: tuple[Path, Truth], tmp_path: Path) -> None:
    again = tmp_path / "again.mp4"
    calls: list[tuple[int, int]] = []
    render_lesson(SMALL, again, progress=lambda done, of: calls.append((done, of)))
    assert again.read_bytes() == video[0].read_bytes()
    assert calls == [(number, 60) for number in range(1, 61)]


def test_the_truth_has_a_row_for_every_student_of_every_frame(video: tuple[Path, Truth]) -> None:
    truth = video[1]
    assert len(truth) == 60 * 3
    np.testing.assert_array_equal(truth.student, np.tile(range(3), 60))
    np.testing.assert_allclose(truth.time, np.repeat(np.arange(60) / 10, 3))
    assert truth.mood[truth.student == 1].tolist() == ["surprise"] * 20 + ["happy"] * 20 + ["sad"] * 20
    down = truth.time[truth.looking_down & (truth.student == 1)]
    assert 4.0 < down.min() < 4.3
    assert 5.2 < down.max() < 5.5


def test_who_walks_out_is_seen_until_the_edge(video: tuple[Path, Truth]) -> None:
    truth = video[1]
    leaver = (truth.student == 2) & (truth.time > 2)
    x1, x2, visibility = truth.boxes[leaver, 0], truth.boxes[leaver, 2], truth.visibility[leaver]
    assert (np.diff(x1) > 0).all()
    assert visibility[x2 < 480].min() > 0.95
    assert visibility[x1 > 480].max() == 0
    assert (np.diff(visibility[x2 > 480]) <= 0).all()


def test_who_is_out_has_no_box_and_cannot_be_seen() -> None:
    frame = Renderer(dataclasses.replace(SMALL, absences=(Span(1, 0, 60),))).frame(0)
    assert np.isnan(frame.boxes).all(axis=1).tolist() == [False, True, False]
    assert (frame.visibility > 0.95).tolist() == [True, False, True]
    assert frame.visibility[1] == 0


def test_faces_disappear_one_after_the_other_while_the_teacher_crosses(video: tuple[Path, Truth]) -> None:
    truth = video[1]
    crossing = truth.time < 2
    hidden = [truth.time[crossing & (truth.student == s) & (truth.visibility < 0.3)] for s in range(3)]
    assert [len(times) for times in hidden] == [pytest.approx(2.5, abs=1)] * 3, "frames of 0.1 s"
    assert np.all(np.diff([times.mean() for times in hidden]) > 0.2)
    assert truth.visibility[~crossing & (truth.student < 2)].min() > 0.95


def test_the_truth_survives_its_csv(video: tuple[Path, Truth], tmp_path: Path) -> None:
    truth = video[1]
    truth.write_csv(tmp_path / "truth.csv")
    again = Truth.read_csv(tmp_path / "truth.csv")
    for name in ("time", "student", "mood", "looking_down"):
        np.testing.assert_array_equal(getattr(again, name), getattr(truth, name))
    np.testing.assert_allclose(again.boxes, truth.boxes, atol=0.006)
    np.testing.assert_allclose(again.visibility, truth.visibility, atol=0.0006)


def test_scripted_verdicts_where_one_mood_fills_the_window(video: tuple[Path, Truth]) -> None:
    table = scripted_verdict(video[1], 2.0)
    verdicts = table.pivot_table(index="student", columns="window", values="verdict", aggfunc="first", dropna=False)
    assert verdicts.to_numpy().tolist() == [
        ["interested", "not interested", "not interested"],
        ["interested", "interested", "not interested"],
        ["not interested", "not interested", "not interested"],
    ]
    assert scripted_verdict(video[1], 3.0).set_index(["student", "window"])["verdict"].isna().tolist() == [
        *(True, False),  # happy, then angry within the first 3 s
        *(False, True),  # two interested moods, then sad
        *(False, False),
    ]
    seen = table.set_index(["student", "window"])["visible"]
    assert seen[0, 1] == 1
    assert seen[1, 2] < 0.6, "looks down"
    assert 0.5 < seen[2, 2] < 0.8, "walks out"


def test_an_unwritable_path_is_an_oserror(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        render_lesson(SMALL, tmp_path / "nowhere" / "lesson.mp4")


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length() -> None:
    """Peak memory of a process that renders 40 s against one that renders 8 s and has drawn all sprites by then."""
    program = (
        "import resource, sys\n"
        "from classpulse.simulation.lesson import Lesson\n"
        "from classpulse.simulation.render import render_lesson\n"
        "lesson = Lesson(students=4, width=480, height=270, fps=10, mood_seconds=1, duration=float(sys.argv[1]))\n"
        "render_lesson(lesson, sys.argv[2])\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    root = Path(__file__).parents[3]

    def peak(seconds: float) -> int:
        command = [sys.executable, "-c", program, str(seconds), "/dev/null.mp4"]
        return int(subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout)

    assert peak(40) < 1.05 * peak(8)
