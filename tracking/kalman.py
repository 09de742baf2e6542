"""The motion of one box: SORT's constant-velocity model in filterpy's Kalman filter, for any step of time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: From the state [u, v, s, r, u', v', s'] to the measured [u, v, s, r] (Bewley et al. 2016, section 3.2).
MEASURED = np.eye(4, 7)


@dataclass(frozen=True)
class Noise:
    """Variances of the model, on the diagonal, in the order of the state [u, v, s, r, u', v', s'].

    Lengths are in units of the box's size at birth (the square root of its area) if `relative`, else in pixels.
    """

    measured: tuple[float, float, float, float]
    """Of a measured [u, v, s, r]."""
    initial: tuple[float, ...]
    """Of the state at birth."""
    growth: tuple[float, ...]
    """Added to the state's for every unit of time that passes."""
    relative: bool


#: The paper prints no variances; with these (time in frames, lengths in px) its published figures come out.
SORT_NOISE = Noise(
    measured=(1, 1, 10, 10),
    initial=(10, 10, 10, 10, 1e4, 1e4, 1e4),
    growth=(1, 1, 1, 1, 1e-2, 1e-2, 1e-4),
    relative=False,
)

#: Of faces, for time in seconds: a detector's box is right to 3 % of the face, heads stray by 10 % of their size in
#: a second, and speeds, at first anything up to a face or so a second, change by 0.3 of one.
FACE_NOISE = Noise(
    measured=(0.03**2, 0.03**2, 0.06**2, 0.05**2),
    initial=(0.03**2, 0.03**2, 0.06**2, 0.05**2, 1.0, 1.0, 0.4**2),
    growth=(0.1**2, 0.1**2, 0.05**2, 0.02**2, 0.3**2, 0.3**2, 0.05**2),
    relative=True,
)


class BoxFilter:
    """A box that moves with constant velocity, keeps its aspect ratio, and is measured now and then.

    Boxes are (x1, y1, x2, y2), float64, x1 < x2 and y1 < y2. Units of length and of time are the caller's.
    """

    def __init__(self, box: Floats, noise: Noise = FACE_NOISE) -> None:
        # Here, since filterpy loads all of scipy.stats: who tracks nothing need not wait for that.
        from filterpy.kalman import KalmanFilter

        measured = measurement(box)
        unit = measured[2] if noise.relative else 1.0  # of a length's variance: the area
        scale = np.array([unit, unit, unit**2, 1.0, unit, unit, unit**2])
        self._growth = np.diag(np.array(noise.growth) * scale)
        self._transition = np.eye(7)
        self._filter = KalmanFilter(dim_x=7, dim_z=4)
        self._filter.x = np.concatenate([measured, np.zeros(3)])
        self._filter.P = np.diag(np.array(noise.initial) * scale)
        self._filter.H = MEASURED
        self._filter.R = np.diag(np.array(noise.measured) * scale[:4])

    @property
    def state(self) -> Floats:
        """(7,) the present estimate [u, v, s, r, u', v', s']."""
        state: Floats = self._filter.x
        return state

    @property
    def box(self) -> Floats:
        """(4,) the present estimate as (x1, y1, x2, y2)."""
        box: Floats = boxes_of(self.state[None])[0]
        return box

    def predict(self, elapsed: float) -> None:
        """Move on by `elapsed` units of time."""
        state = self._filter.x
        if state[2] + state[6] * elapsed <= 0:
            state[6] = 0.0  # an area that shrinks for long must not turn negative
        self._transition[[0, 1, 2], [4, 5, 6]] = elapsed
        self._filter.predict(F=self._transition, Q=self._growth * elapsed)

    def move(self, affine: Floats, zoom: float) -> None:
        """Go along with a camera whose picture went by `affine` (2, 3) and grew by `zoom`.

        The covariance stays: a camera that turns and zooms so much between two frames that it matters loses the
        face anyway.
        """
        state = self._filter.x
        state[:2] = affine[:, :2] @ state[:2] + affine[:, 2]
        state[4:6] = affine[:, :2] @ state[4:6]
        state[[2, 6]] *= zoom**2

    def update(self, box: Floats) -> None:
        """Take a measured box (x1, y1, x2, y2) in."""
        self._filter.update(measurement(box))


def measurement(box: Floats) -> Floats:
    """[u, v, s, r] of (x1, y1, x2, y2): centre, area, and aspect ratio width / height."""
    x1, y1, x2, y2 = box
    width, height = x2 - x1, y2 - y1
    return np.array([x1 + width / 2, y1 + height / 2, width * height, width / height])


def boxes_of(states: Floats) -> Floats:
    """(n, 4) boxes (x1, y1, x2, y2) of states (n, 7)."""
    # The filter bounds neither area nor ratio; a millionth is small enough to overlap with nothing.
    area, ratio = np.maximum(states[:, 2:4], 1e-6).T
    half = np.stack([np.sqrt(area * ratio), np.sqrt(area / ratio)], axis=1) / 2
    boxes: Floats = np.hstack([states[:, :2] - half, states[:, :2] + half])
    return boxes
