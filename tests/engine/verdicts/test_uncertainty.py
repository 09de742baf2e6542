"""Margins against the truth of simulated moods."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter

from engine.faces import EMOTIONS
from engine.settings import Settings
from engine.verdicts.judging import judge
from engine.verdicts.uncertainty import margins
from engine.verdicts.windows import Windows
from tests.engine.verdicts.scored import evidence

STRATEGIES = ("weighted", "sum", "dominant")


def moods(students: int, frames: int, memory: float, level: float, seed: int) -> np.ndarray:
    """Emotions (students, frames, 7) of moods around a level, whose noise remembers the last frame (order 1)."""
    shock = np.random.default_rng(seed).normal(size=(students, frames))
    shock[:, 0] /= np.sqrt(1 - memory**2)
    lean = 1 / (1 + np.exp(-level - lfilter([np.sqrt(1 - memory**2)], [1, -memory], shock, axis=1)))
    emotions = np.zeros((students, frames, len(EMOTIONS)), np.float32)
    emotions[..., EMOTIONS.index("happy")] = 0.7 * lean
    emotions[..., EMOTIONS.index("sad")] = 0.7 * (1 - lean)
    emotions[..., EMOTIONS.index("neutral")] = 0.3
    return emotions


def judged(
    emotions: np.ndarray, strategy: str, window: float, quality: float = 1.0, parts: Windows | None = None
) -> dict[str, np.ndarray]:
    """Judge students (students, frames, 7) that have a face in every frame, at 5 frames/s."""
    students, frames, _ = emotions.shape
    times = np.arange(frames) / 5
    given = evidence(
        times,
        times.repeat(students),
        np.tile(np.arange(students), frames),
        emotions.swapaxes(0, 1).reshape(-1, len(EMOTIONS)),
        quality=quality,
        duration=frames / 5,
    )
    rows, _ = judge(given, Settings(strategy=strategy, window=window), parts)
    return rows


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("level", [0.0, 0.7])
@pytest.mark.parametrize("window", [5.0, 10.0])
def test_nine_of_ten_intervals_hold_the_truth_however_alike_neighbouring_frames_are(
    strategy: str, level: float, window: float
) -> None:
    truth = judged(moods(1, 200_000, 0.0, level, seed=99), strategy, window=40_000.0)["balance"][0]
    reached = {}
    for memory in (0.0, 0.3, 0.5, 0.7, 0.8, 0.9):
        rows = judged(moods(40, 1000, memory, level, seed=1), strategy, window)
        reached[memory] = float((np.abs(rows["balance"] - truth) <= rows["margin"]).mean())
    assert all(0.85 <= share <= 0.955 for share in reached.values()), reached


@pytest.mark.parametrize(("window", "frames"), [(20.0, 1000), (60.0, 3000), (300.0, 6000)])
def test_so_do_those_of_long_windows(window: float, frames: int) -> None:
    truth = judged(moods(1, 200_000, 0.0, 0.7, seed=99), "weighted", window=40_000.0)["balance"][0]
    reached = {}
    for memory in (0.0, 0.5, 0.9):
        rows = judged(moods(40, frames, memory, 0.7, seed=1), "weighted", window)
        reached[memory] = float((np.abs(rows["balance"] - truth) <= rows["margin"]).mean())
    assert all(0.85 <= share <= 0.96 for share in reached.values()), reached


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.9])
def test_so_do_those_of_marked_parts_of_any_length(memory: float) -> None:
    truth = judged(moods(1, 200_000, 0.0, 0.7, seed=99), "weighted", window=40_000.0)["balance"][0]
    parts = Windows(np.array([0.0, 10.0, 35.0, 100.0, 170.0]), np.array([10.0, 35.0, 100.0, 160.0, 200.0]))
    rows = judged(moods(200, 1000, memory, 0.7, seed=1), "weighted", 10.0, parts=parts)
    held = np.abs(rows["balance"] - truth) <= rows["margin"]
    assert 0.85 <= held.mean() <= 0.955
    by_part = [held[rows["window"] == part].mean() for part in range(5)]
    assert min(by_part) >= 0.8, by_part


def test_margins_shrink_with_evidence() -> None:
    emotions = moods(1, 250, 0.3, 0.0, seed=2)
    margin = [judged(emotions[:, :n], "sum", window=50.0)["margin"][0] for n in (10, 50, 250)]
    assert margin[0] > 1.5 * margin[1] > 2 * margin[2]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_small_faces_widen_the_margin(strategy: str) -> None:
    emotions = moods(5, 500, 0.5, 0.0, seed=3)
    large, small = (judged(emotions, strategy, 10.0, quality)["margin"].mean() for quality in (1.0, 0.5))
    assert 1.3 < small / large < 1.7


def test_a_few_equal_faces_are_no_certainty() -> None:
    margin = margins(np.zeros(5), np.zeros(5, np.int64), np.zeros(5, np.int64), np.ones(5), 2)
    assert 0.02 < margin[0] < 0.5
    assert np.isnan(margin[1])
