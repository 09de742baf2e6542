"""Students are of three kinds in a window, by how many of their faces are scorable, and how many 10 px wide."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from engine.settings import Settings
from engine.verdicts.cues import ORIENTED, BehaviouralCues, HeadPoses
from engine.verdicts.evidence import Evidence
from engine.verdicts.judging import Columns, judge
from tests.engine.verdicts.scored import evidence

FRAMES = 40
TIMES = np.arange(FRAMES) / 5


def seen(scorable: int, sizes: list[float], frames: int = FRAMES) -> Evidence:
    """A student with faces of these sizes (px) from the first frame on, the first ones scorable; one at the end."""
    n = len(sizes)
    times = np.append(TIMES[:n], TIMES[-1])
    student = np.append(np.zeros(n, np.int64), 1)
    given = evidence(
        TIMES[:frames],
        times,
        student,
        np.tile(np.eye(7)[3], (n + 1, 1)),
        duration=frames / 5,
        scorable=np.append(np.arange(n) < scorable, True),
    )
    side = np.append(np.array(sizes), 40.0)
    corner = np.zeros(n + 1)
    poses = HeadPoses.of(
        np.stack([corner, corner, side, side * 1.3], axis=1),
        corner,
        corner,
        np.searchsorted(TIMES, times),
        to_first=np.tile(np.eye(2, 3), (FRAMES, 1, 1)),
        section=np.zeros(FRAMES, np.int64),
    )
    cues = BehaviouralCues.of(poses, student, times, TIMES, ORIENTED)
    return dataclasses.replace(given, cues=cues)


def judged(scorable: int, sizes: list[float]) -> tuple[Columns, Columns]:
    return judge(seen(scorable, sizes), Settings(window=FRAMES / 5))


@pytest.mark.parametrize(
    ("scorable", "sizes", "kind"),
    [
        (8, [30.0] * 8, "measured"),
        (7, [30.0] * 8, "attention_only"),  # 7 of 40 frames are under a fifth
        (0, [12.0] * 8, "attention_only"),
        (0, [9.9] * 8, "present_only"),
        (0, [12.0] * 7 + [9.0] * 20, "present_only"),
        (0, [12.0] * 8 + [9.0] * 20, "attention_only"),
        (0, [5.0], "present_only"),
        (8, [5.0] * 8, "measured"),  # by other settings small faces may be scorable
    ],
)
def test_a_window_is_measured_or_tells_attention_or_presence_alone(
    scorable: int, sizes: list[float], kind: str
) -> None:
    students, whole = judged(scorable, sizes)
    assert students["measurable"].tolist() == [kind, "present_only"]
    assert whole["attention_only"].tolist() == [kind == "attention_only"]
    assert whole["measured"].tolist() == [kind == "measured"]
    assert whole["present"].tolist() == [2]


def test_of_a_student_who_is_not_in_view_nothing_can_be_told() -> None:
    students, whole = judge(seen(20, [30.0] * 20), Settings(window=4.0))
    assert students["measurable"].tolist() == ["measured", None, None, "present_only"]
    assert whole["present"].tolist() == [1, 1]
    assert whole["attention_only"].tolist() == [0, 0]
    # All 20 frames of the first, and one of 20 in the second window: of whoever is in view.
    assert whole["coverage"].tolist() == pytest.approx([1.0, 0.05])


def test_without_cues_nobody_is_known_to_be_attentive() -> None:
    given = dataclasses.replace(seen(0, [30.0] * 20), cues=None)
    students, _ = judge(given, Settings(window=8.0))
    assert students["measurable"].tolist() == ["present_only", "present_only"]
