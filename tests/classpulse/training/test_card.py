"""The model card: its figures, and that it says where the scorer is wrong."""

from __future__ import annotations

import re

import numpy as np
import pytest

from classpulse.training.card import calibration_of, interval_of, render_card
from classpulse.training.train import Training
from engine.faces import Class, Classes


def test_calibration_compares_what_was_said_with_what_was_right() -> None:
    shares = np.array([[0.95, 0.05], [0.91, 0.09], [0.3, 0.7], [0.25, 0.75], [0.0, 1.0]])
    found = calibration_of(shares, np.array([0, 1, 1, 0, 1]))
    assert [(each.low, each.faces, each.right) for each in found.bins] == [(0.7, 2, 0.5), (0.9, 3, 2 / 3)]
    assert found.bins[0].said == pytest.approx(0.725)
    expected = (2 * abs(0.725 - 0.5) + 3 * abs((0.95 + 0.91 + 1) / 3 - 2 / 3)) / 5
    assert found.error == pytest.approx(expected)


def test_the_interval_is_students_over_folds() -> None:
    mean, low, high = interval_of((0.8, 0.9, 0.7)) or (0, 0, 0)
    assert (mean, low, high) == pytest.approx((0.8, 0.8 - 4.30265 * 0.1 / 3**0.5, 1.0), abs=1e-5)
    assert interval_of((0.8,)) is None


def test_the_worst_class_stands_first_with_what_it_is_taken_for() -> None:
    classes = Classes((Class("calm & still", "neutral"), Class("keen", "positive"), Class("bored", "negative")))
    confusion = np.array([[9, 1, 0], [0, 10, 0], [1, 6, 3]])
    shares = np.full((3, 3), 1 / 3)
    training = Training(
        classes, (10, 10, 10), (25, 5, 30), [], ["a warning"], 0.1, (0.7, 0.8), confusion,
        calibration_of(shares, np.arange(3)), named=True,
    )  # fmt: skip
    page = render_card("a.onnx", training, {"data": "<sum>"})
    rows = re.findall(r"<tr><th scope=\"row\">(.*?)</th><td>(?:positive|negative|neutral)</td>(.*?)</tr>", page)
    assert [name for name, _ in rows] == ["bored", "calm &amp; still", "keen"]
    assert re.findall("<td>(.*?)</td>", rows[0][1]) == ["10", "30", "30.0%", "100.0%", "keen"]
    assert re.findall("<td>(.*?)</td>", rows[2][1])[1:4] == ["5 (few)", "100.0%", "58.8%"]
    assert "a warning" in page
    assert "&lt;sum&gt;" in page
    assert "<script" not in page
