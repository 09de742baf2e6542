"""Who passes by: faces that no track holds, on a straight line at a steady pace.

Whoever crosses the picture at several faces' widths a frame is nowhere near where the last face was, so that every
face starts a track of its own that is never confirmed. Three such faces in successive frames, as far apart and in
the same direction, are somebody who walks: the three-point initiation of radar tracking (Bar-Shalom, Li,
Kirubarajan, Estimation with Applications to Tracking and Navigation, 2001, section 5.5).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tracking.association import match
from tracking.camera import centres, scale_of, sizes

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

#: How far from the straight line a face may be, in face sizes: heads bob, and boxes jitter.
OFF_LINE = 0.5
#: Sizes from one frame to the next between which a step is: of a shorter one boxes overlap, and tracks follow it.
SHORTEST, LONGEST = 0.7, 4.0
#: Sizes a second that nobody is faster than: walkers make 6 to 8, who runs 13.
FASTEST = 12.0
#: Largest difference of the logarithms of the sizes of successive faces.
MAX_GROWTH = 0.3
#: Frames in a row without a face after which a line ends.
MISSED = 1


@dataclass(eq=False)
class Line:
    """Faces on a straight line; the last place is in the pixels of the current frame."""

    rows: list[int]
    place: Floats
    """(2,) centre of the last face."""
    velocity: Floats
    """(2,) px a second; each step counts half, since heads bob and boxes jitter."""
    size: float
    time: float
    missed: int = field(default=0)


def lines_of_faces(
    frame_times: Floats,
    frame_of_face: Indices,
    boxes: Floats,
    steps: Floats,
    breaks: set[int],
    counted: Bools,
    needed: int,
) -> Indices:
    """(n,) number of the line on which each of n faces, held by no track, lies; -1 for none.

    `steps` is (m, 2, 3), the camera's motion from the previous frame, finite; no line crosses the frames `breaks`.
    A line has `needed` of the `counted` (n,) faces or more. Faces of a frame belong to the nearest line; the result
    does not depend on their order.
    """
    place, size = centres(boxes), sizes(boxes)
    order = np.lexsort((*boxes.T, frame_of_face))
    frames, starts = np.unique(frame_of_face[order], return_index=True)
    rows_of = dict(zip(frames.tolist(), np.split(order, starts[1:]), strict=True)) if len(frames) else {}
    lines: list[Line] = []
    ended: list[Line] = []
    pairs: list[Line] = []
    single: list[Line] = []
    for i, time in enumerate(frame_times.tolist()):
        if i in breaks:
            ended, lines, pairs, single = ended + lines, [], [], []
        if i not in rows_of and not lines:
            pairs, single = [], []
            continue
        _move([*lines, *pairs, *single], steps[i])
        left = rows_of.get(i, np.empty(0, np.int64))
        left, _ = _extend(lines, left, place, size, time)
        left, grown = _extend(pairs, left, place, size, time)
        ended += [line for line in lines if line.missed > MISSED]
        lines = [line for line in lines if line.missed <= MISSED] + grown
        used = {row for line in grown for row in line.rows}
        single = [line for line in single if line.rows[0] not in used]
        pairs = _pairs(single, left, place, size, time)
        single = [Line([row], place[row], np.zeros(2), float(size[row]), time) for row in left.tolist()]
    number = np.full(len(boxes), -1)
    held = [line.rows for line in ended + lines if counted[line.rows].sum() >= needed]
    for k, rows in enumerate(sorted(held, key=lambda rows: (frame_of_face[rows[0]], boxes[rows[0]].tolist()))):
        number[rows] = k
    return number


def _move(lines: list[Line], step: Floats) -> None:
    """Follow the camera's `step` (2, 3)."""
    scale = float(scale_of(step))
    for line in lines:
        line.place = step[:, :2] @ line.place + step[:, 2]
        line.velocity, line.size = step[:, :2] @ line.velocity, line.size * scale


def _extend(
    lines: list[Line], rows: Indices, place: Floats, size: Floats, time: float
) -> tuple[Indices, list[Line]]:
    """Give each of the `lines` the nearest of the faces `rows`; the other faces, and the lines that have one.

    Of lines that share a face only one has another.
    """
    if not len(rows) or not lines:
        for line in lines:
            line.missed += 1
        return rows, []
    expected = np.array([line.place + line.velocity * (time - line.time) for line in lines])
    last = np.array([line.size for line in lines])
    away = np.linalg.norm(expected[:, None] - place[None, rows], axis=2) / last[:, None]
    same_size = np.abs(np.log(size[None, rows] / last[:, None])) < MAX_GROWTH
    fits = match(np.where(same_size, np.maximum(1 - away / OFF_LINE, 0), 0.0), 1e-9)
    grown: list[Line] = []
    taken: set[int] = set()
    for i, j in sorted(zip(fits.rows.tolist(), fits.columns.tolist(), strict=True), key=lambda pair: away[pair]):
        line, row = lines[i], int(rows[j])
        if taken & {*line.rows, row}:
            continue
        line.velocity = (line.velocity + (place[row] - line.place) / (time - line.time)) / 2
        line.rows.append(row)
        line.place, line.size, line.time, line.missed = place[row], float(size[row]), time, -1
        taken |= set(line.rows)
        grown.append(line)
    for line in lines:
        line.missed += 1
    return np.array([row for row in rows.tolist() if row not in taken], np.int64), grown


def _pairs(single: list[Line], rows: Indices, place: Floats, size: Floats, time: float) -> list[Line]:
    """Every face of the frame before with every one of this that may be the next of the same walker."""
    pairs = []
    for first in single:
        for row in rows.tolist():
            step = place[row] - first.place
            steady = abs(np.log(size[row] / first.size)) < MAX_GROWTH
            longest = min(LONGEST, FASTEST * (time - first.time))
            if steady and SHORTEST * first.size < np.hypot(*step) < longest * first.size:
                velocity = step / (time - first.time)
                pairs.append(Line([*first.rows, row], place[row], velocity, float(size[row]), time))
    return pairs
