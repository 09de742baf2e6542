"""Static faces: posters and screens, whose landmarks never move against the background."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tracking.camera import IDENTITY, warp_boxes

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

#: Seconds over which landmarks are averaged: the detector's noise on an unmoved face is up to 5 % of its size in a
#: single frame, hardly less than a living head moves in a second or two.
INTERVAL = 10.0
#: Fewest faces that make an interval, and fewest intervals: a face of less than a minute is never static.
MIN_FACES, MIN_INTERVALS = 10, 6
#: Movement from one interval to the next, in face sizes: a printed face stays below it, a living one does not.
MAX_MOVEMENT = 0.1
#: Share of the movements that must stay below MAX_MOVEMENT.
STATIC_SHARE = 0.9
#: Median distance of the face, within an interval, from where it is in that interval, in face sizes: of frozen
#: pictures 0.04 at most, whatever the noise, of people who hold still 0.08 at least.
MAX_SPREAD = 0.05
#: Smallest face, px, of which that can be told: smaller ones of people who hold still spread as little as pictures.
MIN_SIZE = 24.0


def static_faces(
    frame_times: npt.ArrayLike,
    frame_of_face: npt.ArrayLike,
    boxes: npt.ArrayLike,
    landmarks: npt.ArrayLike,
    owner: npt.ArrayLike,
    *,
    path: npt.ArrayLike | None = None,
) -> Bools:
    """(w,) whether each `owner`, a track or a student, is static: a face that never moved.

    `owner` (n,) is 0, 1, ... w - 1 for each face, -1 for none. `landmarks` is (n, 5, 2) px; `path` is the (m, 2, 3)
    `CameraPath.to_first`, None for a camera that does not move; the rest as for `tracking.sort.track`. In nine of
    ten cases no landmark may have moved by MAX_MOVEMENT or more from one INTERVAL to the next, and the face must
    have stayed where it was within each: people come back to where they were ten seconds ago, and move meanwhile.
    Who is dropped as a picture is lost, and a picture that is kept is seen: where it cannot be told, it is none.
    """
    times, frame = np.asarray(frame_times, np.float64), np.asarray(frame_of_face, np.int64)
    boxes, owner = np.asarray(boxes, np.float64).reshape(-1, 4), np.asarray(owner, np.int64)
    points = np.asarray(landmarks).reshape(-1, 5, 2)
    path = np.tile(IDENTITY, (len(times), 1, 1)) if path is None else np.asarray(path, np.float64)
    interval_of_frame = np.floor(times / INTERVAL)
    order = np.argsort(owner, kind="stable")
    starts = np.searchsorted(owner[order], np.arange(int(owner.max(initial=-1)) + 2))
    static = np.zeros(len(starts) - 1, bool)
    for i in range(len(static)):
        faces = order[starts[i] : starts[i + 1]]
        interval = interval_of_frame[frame[faces]]
        numbers, counts = np.unique(interval, return_counts=True)
        numbers = numbers[counts >= MIN_FACES]
        if len(numbers) < MIN_INTERVALS:
            continue
        intervals = [faces[interval == k] for k in numbers]
        warped = [_warp_points(points[rows], path[frame[rows]]) for rows in intervals]
        places = [np.median(each, axis=0) for each in warped]
        corners = warp_boxes(boxes[faces], path[frame[faces]])
        size = np.sqrt(np.median(np.prod(corners[:, 2:] - corners[:, :2], axis=1)))
        movement = np.linalg.norm(np.diff(places, axis=0), axis=2).max(axis=1) / size
        spread = np.array([_spread(each.mean(axis=1)) for each in warped]) / size
        static[i] = (
            size >= MIN_SIZE
            and np.quantile(movement, STATIC_SHARE) < MAX_MOVEMENT
            and np.quantile(spread, STATIC_SHARE) < MAX_SPREAD
        )
    return static


def _spread(places: Floats) -> float:
    """Median distance of `places` (n, 2) from their median."""
    return float(np.median(np.linalg.norm(places - np.median(places, axis=0), axis=1)))


def _warp_points(points: npt.NDArray[np.floating], path: Floats) -> Floats:
    """(n, 5, 2) points in the first frame's pixels, each row by its own affine of `path` (n, 2, 3)."""
    turned: Floats = np.einsum("nij,npj->npi", path[:, :, :2], points.astype(np.float64))
    return turned + path[:, None, :, 2]
