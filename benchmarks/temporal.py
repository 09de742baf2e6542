"""`make bench-temporal`: `temporal` beside `weighted` on drawn lessons in which moods last from .5 to 45 s.

A lesson has students who show FER2013's labelled faces (`../shared`, or CLASSPULSE_DATA). A mood lasts a while
(gamma, shape 2), each face is held for a second or two, what is said of it wanders, and students turn away.
Where moods are hidden, a student has a dozen faces of each that return all lesson long, and shows another mood's in
bursts of seconds (talking, a glance at the board). The truth of a window is what the rules of docs/verdicts.md make
of the shares of time of its moods. `choose` is what numbers were chosen on, `report` what is printed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.verdicts import Labelled, labelled_faces
from engine.faces import FER
from engine.settings import Settings
from engine.verdicts.evidence import Evidence, ScoredFaces
from engine.verdicts.judging import judge
from engine.verdicts.scale import PROBABILITIES

Array = npt.NDArray[Any]
DWELLS = (0.5, 2.0, 5.0, 15.0, 45.0)
#: How often a burst shows another mood's face, whose: positive, neutral, negative.
_BURST, _SHOWN = 0.38, (0.2, 0.55, 0.25)
_OWN = 12


class Lesson(NamedTuple):
    """A drawn lesson, and what was in it."""

    evidence: Evidence
    truth: Array
    """(frames, students) 0 positive, 1 neutral, 2 negative."""
    rate: float


def lesson(
    pools: list[Labelled],
    dwell: float,
    students: int,
    seconds: float,
    seed: int,
    rate: float = 5.0,
    *,
    hidden: bool = False,
) -> Lesson:
    """Students, each with faces of one of the `pools`, whose moods last `dwell` s on the average.

    Where moods are `hidden`, other faces come in bursts, and a student has a dozen faces of each mood alone.
    """
    rng = np.random.default_rng(seed)
    n = int(seconds * rate)
    truth = np.empty((n, students), np.int64)
    columns: list[dict[str, Array]] = []
    for student in range(students):
        faces = pools[int(rng.integers(len(pools)))]
        assert faces.loglik is not None
        truth[:, student] = _moods(rng, n, dwell * rate)
        shown = truth[:, student].copy()
        for start, stop in _spells(rng, n, 3 * rate):
            if hidden and rng.random() < _BURST:
                shown[start:stop] = rng.choice(3, p=_SHOWN)
        face = _held(rng, shown, _own_faces(rng, faces, hidden), 1.6 * rate)
        loglik = faces.loglik[face] + _wandering(rng, n)[:, None] * np.array([0.6, 0.0, -0.6])
        seen = rng.random(n) > 0.08
        for start, stop in _spells(rng, n, 5 * rate):
            seen[start:stop] &= rng.random() > 0.15
        at = np.flatnonzero(seen)
        columns.append(
            {
                "frame": at,
                "student": np.full(len(at), student),
                "scores": faces.emotions[face[at]],
                "quality": faces.quality[face[at]],
                "loglik": loglik[at].astype(np.float64),
            }
        )
    joined = {name: np.concatenate([each[name] for each in columns]) for name in columns[0]}
    order = np.argsort(joined["frame"], kind="stable")
    joined = {name: column[order] for name, column in joined.items()}
    scored = ScoredFaces(
        time=joined["frame"] / rate,
        student=joined["student"],
        scores=joined["scores"],
        quality=joined["quality"],
        scorable=np.ones(len(order), np.bool_),
        classes=FER,
        loglik=joined["loglik"],
    )
    return Lesson(Evidence(np.arange(n) / rate, scored, n / rate), truth, rate)


def true_verdicts(given: Lesson, window: float, band: float) -> Array:
    """(windows x students,) 0 interested, 1 neutral, 2 not interested, by the shares of time."""
    length = round(window * given.rate)
    whole = given.truth[: len(given.truth) // length * length].reshape(-1, length, given.truth.shape[1])
    shares = np.stack([(whole == mood).mean(axis=1) for mood in range(3)], axis=-1).reshape(-1, 3)
    balance = shares[:, 0] - shares[:, 2]
    neutral = (np.abs(balance) <= band) | (shares[:, 1] > np.maximum(shares[:, 0], shares[:, 2]))
    return np.select([neutral, balance > 0], [1, 0], 2)


def _spells(rng: np.random.Generator, n: int, mean: float) -> Iterator[tuple[int, int]]:
    start = 0
    while start < n:
        stop = start + int(rng.exponential(mean)) + 1
        yield start, min(stop, n)
        start = stop


def _moods(rng: np.random.Generator, n: int, dwell: float) -> Array:
    """(n,) moods of gamma dwell times with that mean, in frames; each student has moods that are frequent."""
    share = rng.dirichlet([1.2, 2.0, 1.2]) + 0.02
    moods, start, mood = np.empty(n, np.int64), 0, int(rng.integers(3))
    while start < n:
        stop = start + max(int(rng.gamma(2.0, dwell / 2)), 1)
        moods[start:stop] = mood
        others = np.where(np.arange(3) == mood, 0, share)
        start, mood = stop, int(rng.choice(3, p=others / others.sum()))
    return moods


def _own_faces(rng: np.random.Generator, faces: Labelled, hidden: bool) -> list[Array]:
    """The faces that a student has for each mood: near a personal resting expression."""
    assert faces.loglik is not None
    lean = faces.loglik[:, 0] - faces.loglik[:, 2]
    tilt = rng.normal()
    own = []
    for mood in range(3):
        pool = np.flatnonzero(faces.mood == mood)
        if not hidden:
            own.append(pool)
            continue
        off = (lean[pool] - lean[pool].mean()) / lean[pool].std()
        near = np.exp(-0.5 * ((off - 0.7 * tilt) / 1.0) ** 2) + 1e-6
        own.append(rng.choice(pool, _OWN, replace=False, p=near / near.sum()))
    return own


def _held(rng: np.random.Generator, shown: Array, own: list[Array], mean: float) -> Array:
    face = np.empty(len(shown), np.int64)
    for start, stop in _spells(rng, len(shown), mean):
        for frame in range(start, stop):
            if frame == start or shown[frame] != shown[frame - 1]:
                now = rng.choice(own[shown[frame]])
            face[frame] = now
    return face


def _wandering(rng: np.random.Generator, n: int) -> Array:
    noise, value = np.empty(n), 0.0
    for frame in range(n):
        value = 0.9 * value + 0.44 * rng.normal()
        noise[frame] = value
    return noise


def compared(
    pools: list[Labelled], dwell: float, seed: int, students: int = 20, seconds: float = 900.0
) -> dict[str, Any]:
    """For each strategy: share right where a verdict is forced, flips a window, and (probability, right) of all."""
    given = lesson(pools, dwell, students, seconds, seed)
    wanted = true_verdicts(given, 10, Settings().band)
    truth = wanted.reshape(-1, students)
    result: dict[str, Any] = {"true flips": float((np.diff(truth, axis=0) != 0).mean())}
    for name in ("weighted", "temporal"):
        rows = judge(given.evidence, Settings(strategy=name, window=10.0))[0]
        probability = np.stack([rows[each] for each in PROBABILITIES], axis=1)
        known = np.isfinite(probability).all(axis=1)
        forced = np.nan_to_num(probability).argmax(axis=1)
        right = forced == wanted
        flips = float((np.diff(forced.reshape(-1, students), axis=0) != 0).mean())
        result[name] = float(right[known].mean()), flips, probability[known].max(axis=1), right[known]
    return result


def reliability(sure: Array, right: Array) -> list[tuple[int, float, float]]:
    """How many windows have a verdict of such a probability, its mean, and the share that is right."""
    edges = np.array([0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 1.01])
    rows = []
    for low, high in pairwise(edges.tolist()):
        inside = (sure >= low) & (sure < high)
        if inside.any():
            rows.append((int(inside.sum()), float(sure[inside].mean()), float(right[inside].mean())))
    return rows


def main(split: str = "report", seeds: int = 2) -> None:
    """Print the tables."""
    pools = [labelled_faces(split, size) for size in (32, 48)]
    print("| moods last, s | weighted | temporal | flips: true | weighted | temporal |\n|---|---|---|---|---|---|")
    told: dict[str, list[tuple[Array, Array]]] = {"weighted": [], "temporal": []}
    for dwell in DWELLS:
        found = [compared(pools, dwell, seed) for seed in range(10, 10 + seeds)]
        cells = [np.mean([each[name][0] for each in found]) for name in told]
        flips = [
            np.mean([each["true flips"] for each in found]),
            *(np.mean([each[n][1] for each in found]) for n in told),
        ]
        print(f"| {dwell:g} | {' | '.join(f'{value:.3f}' for value in [*cells, *flips])} |", flush=True)
        for name, rows in told.items():
            rows += [each[name][2:] for each in found]
    print("\n| | windows | said | right |\n|---|---|---|---|")
    for name, rows in told.items():
        sure, right = (np.concatenate([each[k] for each in rows]) for k in range(2))
        for number, said, share in reliability(sure, right):
            print(f"| {name} | {number} | {said:.3f} | {share:.3f} |")
    given = lesson(pools, 15, 30, 3600, seed=9)
    start = time.process_time()
    judge(given.evidence, Settings(strategy="temporal"))
    print(
        f"\n30 students x 1 hour, {len(given.evidence.faces.time):,} faces: {time.process_time() - start:.2f} s CPU"
    )


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "report")
