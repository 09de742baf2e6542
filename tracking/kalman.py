"""The motion of one box: SORT's constant-velocity model in filterpy's Kalman filter, for any step of time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from filterpy.kalman import KalmanFilter

Floats = npt.NDArray[np.float64]

#: From the state [u, v, s, r, u', v', s'] to the measured [u, v, s, r] (Bewley et al. 2016, section 3.2).
MEASURED = np.eye(4, 7)


@dataclass(frozen=True)
class Noise:
    """Variances of the model, on the diagonal, in the order of the state [u, v, s, r, u', v', s'].

    Lengths are in units of the box's size (the square root of its area) if `relative`, else in pixels.
    """

    measured: tuple[float, float, float, float]
    """Of a measured [u, v, s, r]."""
    initial: tuple[float, ...]
    """Of the state at birth."""
    growth: tuple[float, ...]
    """Added to the state's for every unit of time that passes."""
    relative: bool = False


#: The paper prints no variances; with these (time in frames, lengths in px) its published figures come out.
SORT_NOISE = Noise(
    measured=(1, 1, 10, 10),
    initial=(10, 10, 10, 10, 1e4, 1e4, 1e4),
    growth=(1, 1, 1, 1, 1e-2, 1e-2, 1e-4),
)


class BoxFilter:
    """A box that moves with constant velocity, keeps its aspect ratio, and is measured now and then.

    `box` is (x1, y1, x2, y2), float64, x1 < x2 and y1 < y2. Units of length and of time are the caller's.
    """

    def __init__(self, box: Floats, noise: Noise = SORT_NOISE) -> None:
        u, v, s, r = measurement(box)
        unit = np.sqrt(s) if noise.relative else 1.0
        scale = np.array([unit, unit, unit**2, 1.0, unit, unit, unit**2]) ** 2
        self._growth = np.array(noise.growth) * scale
        self._transition = np.eye(7)
        self._filter = KalmanFilter(dim_x=7, dim_z=4)
        self._filter.x = np.array([u, v, s, r, 0.0, 0.0, 0.0])
        self._filter.P = np.diag(np.array(noise.initial) * scale)
        self._filter.H = MEASURED
        self._filter.R = np.diag(np.array(noise.measured) * scale[:4])

    @property
    def box(self) -> Floats:
        """(4,) the present estimate as (x1, y1, x2, y2)."""
        u, v, s, r = self._filter.x[:4]
        # The filter bounds neither; one pixel in a million is small enough to overlap with nothing.
        s, r = max(s, 1e-6), max(r, 1e-6)
        width, height = np.sqrt(s * r), np.sqrt(s / r)
        return np.array([u - width / 2, v - height / 2, u + width / 2, v + height / 2])

    @property
    def state(self) -> Floats:
        """(7,) [u, v, s, r, u', v', s']."""
        return np.array(self._filter.x)

    def predict(self, elapsed: float) -> None:
        """Move on by `elapsed` units of time."""
        state = self._filter.x
        if state[2] + state[6] * elapsed <= 0:
            state[6] = 0.0  # an area that shrinks for long must not turn negative
        self._transition[[0, 1, 2], [4, 5, 6]] = elapsed
        self._filter.predict(F=self._transition, Q=np.diag(self._growth * elapsed))

    def update(self, box: Floats) -> None:
        """Take a measured box (x1, y1, x2, y2) in."""
        self._filter.update(measurement(box))


def measurement(box: Floats) -> Floats:
    """[u, v, s, r] of (x1, y1, x2, y2): centre, area, and aspect ratio width / height."""
    x1, y1, x2, y2 = box
    width, height = x2 - x1, y2 - y1
    return np.array([x1 + width / 2, y1 + height / 2, width * height, width / height])
