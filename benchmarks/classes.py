"""`make bench-classes`: how often the class of a window gets the verdict of its students, three in five measured.

Classes of 5 to 100 students, of whom a known share is of one kind (interested, neutral or not interested) and the
others of the other two, evenly. What a student's window says is drawn from windows of FER2013's public test faces
of 48 px, the split `report` of benchmarks/verdicts.py: 50 faces, three in four of the mood. The truth is what more
than half of all students are, else divided, counted by hand.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from benchmarks.conditions import windows_of
from benchmarks.verdicts import Ints, labelled_faces
from engine.settings import Settings
from engine.verdicts.majorities import majorities, prevailing
from engine.verdicts.mixture import shares_of
from engine.verdicts.scale import DIVIDED, INSUFFICIENT, INTERESTED, NEUTRAL, NOT_INTERESTED

NUMBERS, SHARES = (5, 10, 20, 30, 50, 100), (0.34, 0.45, 0.5, 0.55, 0.6, 0.7, 0.8, 0.9)
MEASURED, CLASSES = 0.6, 300
_WINDOWS_A_STUDENT = 30
_KINDS = np.array([INTERESTED, NEUTRAL, NOT_INTERESTED, DIVIDED])


def students() -> tuple[npt.NDArray[np.float64], Ints]:
    """Probabilities (windows, 3) of students' windows, and their moods 0, 1, 2."""
    faces = labelled_faces("report", 48)
    assert faces.loglik is not None
    drawn, mood = windows_of(faces.mood, np.random.default_rng(5))
    loglik = faces.loglik[np.concatenate(drawn)].astype(np.float64)
    group = np.repeat(np.arange(len(drawn)), [len(each) for each in drawn])
    shares = shares_of(loglik, group, group // _WINDOWS_A_STUDENT, len(drawn), Settings().band)
    return shares.probability, mood


def draw(number: int, share: float, mood: Ints, random: np.random.Generator) -> tuple[Ints, int]:
    """A class of so many students: a place in the pool of windows (number,) for each, and its truth."""
    kind = random.permutation(3)
    most = round(share * number)
    second = (number - most) // 2
    kinds = np.repeat(kind, (most, second, number - most - second))
    counts = np.bincount(kinds, minlength=3)
    truth = int(counts.argmax()) if counts.max() > number / 2 else 3
    places = [random.choice(np.flatnonzero(mood == one)) for one in random.permutation(kinds)]
    return np.array(places), truth


def main() -> None:
    """Print the table."""
    probability, mood = students()
    random = np.random.default_rng(0)
    print("| students | share of the largest kind | right | insufficient | wrong |\n|---|---|---|---|---|")
    for number in NUMBERS:
        total = np.zeros(3)
        for share in SHARES:
            drawn = [draw(number, share, mood, random) for _ in range(CLASSES)]
            chance = probability[np.stack([places for places, _ in drawn])]
            measured = random.random((CLASSES, number)).argsort(axis=1) < round(MEASURED * number)
            most = majorities(chance, measured, np.full(CLASSES, number))
            found = prevailing(most, np.full(CLASSES, True), Settings().sure)
            none, right = found == INSUFFICIENT, found == _KINDS[[truth for _, truth in drawn]]
            rates = np.array([right.mean(), none.mean(), (~right & ~none).mean()])
            total += rates / len(SHARES)
            print(f"| {number} | {share:.2f} | " + " | ".join(f"{rate:.3f}" for rate in rates) + " |", flush=True)
        print(f"| {number} | all; right of those with a verdict {total[0] / (total[0] + total[2]):.3f} | ", end="")
        print(" | ".join(f"{rate:.3f}" for rate in total) + " |", flush=True)


if __name__ == "__main__":
    main()
