"""Where a seat is in the room, and which seat of another day it is: by its place and size alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

#: How far a chair is moved from one day to the next, in face sizes, beside what its owner sways.
CHAIR = 0.5
#: Twice a sway is further than most get; nobody sways more than this, in face sizes.
SWAYS, FARTHEST = 2.0, 2.0
#: Difference of the logarithms of two sizes that weighs as much as one face size sideways.
SIZE = 0.2
#: How much further away, in face sizes, the next best must be for the best to be no guess.
MARGIN = 1.0
#: The areas of a room as its picture shows it, from its top and from its left.
ROWS, COLUMNS = ("back", "middle", "front"), ("left", "centre", "right")


def areas(places: npt.ArrayLike, *, counted: npt.NDArray[np.bool_] | None = None) -> npt.NDArray[np.object_]:
    """(k,) the area of each seat, "back left" to "front right"; None for those that are not `counted` (k,).

    `places` (k, 3) are (x, y, size) in px. Of the height between the highest seat and the lowest one, the upper
    third is the back, and of the width between the outer ones a third is the left: a camera in front of a class has
    the back rows at the top. Seats less than a face size apart share a row: alone in their room they are its front,
    or its centre.
    """
    places = np.asarray(places, np.float64).reshape(-1, 3)
    found = np.full(len(places), None, np.object_)
    mine = np.arange(len(places)) if counted is None else np.flatnonzero(counted)
    if len(mine):
        x, y, size = places[mine].T
        near = float(np.median(size))
        row, column = _third(y, near, alone=2), _third(x, near, alone=1)
        found[mine] = [f"{ROWS[i]} {COLUMNS[j]}" for i, j in zip(row, column, strict=True)]
    return found


def _third(at: Floats, near: float, *, alone: int) -> Indices:
    """(k,) 0, 1 or 2: in which third of the span; `alone` where all are nearer than `near` to each other."""
    first, span = at.min(), np.ptp(at)
    if span < near:
        return np.full(len(at), alone, np.int64)
    third: Indices = np.minimum((3 * (at - first) / span).astype(np.int64), 2)
    return third


def match_seats(
    seats: npt.ArrayLike, seat_spread: npt.ArrayLike, places: npt.ArrayLike, place_spread: npt.ArrayLike
) -> Indices:
    """(k,) for each seat the one of the places that is the same seat, or -1; no place twice.

    `seats` (k, 3) and `places` (m, 3) are (x, y, size) in one unit, `seat_spread` (k,) and `place_spread` (m,) how
    far their owners sway, in face sizes. The sum of distances is least (the assignment problem); of its pairs,
    those that are too far apart go, and those for which another seat or place lies nearly as near.
    """

    from scipy.optimize import linear_sum_assignment

    seats, places = (np.asarray(rows, np.float64).reshape(-1, 3) for rows in (seats, places))
    spreads = np.asarray(seat_spread, np.float64)[:, None] + np.asarray(place_spread, np.float64)[None, :]
    distance = _distances(seats, places)
    reach = np.minimum(CHAIR + SWAYS * spreads, FARTHEST)
    matched = np.full(len(seats), -1, np.int64)
    # Beyond reach all are alike, so that a far one bends no near pair.
    rows, columns = linear_sum_assignment(np.minimum(distance, FARTHEST + MARGIN))
    for row, column in zip(rows, columns, strict=True):
        rivals = np.append(np.delete(distance[row], column), np.delete(distance[:, column], row))
        near = distance[row, column] <= reach[row, column]
        if near and (rivals >= distance[row, column] + MARGIN).all():
            matched[row] = column
    return matched


def _distances(seats: Floats, places: Floats) -> Floats:
    """(k, m) in face sizes, a difference in size counted in."""
    size = np.sqrt(seats[:, None, 2] * places[None, :, 2])
    apart = np.linalg.norm(seats[:, None, :2] - places[None, :, :2], axis=2) / size
    larger = np.log(seats[:, None, 2] / places[None, :, 2]) / SIZE
    distances: Floats = np.hypot(apart, larger)
    return distances
