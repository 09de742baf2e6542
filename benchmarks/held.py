"""`make bench-held`: verdicts on windows of few expressions, each held for seconds.

Windows of 50 frames of FER2013's public test faces of 48 px, the split `report` of benchmarks/verdicts.py: 3, 5, 10
or 50 expressions, each of them with a probability of three in four of the window's mood, one frame after the other.
The truth is what rule 2 of docs/verdicts.md makes of the labels of the frames themselves. Three seeds.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from benchmarks.verdicts import WANTED, Ints, labelled_faces, verdicts
from engine.settings import Settings
from engine.verdicts.scale import INSUFFICIENT, VERDICTS

FRAMES, WINDOWS, SEEDS, EXPRESSIONS = 50, 900, (0, 1, 2), (3, 5, 10, 50)
OWN = 0.75


def draw(mood: Ints, expressions: int, random: np.random.Generator, band: float) -> tuple[list[Ints], Ints]:
    """The places of each window's frames among faces of these moods (n,), and its truth as a place in WANTED."""
    pools = [np.flatnonzero(mood == one) for one in range(3)]
    held = np.diff(np.linspace(0, FRAMES, expressions + 1).round().astype(int))
    drawn = []
    for one in random.integers(0, 3, WINDOWS).tolist():
        chance = np.where(np.arange(3) == one, OWN, (1 - OWN) / 2)
        faces = [random.choice(pools[each]) for each in random.choice(3, expressions, p=chance)]
        drawn.append(np.repeat(faces, held))
    return drawn, truths(np.stack([mood[each] for each in drawn]), band)


def truths(moods: Ints, band: float) -> Ints:
    """(n,) places in WANTED of windows (n, frames) of moods: 0 positive, 1 neutral, 2 negative."""
    positive, neutral, negative = ((moods == mood).sum(axis=1) for mood in range(3))
    balance = positive - negative
    flat = (np.abs(balance) <= band * moods.shape[1]) | (neutral > np.maximum(positive, negative))
    return np.where(flat, 1, np.where(balance > 0, 0, 2))


def main(*sures: float) -> None:
    """Print the table, for each of `sures` or the default."""
    faces = labelled_faces("report", 48)
    print("| expressions | sure | right | insufficient | wrong |\n|---|---|---|---|---|")
    for expressions in EXPRESSIONS:
        for sure in sures or (Settings().sure,):
            settings = replace(Settings(window=15.0), sure=sure)
            rates: list[npt.NDArray[np.float64]] = []
            for seed in SEEDS:
                drawn, truth = draw(faces.mood, expressions, np.random.default_rng(seed), settings.band)
                judged = verdicts(faces, drawn, settings)
                right, none = judged == WANTED[truth], judged == VERDICTS[INSUFFICIENT]
                rates.append(np.array([right.mean(), none.mean(), (~right & ~none).mean()]))
            row = " | ".join(f"{rate:.3f}" for rate in np.mean(rates, axis=0))
            print(f"| {expressions} | {sure:g} | {row} |", flush=True)


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
