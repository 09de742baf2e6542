"""The cues beside emotion, and what is judged by them, on poses whose ways and moves are scripted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classpulse.simulation.lesson import Lesson, Span
from classpulse.simulation.render import render_lesson
from engine import analyze
from engine.settings import Settings
from engine.verdicts.attention import GAP, OnTaskFrames
from engine.verdicts.cues import BehaviouralCues, HeadPoses
from engine.verdicts.judging import judge
from engine.verdicts.windows import Windows, windows_of
from tests.engine.verdicts.scored import evidence

RATE = 5.0


def unmoved(frames: int) -> np.ndarray:
    """The path of a camera that does not move."""
    return np.tile(np.eye(2, 3), (frames, 1, 1))


def seen(
    yaw: np.ndarray,
    pitch: np.ndarray | float = 0.0,
    *,
    x: np.ndarray | float = 0.0,
    side: float = 40.0,
    section: np.ndarray | None = None,
) -> tuple[BehaviouralCues, np.ndarray]:
    """One student, a face a frame at RATE; a yaw of NaN stands for a frame without. And the times of all frames."""
    frames = len(yaw)
    there = np.flatnonzero(np.isfinite(yaw))
    left = np.broadcast_to(x, frames)[there] + 100.0
    boxes = np.column_stack([left, np.full(len(there), 50.0), left + side, np.full(len(there), 50.0 + side)])
    poses = HeadPoses.of(
        boxes,
        yaw[there],
        np.broadcast_to(pitch, frames)[there],
        there,
        to_first=unmoved(frames),
        section=np.zeros(frames, np.int64) if section is None else section,
    )
    times = np.arange(frames) / RATE
    return BehaviouralCues.of(poses, np.zeros(len(there), np.int64), times[there], times, 20.0), times


def verdicts(cues: BehaviouralCues, times: np.ndarray, **settings: Any) -> dict[str, np.ndarray]:
    n = len(cues.time)
    unscored = np.full((n, 7), np.nan)
    given = evidence(times, cues.time, cues.student, unscored, duration=len(times) / RATE, cues=cues)
    rows, _ = judge(given, Settings(strategy="attention", **settings))
    return rows


def noise(n: int, spread: float = 3.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, spread, n)


@pytest.mark.parametrize("usual", [0.0, 35.0, -50.0])
def test_facing_is_the_students_own_usual_way_wherever_that_is(usual: float) -> None:
    yaw = usual + noise(500)
    yaw[200:250] += 40  # looks at a neighbour for 10 s
    cues, times = seen(yaw)
    facing = cues.windows(windows_of(times, 10.0, 100.0), times, 1)["facing"]
    assert (np.delete(facing, 4) > 0.97).all()
    assert facing[4] < 0.05


def test_bowing_counts_as_turning_does() -> None:
    pitch = noise(500)
    pitch[100:150] -= 25
    cues, times = seen(noise(500, seed=1), pitch)
    facing = cues.windows(windows_of(times, 10.0, 100.0), times, 1)["facing"]
    assert facing[2] < 0.05


def test_who_looks_around_all_the_time_may_do_so_a_little_further() -> None:
    lively = noise(500, 12.0)
    cues, _ = seen(lively)
    assert np.mean(cues.facing) > 0.95
    assert cues.facing[np.abs(lively) > 32].max(initial=0) == 0


def test_visible_is_the_share_of_the_frames_that_show_the_face() -> None:
    yaw = noise(150)
    yaw[50:75] = np.nan
    yaw[100:] = np.nan
    cues, times = seen(yaw)
    windows = cues.windows(windows_of(times, 10.0, 30.0), times, 1)
    assert windows["visible"].tolist() == [1.0, 0.5, 0.0]
    assert np.isnan([windows["facing"][2], windows["movement"][2]]).all()


def test_movement_is_in_face_sizes_a_second_whatever_the_camera_does() -> None:
    frames = np.arange(100)
    speed = 0.6  # face sizes a second
    x = speed * 40.0 / RATE * frames
    own, times = seen(np.zeros(100), x=x)
    one = windows_of(times, 20.0, 20.0)
    assert own.windows(one, times, 1)["movement"][0] == pytest.approx(speed, rel=0.01)
    # The camera pans by 7 px a frame, and zooms in.
    zoom = 1.01
    place = np.zeros(100)
    for k in frames[1:]:
        place[k] = zoom * place[k - 1] + 7.0
    left = 100.0 * zoom**frames + place
    to_first = unmoved(100)
    to_first[:, 0, 0] = to_first[:, 1, 1] = zoom ** -frames.astype(float)
    to_first[:, 0, 2] = -place * zoom ** -frames.astype(float)
    poses = HeadPoses.of(
        np.column_stack([left, 50 * zoom**frames, left + 40 * zoom**frames, 90 * zoom**frames]),
        np.zeros(100),
        np.zeros(100),
        frames,
        to_first=to_first,
        section=np.zeros(100, np.int64),
    )
    panned = BehaviouralCues.of(poses, np.zeros(100, np.int64), times, times, 20.0)
    assert panned.windows(one, times, 1)["movement"][0] < 1e-6


def test_movement_across_a_camera_motion_that_nobody_knows_is_unknown() -> None:
    cues, _ = seen(np.zeros(50), section=np.where(np.arange(50) < 25, 0, 1))
    assert np.flatnonzero(np.isnan(cues.movement)).tolist() == [0, 25]


def test_a_face_too_small_says_that_it_is_there_and_not_where_it_looks() -> None:
    cues, times = seen(noise(100), side=14.0)
    windows = cues.windows(windows_of(times, 20.0, 20.0), times, 1)
    assert windows["visible"][0] == 1
    assert np.isnan(windows["facing"][0])
    assert set(verdicts(cues, times)["verdict"].tolist()) == {"insufficient"}


def test_a_frame_counts_once_whatever_the_faces_that_were_taken_for_the_student_in_it() -> None:
    boxes = np.tile([0.0, 0.0, 40.0, 40.0], (6, 1))
    poses = HeadPoses.of(
        boxes, np.zeros(6), np.zeros(6), np.arange(6) // 2, to_first=unmoved(3), section=np.zeros(3, np.int64)
    )
    times = np.arange(3) / RATE
    cues = BehaviouralCues.of(poses, np.zeros(6, np.int64), np.repeat(times, 2), times, 20.0)
    assert cues.windows(windows_of(times, 10.0, 0.6), times, 1)["visible"].tolist() == [1.0]


def test_attention_tells_who_looks_away_or_down_or_hides_from_who_faces() -> None:
    n, yaw, pitch = 1000, noise(1000), noise(1000, seed=1)
    yaw[250:300] += 45  # away, window 5
    pitch[350:400] -= 30  # down, window 7
    yaw[453:498] = np.nan  # not to be seen in most of window 9
    yaw[600:625] += 45  # half of window 12
    cues, times = seen(yaw, pitch)
    rows = verdicts(cues, times)
    assert rows["verdict"][[5, 7, 9]].tolist() == ["not interested"] * 3
    assert rows["verdict"][12] in ("neutral", "insufficient")
    others = np.delete(rows["verdict"], [5, 7, 9, 12])
    assert set(others.tolist()) == {"interested"}
    assert (rows["balance"][0] > 0.9) & (rows["balance"][5] < -0.9)
    assert len(rows["verdict"]) == n / RATE / 10


def test_restless_faces_are_no_evidence_for_either_side() -> None:
    x = np.where(np.arange(500) // 50 % 2 == 1, np.arange(500) * 40.0 / RATE * 2, 0)  # two face sizes a second
    cues, times = seen(noise(500), x=x)
    rows = verdicts(cues, times)
    assert set(rows["verdict"][1::2].tolist()) == {"neutral"}
    assert set(rows["verdict"][::2].tolist()) == {"interested"}
    assert (np.abs(rows["balance"][1::2]) < 0.1).all()


def test_who_is_gone_for_long_is_not_inattentive_but_not_judged() -> None:
    yaw = noise(1000)
    away = int((GAP + 20) * RATE)
    yaw[300 : 300 + away] = np.nan
    cues, times = seen(yaw)
    rows = verdicts(cues, times)
    assert rows["verdict"][6 : 6 + 3].tolist() == ["insufficient"] * 3
    assert rows["scorable"][6] == 0
    assert len(OnTaskFrames.of(cues).student) == 1000 - away


def test_who_is_seldom_found_is_not_taken_for_absent_minded() -> None:
    """A detector that finds a face in two of five frames says little by not finding it."""
    yaw = noise(2000)
    yaw[np.random.default_rng(4).random(2000) < 0.6] = np.nan
    cues, times = seen(yaw)
    rows = verdicts(cues, times)
    assert (rows["verdict"] == "not interested").mean() < 0.1


def test_a_window_without_any_face_has_no_verdict_however_many_of_its_frames_count() -> None:
    """Between two sightings 8 s apart, every frame counts as not visible; of 14 to 16 s there is no face at all."""
    yaw = noise(300)
    yaw[60:100] = np.nan
    cues, times = seen(yaw)
    rows = verdicts(cues, times, window=2.0)
    assert (rows["faces"][7], rows["scorable"][7], rows["coverage"][7]) == (0, 10, 1)
    assert rows["margin"][7] < -rows["balance"][7]  # the numbers alone would carry a verdict
    assert rows["verdict"][7] == "insufficient"


def test_parts_hold_the_faces_between_their_begin_and_end_alone() -> None:
    yaw = noise(500)
    yaw[:100] += 40
    cues, times = seen(yaw)
    parts = Windows(np.array([0.0, 30.0]), np.array([20.0, 100.0]))
    windows = cues.windows(parts, times, 1)
    assert windows["visible"].tolist() == [1.0, 1.0]
    assert windows["facing"][0] < 0.05 < 0.9 < windows["facing"][1]


def test_nobody_shows_nothing() -> None:
    cues, times = seen(np.full(20, np.nan))
    assert len(cues.time) == 0
    assert len(verdicts(cues, times)["verdict"]) == 0
    assert len(cues.windows(windows_of(times, 1.0, 4.0), times, 0)["visible"]) == 0


def test_students_who_are_drawn_looking_away_are_told_from_those_who_face(tmp_path: Path) -> None:
    """Without emotions, from the footage on: moods change meanwhile, and are no evidence."""
    elsewhere = {(0, 1), (2, 2), (3, 1), (1, 4)}  # (student, window)
    lesson = Lesson(
        students=4,
        rows=1,
        people=(21, 22, 23, 24),
        width=640,
        height=360,
        fps=2,
        duration=60,
        mood_seconds=10,
        moods=(
            ("happy", "neutral", "angry"),
            ("neutral", "angry", "happy"),
            ("sad", "neutral"),
            ("surprise", "sad"),
        ),
        looks_away=tuple(Span(student, 10.0 * k, 10.0 * k + 10) for student, k in sorted(elsewhere)),
    )
    render_lesson(lesson, tmp_path / "lesson.mp4")
    settings = Settings(sample_rate=2.0, min_face=40.0, expression=False)
    session = analyze(tmp_path / "lesson.mp4", tmp_path / "classpulse.db", settings=settings)
    rows, seats = session.verdicts(), session.students().sort_values("x")["student"].tolist()
    scripted = np.array(
        [(seats.index(who), k) in elsewhere for who, k in zip(rows["student"], rows["window"], strict=True)]
    )
    assert set(rows["verdict"][scripted]) == {"not interested"}
    assert (rows["verdict"][~scripted] == "interested").mean() > 0.9
    assert rows["balance"][scripted].max() < rows["balance"][~scripted].min()
