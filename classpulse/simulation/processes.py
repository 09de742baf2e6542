"""Random processes in time, and boxes: what simulated trajectories are made of."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def correlated(random: np.random.Generator, times: Floats, n: int, memory: float) -> Floats:
    """(m, n) noise of variance 1 with a correlation time of `memory` seconds (an Ornstein-Uhlenbeck process)."""
    keep = np.exp(-np.diff(times, prepend=times[0] if len(times) else 0.0) / memory)
    noise = random.normal(0, 1, (len(times), n))
    out = np.empty((len(times), n))
    last = noise[0] if len(times) else np.zeros(n)
    for i in range(len(times)):
        last = keep[i] * last + np.sqrt(1 - keep[i] ** 2) * noise[i]
        out[i] = last
    return out


def steps(random: np.random.Generator, times: Floats, n: int, every: float) -> Floats:
    """(m, n) values of variance 1 that hold for about `every` seconds and then change within one second."""
    step = times[1] - times[0] if len(times) > 1 else 1.0
    changes = random.random((len(times), n)) < step / every
    changes[:1] = True
    values = random.normal(0, 1, (len(times), n))
    held = np.maximum.accumulate(np.where(changes, np.arange(len(times))[:, None], 0), axis=0)
    stepped = np.take_along_axis(values, held, axis=0)
    width = max(1, round(1.0 / step))
    padded = np.concatenate([np.repeat(stepped[:1], width - 1, axis=0), stepped])
    sums = np.cumsum(np.concatenate([np.zeros((1, n)), padded]), axis=0)
    even: Floats = (sums[width:] - sums[:-width]) / width
    return even


def intervals(
    random: np.random.Generator, times: Floats, n: int, *, every: float, shortest: float, longest: float
) -> Bools:
    """(m, n) true in intervals, one about every `every` seconds; short ones are likelier than long ones."""
    inside = np.zeros((len(times), n), bool)
    for column in range(n):
        at = random.exponential(every)
        while at < times[-1]:
            length = shortest * (longest / shortest) ** random.random()
            inside[(times >= at) & (times < at + length), column] = True
            at += length + random.exponential(every)
    return inside


def moved(camera: Floats, centre: Floats) -> Floats:
    """(m, n, 2) the places `centre` (m, n, 2) after the affines `camera` (m, 2, 3)."""
    return np.asarray(np.einsum("mij,mnj->mni", camera[:, :, :2], centre) + camera[:, None, :, 2])


def boxes_around(centre: Floats, height: Floats) -> Floats:
    """(..., 4) boxes of the shape of a face, `height` (...) px high, around `centre` (..., 2)."""
    half = np.stack([0.41 * height, 0.5 * height], -1)
    return np.concatenate([centre - half, centre + half], -1)


def inside_image(boxes: Floats, size: tuple[int, int]) -> Bools:
    """(...) whether boxes (..., 4) lie whole within an image of `size`, width and height in px."""
    return np.asarray((boxes[..., :2] > 0).all(-1) & (boxes[..., 2:] < size).all(-1))
