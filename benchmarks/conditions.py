"""`make bench-conditions`: what a camera does to faces, and what that does to verdicts and to what networks say.

Windows of FER2013's public test faces, the split `report` of benchmarks/verdicts.py, 48 px: 50 faces, of which
three in four have the window's mood, all under one degradation (benchmarks/degradations.py) of a strength that is
drawn for each face. All are called scorable, so this is what a verdict is worth where no gate helps. Beside the
shares of windows that are right, insufficient and wrong stands what one face tells: the mean cross-entropy of the
calibrated scores of FER's network, of the layer above it, and of both networks fused, in nats; ln 3 = 1.099 is
nothing. Three seeds, and the spread of the share of wrong windows over them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.degradations import FITTED, UNFITTED, degrade
from benchmarks.fit_moods import crops_of
from benchmarks.verdicts import WANTED, Ints, Labelled, labelled_files, verdicts
from engine.settings import Settings
from engine.verdicts.calibration import valence_shares
from engine.verdicts.scale import INSUFFICIENT, VERDICTS
from engine.vision.expression import FerScorer
from engine.vision.moods.fusion import Fusion

FACES, OWN, WINDOWS, SEEDS = 50, 38, 600, (0, 1, 2)


def windows_of(mood: Ints, random: np.random.Generator) -> tuple[list[Ints], Ints]:
    """The places of the faces of each window, and the windows' moods."""
    wanted = random.integers(0, 3, WINDOWS)
    pools = [np.flatnonzero(mood == one) for one in range(3)]
    drawn = []
    for one in wanted.tolist():
        others = random.choice([other for other in range(3) if other != one], FACES - OWN)
        faces = [random.choice(pools[each]) for each in (*[one] * OWN, *others)]
        drawn.append(random.permutation(faces))
    return drawn, wanted


def cross_entropy(share: npt.NDArray[np.floating], mood: Ints) -> float:
    """Of shares (n, 3), every mood weighing the same."""
    logs = np.log(np.maximum(share[np.arange(len(mood)), mood], 1e-6))
    return -float(np.mean([logs[mood == one].mean() for one in range(3)]))


def rows(kinds: Iterable[str]) -> Iterable[str]:
    """A row of the table for each of `kinds`."""
    scorer, fusion = FerScorer(), Fusion()
    files, mood = labelled_files("report")
    pictures = [np.asarray(cv2.imread(str(file), cv2.IMREAD_GRAYSCALE), np.uint8) for file in files]
    for kind in kinds:
        found, one, layer, both = [], [], [], []
        for seed in SEEDS:
            random = np.random.default_rng(seed)
            crops = crops_of(np.stack([degrade(picture, kind, random) for picture in pictures]))
            emotions, loglik = scorer.read(crops)
            faces = Labelled(mood, emotions, np.ones(len(crops), np.float32), loglik)
            drawn, wanted = windows_of(mood, random)
            judged = verdicts(faces, drawn, Settings(window=15.0))
            right, none = judged == WANTED[wanted], judged == VERDICTS[INSUFFICIENT]
            sides = [right[wanted == side].mean() for side in range(3)]
            found.append((right.mean(), none.mean(), 1 - right.mean() - none.mean(), *sides))
            one.append(cross_entropy(valence_shares(faces.emotions), mood))
            layer.append(cross_entropy(np.exp(loglik), mood))
            both.append(cross_entropy(np.exp(fusion(crops)), mood))
        figures = np.array(found)
        mean, spread = figures.mean(axis=0), np.ptp(figures[:, 2])
        shares = " | ".join(f"{share:.2f}" for share in mean)
        nats = " | ".join(f"{np.mean(each):.2f}" for each in (one, layer, both))
        yield f"| {kind} | {shares} | {spread:.2f} | {nats} |"


def main() -> None:
    """Print the table; kinds that are named on the command line, or all."""
    print("| degradation | right | insufficient | wrong | right: positive | neutral | negative |", end="")
    print(" spread of wrong | calibrated scores, nats | layer, nats | both networks, nats |\n" + "|---" * 11 + "|")
    for row in rows(sys.argv[1:] or (*FITTED, *UNFITTED)):
        print(row, flush=True)


if __name__ == "__main__":
    main()
