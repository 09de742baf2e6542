"""Why a window has no verdict: one code each, what keeps a face from counting, and what can be measured at all."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.faces import size_grade

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Array = npt.NDArray[np.float64]
Words = npt.NDArray[np.object_]

#: Every code, in the words that people read. `dark`, `bright`, `noisy`, `compressed`, `covered` and
#: `baseline_unknown` are not given yet: nothing measures them.
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


def student_reasons(
    insufficient: Bools,
    frames: Ints,
    faces: Ints,
    enough: Bools,
    flawed: Ints,
    seen_enough: Bools,
) -> Words:
    """(groups,) the code of each window of a student; None with a verdict.

    `enough` says where the faces that count suffice, `seen_enough` where all faces together would, and `flawed`
    (groups, 4) counts the faces by their `Flaw`.
    """
    most = flawed[:, 1:].argmax(axis=1) + 1
    spoilt = seen_enough & (flawed[:, 1:].sum(axis=1) > 0)
    return _coded(
        insufficient,
        [
            (frames == 0, "no_picture"),
            (faces == 0, "not_seen"),
            (~enough & spoilt & (most == Flaw.SMALL), "too_small"),
            (~enough & spoilt & (most == Flaw.TURNED), "turned_away"),
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
