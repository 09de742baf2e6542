"""Confirmation: how many faces at a rate make as sure of a person as so many at 5 frames a second."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

#: Seconds between the frames at which thresholds are given: those of the default rate.
REFERENCE = 0.2
#: Seconds over which what a detector says of a place is one thing said again: a knee that is taken for a face is
#: taken for one again a frame later, rarely a second later. docs/identity.md says how it was chosen.
CORRELATION = 1.2
#: Frames over which their interval is measured: sampled times are those of a file's frames, which are uneven.
SPAN = 12
#: A tenth of a face more than needed is no face more.
ROUNDED = 0.1


def sampling_interval(frame_times: npt.ArrayLike) -> float:
    """Median seconds from one sampled frame to the next, REFERENCE where there are not two frames."""
    times = np.asarray(frame_times, np.float64)
    step = min(SPAN, len(times) - 1)
    return float(np.median(times[step:] - times[:-step]) / step) if step > 0 else REFERENCE


def faces_needed(faces: int, interval: float) -> int:
    """Faces at one every `interval` s that say as much as so many `faces` at one every REFERENCE s.

    Successive faces are correlated by exp(-t / CORRELATION), so that each one after the first adds
    1 - exp(-t / CORRELATION) to what one alone says. More than one is always needed where `faces` is.
    """
    if _is_reference(interval):
        return faces
    adds, adds_at_reference = (-math.expm1(-seconds / CORRELATION) for seconds in (interval, REFERENCE))
    return 1 + math.ceil((faces - 1) * adds_at_reference / adds - ROUNDED)


def faces_of_student(frames: int, interval: float) -> int:
    """Fewest faces of a student in so many frames, one every `interval` s: 2 % of them, from 5 to 30.

    So at one frame every REFERENCE s; at other intervals as many as say the same.
    """
    at_reference = frames if _is_reference(interval) else int(frames * interval / REFERENCE)
    return faces_needed(min(max(5, at_reference // 50), 30), interval)


def _is_reference(interval: float) -> bool:
    """Whether frames come at the reference rate, as far as a file's own frames allow: 24/s give 4.98/s, too."""
    return abs(interval / REFERENCE - 1) < 0.05
