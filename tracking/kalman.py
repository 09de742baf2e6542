"""Motion model of one box: SORT's constant-velocity Kalman filter (filterpy), for time steps of any length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: (4, 7) from the state [u, v, s, r, u', v', s'] to the measured [u, v, s, r]: centre, area, aspect ratio and their
#: velocities (Bewley et al. 2016, section 3.2).
MEASUREMENT_MATRIX = np.eye(4, 7)


@dataclass(frozen=True)
class Noise:
    """Variances of the model, on the diagonal, in the order of the state [u, v, s, r, u', v', s'].

    Their unit of length is free: a component and its velocity depend on no other one, so what a measurement
    counts for follows from the ratios of their own variances, whatever the size of the box in pixels.
    """

    measured: tuple[float, float, float, float]
    """Of a measured [u, v, s, r]."""
    initial: tuple[float, ...]
    """Of the first state."""
    growth: tuple[float, ...]
    """Added to those of the state for every unit of time."""


#: The paper prints no variances; with these (time in frames, lengths in px) its published figures come out.
SORT_NOISE = Noise(
    measured=(1, 1, 10, 10),
    initial=(10, 10, 10, 10, 1e4, 1e4, 1e4),
    growth=(1, 1, 1, 1, 1e-2, 1e-2, 1e-4),
)

#: For faces, with time in seconds and lengths in sizes of the face: a detector's box is accurate to 3 % of a size,
#: heads drift by 10 % of one in a second, and velocities, at first about one size a second, change by 0.3 of that.
FACE_NOISE = Noise(
    measured=(0.03**2, 0.03**2, 0.06**2, 0.05**2),
    initial=(0.03**2, 0.03**2, 0.06**2, 0.05**2, 1.0, 1.0, 0.4**2),
    growth=(0.1**2, 0.1**2, 0.05**2, 0.02**2, 0.3**2, 0.3**2, 0.05**2),
)


class BoxFilter:
    """Kalman filter of a box with constant velocity and aspect ratio, measured at any times.

    Boxes are (4,) float64 x1, y1, x2, y2 with x1 < x2 and y1 < y2. Units of length and of time are the caller's.
    """

    def __init__(self, box: Floats, noise: Noise = FACE_NOISE) -> None:
        # Here, since filterpy loads all of scipy.stats: who tracks nothing need not wait for that.
        from filterpy.kalman import KalmanFilter

        self._growth = np.diag(noise.growth)
        self._transition = np.eye(7)
        self._filter = KalmanFilter(dim_x=7, dim_z=4)
        self._filter.x = np.concatenate([measurement(box), np.zeros(3)])
        self._filter.P = np.diag(noise.initial)
        self._filter.H = MEASUREMENT_MATRIX
        self._filter.R = np.diag(noise.measured)

    @property
    def state(self) -> Floats:
        """(7,) the current estimate [u, v, s, r, u', v', s']."""
        state: Floats = self._filter.x
        return state

    @property
    def box(self) -> Floats:
        """(4,) the current estimate as x1, y1, x2, y2."""
        box: Floats = boxes_of(self.state[None])[0]
        return box

    @property
    def deviation(self) -> float:
        """Standard deviation of a measured centre from the expected one, in the unit of the noise."""
        return float(np.sqrt(self._filter.P[0, 0] + self._filter.R[0, 0]))

    def predict(self, elapsed: float) -> None:
        """Predict the state `elapsed` units of time later."""
        state = self._filter.x
        if state[2] + state[6] * elapsed <= 0:
            state[6] = 0.0  # an area that shrinks for long must not become negative
        self._transition[[0, 1, 2], [4, 5, 6]] = elapsed
        self._filter.predict(F=self._transition, Q=self._growth * elapsed)

    def warp(self, affine: Floats, scale: float) -> None:
        """Compensate for camera motion: the image was warped by `affine` (2, 3), which scales lengths by `scale`.

        The covariance is unchanged: with so much rotation and zoom between two frames that it mattered, the
        face would be lost in any case.
        """
        state = self._filter.x
        state[:2] = affine[:, :2] @ state[:2] + affine[:, 2]
        state[4:6] = affine[:, :2] @ state[4:6]
        state[[2, 6]] *= scale**2

    def update(self, box: Floats) -> None:
        """Correct the estimate with a measured box (4,)."""
        self._filter.update(measurement(box))


def measurement(box: Floats) -> Floats:
    """(4,) [u, v, s, r] of a box (4,): centre, area, and aspect ratio width / height."""
    x1, y1, x2, y2 = box
    width, height = x2 - x1, y2 - y1
    return np.array([x1 + width / 2, y1 + height / 2, width * height, width / height])


def boxes_of(states: Floats) -> Floats:
    """(n, 4) boxes x1, y1, x2, y2 of states (n, 7)."""
    # The filter bounds neither area nor ratio; a box of a millionth overlaps with nothing.
    area, ratio = np.maximum(states[:, 2:4], 1e-6).T
    half = np.stack([np.sqrt(area * ratio), np.sqrt(area / ratio)], axis=1) / 2
    boxes: Floats = np.hstack([states[:, :2] - half, states[:, :2] + half])
    return boxes
