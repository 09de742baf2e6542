"""Why a window has no verdict: one code each, what keeps a face from counting, and what can be measured at all."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.faces import Condition, size_grade
from engine.verdicts.evidence import Evidence
from engine.verdicts.windows import Windows

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Array = npt.NDArray[np.float64]
Words = npt.NDArray[np.object_]

#: Every code, in the words that people read. `compressed`, `covered` and `baseline_unknown` are not given yet:
#: nothing measures them.
REASONS = {
    "not_seen": "not in the picture",
    "no_picture": "no picture",
    "too_few_faces": "too few clear faces",
    "too_small": "face too small",
    "turned_away": "turned away",
    "dark": "too dark",
    "bright": "too bright",
    "noisy": "too noisy",
    "compressed": "too compressed",
    "covered": "face covered",
    "undecided": "undecided",
    "too_few_students": "too few students",
    "baseline_unknown": "resting face unknown",
}


#: What can be told of a student in view, in the words that people read: a balance, or as the faces are too small,
#: too blurred or too few for that, only where the head points, or only that the student is there.
MEASURED = "measured"
MEASURABLE = {MEASURED: "measured", "attention_only": "attention only", "present_only": "present only"}


def measurable(faces: Ints, enough: Bools, oriented: Bools) -> Words:
    """(groups,) a key of MEASURABLE for each student and window; None for a student who is not in view.

    `enough` says where the faces that count suffice for a balance, `oriented` where those do of which it is known
    where the head points.
    """
    found = np.full(len(faces), None, np.object_)
    found[faces > 0] = "present_only"
    found[(faces > 0) & oriented] = "attention_only"
    found[enough] = MEASURED
    return found


def worded(verdict: str, reason: object) -> str:
    """A verdict as people read it: `insufficient: undecided`; without a known reason as it is."""
    return f"{verdict}: {REASONS[str(reason)]}" if reason in REASONS else verdict


class Flaw(IntEnum):
    """What keeps a face from counting."""

    NONE = 0
    SMALL = 1
    TURNED = 2
    BLURRED = 3
    """Out of focus or in motion; tilted in the picture, too."""


def flaws(
    side: npt.NDArray[np.floating],
    yaw: npt.NDArray[np.floating],
    pitch: npt.NDArray[np.floating],
    quality: npt.NDArray[np.floating],
    scorable: Bools,
    smallest: float,
) -> Ints:
    """(n,) a `Flaw` each: of the factors of a face's quality (docs/verdicts.md) the smallest one.

    `side` is the shorter one of the box, px, and faces under the `smallest` are too small whatever else they are.
    """
    size = np.asarray(size_grade(side), np.float64)
    frontal = np.clip(np.cos(np.radians(yaw)) * np.cos(np.radians(pitch)), 0, 1)
    # What is left of the quality is sharpness, where it is less than the size, and the tilt.
    remaining = quality / np.maximum(frontal, 1e-6)
    small = (side < smallest) | ((size <= frontal) & (size <= remaining))
    turned = ~small & (frontal < remaining)
    return np.select([scorable, small, turned], [Flaw.NONE, Flaw.SMALL, Flaw.TURNED], Flaw.BLURRED).astype(np.int64)


def count_flaws(evidence: Evidence, windows: Windows) -> Ints:
    """(groups, 4) how many of a student's faces in a window have each `Flaw`."""
    students = len(evidence.students)
    flaw = evidence.faces.flaw
    if flaw is None:
        return np.zeros((len(windows) * students, len(Flaw)), np.int64)
    window = windows.of(evidence.faces.time[evidence.assigned])
    inside = window >= 0
    group = window[inside] * students + evidence.student[inside]
    place = group * len(Flaw) + flaw[evidence.assigned][inside]
    return np.bincount(place, minlength=len(windows) * students * len(Flaw)).reshape(-1, len(Flaw))


def count_conditions(evidence: Evidence, windows: Windows) -> Ints:
    """(groups, 3) how many of a student's faces in a window are in each `Condition`."""
    students = len(evidence.students)
    counts = np.zeros((len(windows) * students, len(Condition)), np.int64)
    if evidence.faces.conditions is None:
        return counts
    window, bits = windows.of(evidence.faces.time[evidence.assigned]), evidence.faces.conditions[evidence.assigned]
    inside = (window >= 0) & (bits > 0)
    group = window[inside] * students + evidence.student[inside]
    for place, condition in enumerate(Condition):
        counts[:, place] = np.bincount(group[bits[inside] & condition > 0], minlength=len(counts))
    return counts


def student_reasons(
    insufficient: Bools,
    frames: Ints,
    faces: Ints,
    enough: Bools,
    flawed: Ints,
    conditions: Ints,
    seen_enough: Bools,
) -> Words:
    """(groups,) the code of each window of a student; None with a verdict.

    `enough` says where the faces that count suffice, `seen_enough` where all faces together would, and `flawed`
    (groups, 4) counts the faces by their `Flaw`. `conditions` (groups, 3) counts those in each `Condition`: what
    more than half of the faces are in is the reason where no flaw of theirs is.
    """
    light = conditions.argmax(axis=1)
    common = conditions.max(axis=1) * 2 > faces
    most = flawed[:, 1:].argmax(axis=1) + 1
    spoilt = seen_enough & (flawed[:, 1:].sum(axis=1) > 0)
    return _coded(
        insufficient,
        [
            (frames == 0, "no_picture"),
            (faces == 0, "not_seen"),
            (~enough & spoilt & (most == Flaw.SMALL), "too_small"),
            (~enough & spoilt & (most == Flaw.TURNED), "turned_away"),
            *((common & (light == place), code) for place, code in enumerate(("dark", "bright", "noisy"))),
            (~enough, "too_few_faces"),
        ],
    )


def class_reasons(insufficient: Bools, frames: Ints, present: Ints, enough: Bools) -> Words:
    """(windows,) the code of each window of the class; None with a verdict."""
    cases = [(frames == 0, "no_picture"), (present == 0, "not_seen"), (~enough, "too_few_students")]
    return _coded(insufficient, cases)


def _coded(insufficient: Bools, cases: list[tuple[npt.NDArray[Any], str]]) -> Words:
    """The first case that holds; `undecided` where none does."""
    reasons = np.full(len(insufficient), None, np.object_)
    reasons[insufficient] = "undecided"
    for holds, code in reversed(cases):
        reasons[insufficient & holds] = code
    return reasons
