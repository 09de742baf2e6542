"""Seats: the area of the room that each is in, and which seat of another day it is, by place and size alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

#: How far a chair may have moved from one day to the next, in face sizes, beside the swaying of its owner.
CHAIR = 0.5
#: How many deviations a seat reaches, and its furthest reach in face sizes: a longer one would be the next seat.
DEVIATIONS, MAX_REACH = 2.0, 2.0
#: Difference of the logarithms of two sizes that counts as much as a distance of one face size.
LOG_SIZE = 0.2
#: How much further away, in face sizes, the next best must be for the best to be unambiguous.
MARGIN = 1.0
#: The areas of a room in its image, from the top and from the left.
ROWS, COLUMNS = ("back", "middle", "front"), ("left", "centre", "right")


def areas(places: npt.ArrayLike, *, counted: npt.NDArray[np.bool_] | None = None) -> npt.NDArray[np.object_]:
    """(k,) the area of each seat, "back left" to "front right"; None for those that are not `counted` (k,).

    `places` (k, 3) are (x, y, size) in px. Of the height between the highest seat and the lowest one, the upper
    third is the back, and of the width between the outer ones a third is the left: a camera in front of a class has
    the back rows at the top. Seats less than a face size apart share a row; a single row is the front, a single
    column the centre.
    """
    places = np.asarray(places, np.float64).reshape(-1, 3)
    area = np.full(len(places), None, np.object_)
    rows = np.arange(len(places)) if counted is None else np.flatnonzero(counted)
    if len(rows):
        x, y, size = places[rows].T
        near = float(np.median(size))
        row, column = _third(y, near, single=2), _third(x, near, single=1)
        area[rows] = [f"{ROWS[i]} {COLUMNS[j]}" for i, j in zip(row, column, strict=True)]
    return area


def _third(coordinate: Floats, near: float, *, single: int) -> Indices:
    """(k,) 0, 1 or 2, the third of the span; `single` where all are nearer than `near` to each other."""
    first, span = coordinate.min(), np.ptp(coordinate)
    if span < near:
        return np.full(len(coordinate), single, np.int64)
    third: Indices = np.minimum((3 * (coordinate - first) / span).astype(np.int64), 2)
    return third


def match_seats(
    seats: npt.ArrayLike, seat_deviation: npt.ArrayLike, places: npt.ArrayLike, place_deviation: npt.ArrayLike
) -> Indices:
    """(k,) for each seat the place that is the same seat, or -1; no place twice.

    `seats` (k, 3) and `places` (m, 3) are (x, y, size) in one unit, `seat_deviation` (k,) and `place_deviation`
    (m,) the median absolute deviations of their owners, in face sizes. The sum of distances is least (the
    assignment problem); of its pairs those are dropped that are too far apart, or have a second candidate nearly as
    near.
    """

    from scipy.optimize import linear_sum_assignment

    seats, places = (np.asarray(rows, np.float64).reshape(-1, 3) for rows in (seats, places))
    deviation = np.asarray(seat_deviation, np.float64)[:, None] + np.asarray(place_deviation, np.float64)[None, :]
    distance = _distances(seats, places)
    reach = np.minimum(CHAIR + DEVIATIONS * deviation, MAX_REACH)
    matched = np.full(len(seats), -1, np.int64)
    # Beyond reach all distances are equal, so that a far place changes no near pair.
    rows, columns = linear_sum_assignment(np.minimum(distance, MAX_REACH + MARGIN))
    for row, column in zip(rows, columns, strict=True):
        rivals = np.append(np.delete(distance[row], column), np.delete(distance[:, column], row))
        near = distance[row, column] <= reach[row, column]
        if near and (rivals >= distance[row, column] + MARGIN).all():
            matched[row] = column
    return matched


def _distances(seats: Floats, places: Floats) -> Floats:
    """(k, m) distances in face sizes, the difference in size included."""
    size = np.sqrt(seats[:, None, 2] * places[None, :, 2])
    sideways = np.linalg.norm(seats[:, None, :2] - places[None, :, :2], axis=2) / size
    depth = np.log(seats[:, None, 2] / places[None, :, 2]) / LOG_SIZE
    distances: Floats = np.hypot(sideways, depth)
    return distances
