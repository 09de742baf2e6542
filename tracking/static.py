"""Faces that are nobody's: a poster or a screen, whose landmarks never move against the background."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tracking.camera import STILL, moved

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
    path: npt.ArrayLike | None = None,
) -> Bools:
    """(w,) whether each of `who` (n,), tracks or students 0, 1, ... of the faces (-1 for none), never moved.

    `landmarks` is (n, 5, 2) px; `path` is the (m, 2, 3) `camera_path`, None for a camera that stands still; the
    rest as for `follow`. From each spell of 10 s to the next, in nine of ten cases, every landmark must have stayed
    where it was.
    """
    times, frame = np.asarray(frame_times, np.float64), np.asarray(frame_of_face, np.int64)
    boxes, who = np.asarray(boxes, np.float64).reshape(-1, 4), np.asarray(who, np.int64)
    points = np.asarray(landmarks).reshape(-1, 5, 2)
    path = np.tile(STILL, (len(times), 1, 1)) if path is None else np.asarray(path, np.float64)
    spell_of_frame = np.floor(times / SPELL)
    order = np.argsort(who, kind="stable")
    starts = np.searchsorted(who[order], np.arange(int(who.max(initial=-1)) + 2))
    unmoved = np.zeros(len(starts) - 1, bool)
    for one in range(len(unmoved)):
        own = order[starts[one] : starts[one + 1]]
        spell = spell_of_frame[frame[own]]
        numbers, faces = np.unique(spell, return_counts=True)
        numbers = numbers[faces >= FEWEST_FACES]
        if len(numbers) < FEWEST_SPELLS:
            continue
        spells = [own[spell == k] for k in numbers]
        places = [np.median(_in_room(points[rows], path[frame[rows]]), axis=0) for rows in spells]
        corners = moved(boxes[own], path[frame[own]])
        size = np.sqrt(np.median(np.prod(corners[:, 2:] - corners[:, :2], axis=1)))
        moves = np.linalg.norm(np.diff(places, axis=0), axis=2).max(axis=1) / size
        unmoved[one] = np.quantile(moves, 0.9) < MOVES
    return unmoved


def _in_room(points: npt.NDArray[np.floating], path: Floats) -> Floats:
    """(n, 5, 2) points in the first frame's pixels, each row by its own affine of (n, 2, 3)."""
    turned: Floats = np.einsum("nij,npj->npi", path[:, :, :2], points.astype(np.float64))
    return turned + path[:, None, :, 2]
