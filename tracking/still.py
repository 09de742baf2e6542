"""Faces that are nobody's: a poster or a screen, whose landmarks never move against the background."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tracking.camera import camera_path

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

#: Seconds over which landmarks are evened out: the detector's noise on an unmoved face is up to 5 % of its size in
#: a single frame, hardly less than a living head moves in a second or two.
SPELL = 10.0
#: Fewest faces that make a spell, and fewest spells that tell: somebody seen for less than a minute is alive.
FEWEST_FACES, FEWEST_SPELLS = 10, 6
#: Between one spell and the next, in face sizes: a printed face stays below it, and a living one cannot for long.
MOVES = 0.1


def still(
    frame_times: npt.ArrayLike,
    frame_of_face: npt.ArrayLike,
    boxes: npt.ArrayLike,
    landmarks: npt.ArrayLike,
    who: npt.ArrayLike,
    *,
    motion: npt.ArrayLike | None = None,
) -> Bools:
    """(w,) whether each of `who` (n,), tracks or students 0, 1, ... of the faces (-1 for none), never moved.

    `landmarks` is (n, 5, 2) px; the rest as for `follow`. From each spell of 10 s to the next, in nine of ten
    cases, every landmark must have stayed where it was.
    """
    times, frame = np.asarray(frame_times, np.float64), np.asarray(frame_of_face, np.int64)
    boxes, who = np.asarray(boxes, np.float64).reshape(-1, 4), np.asarray(who, np.int64)
    points = np.asarray(landmarks, np.float64).reshape(-1, 5, 2)
    by_frame = np.argsort(frame, kind="stable")
    path = camera_path(motion, len(times), frame[by_frame], boxes[by_frame])[frame]
    points = np.einsum("nij,npj->npi", path[:, :, :2], points) + path[:, None, :, 2]
    spell = np.floor(times[frame] / SPELL)
    unmoved = np.zeros(int(who.max(initial=-1)) + 1, bool)
    for one in range(len(unmoved)):
        own = np.flatnonzero(who == one)
        spells = [own[spell[own] == k] for k in np.unique(spell[own])]
        places = [np.median(points[rows], axis=0) for rows in spells if len(rows) >= FEWEST_FACES]
        if len(places) >= FEWEST_SPELLS:
            size = np.sqrt(np.median(np.prod(boxes[own, 2:] - boxes[own, :2], axis=1)))
            moves = np.linalg.norm(np.diff(places, axis=0), axis=2).max(axis=1) / size
            unmoved[one] = np.quantile(moves, 0.9) < MOVES
    return unmoved
