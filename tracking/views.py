"""Views: shots in which the camera shows the same, and who is who in each; between two views no place compares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tracking.association import iou
from tracking.camera import compose, invert, shift_of_faces, warp_boxes
from tracking.identity import Students, students_of_shots
from tracking.path import CameraPath
from tracking.shots import SAME_VIEW, Shots
from tracking.tracks import Tracks

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

#: Seconds from the start of a shot within which it is compared with earlier ones.
OPENING = 2.0
#: Seconds between the frames of earlier shots that it is compared with, at least.
APART = 0.5
#: Where both frames have so many faces, at least this share of the frame with fewer must be in the same places.
COMPARED_FACES, SAME_PLACES = 3, 0.34


@dataclass(frozen=True, eq=False)
class Views:
    """The view of each of s shots, and the camera's path through them."""

    of_shot: Indices
    """(s,) 0, 1, ... by the first shot of each view."""
    path: CameraPath
    """Of all frames; to the first frame of each one's view."""


def find_views(
    times: Floats,
    shots: Shots,
    units: Floats,
    path: CameraPath,
    frame_of_face: npt.ArrayLike,
    boxes: npt.ArrayLike,
) -> Views:
    """Which shots show what an earlier one did, for m frames at `times` (m,), s.

    `units` (m, d) are `tracking.shots.unit_layouts`; `path` was estimated with the `shots`; `boxes` (n, 4), px, are
    the faces of the frames `frame_of_face` (n,), in order of frame. A view returns where the layouts are alike and
    the faces, where there are some on both sides, are not all in other places.
    """
    frame, boxes = np.asarray(frame_of_face, np.int64), np.asarray(boxes, np.float64).reshape(-1, 4)
    rows = np.searchsorted(frame, np.arange(len(times) + 1))
    of_frame, of_shot = shots.of_frame, np.zeros(len(shots), np.int64)
    usable = units.any(axis=1) & ~shots.fading
    known = np.flatnonzero(usable & (of_frame == 0))
    known = known[_apart(times[known])]
    for shot in range(1, len(shots)):
        inside = np.flatnonzero(usable & (of_frame == shot))
        opening = inside[times[inside] <= times[shots.start[shot]] + OPENING]
        of_shot[shot] = of_shot[:shot].max() + 1
        for new, old in _alike(units, opening, known):
            faces, faces_before = (boxes[rows[i] : rows[i + 1]] for i in (new, old))
            shift = shift_of_faces(faces, faces_before)
            if _agree(warp_boxes(faces, shift), faces_before):
                of_shot[shot] = of_shot[of_frame[old]]
                onward = compose(compose(invert(path.to_first[new]), shift), path.to_first[old])
                path = path.continued(of_frame == shot, onward)
                break
        known = np.append(known, inside[_apart(times[inside])])
    return Views(of_shot, path)


def _apart(times: Floats) -> Indices:
    """Indices of ascending `times` at least APART from each other."""
    slots = np.floor(times / APART)
    return np.flatnonzero(np.diff(slots, prepend=-1.0) > 0)


def _alike(units: Floats, new: Indices, old: Indices) -> list[tuple[int, int]]:
    """Pairs of frames whose layouts are one view's, a pair for each of `new`, the most similar first."""
    if not len(new) or not len(old):
        return []
    similarity = units[new] @ units[old].T
    nearest = similarity.argmax(axis=1)
    best = similarity[np.arange(len(new)), nearest]
    order = np.argsort(-best, kind="stable")
    return [(int(new[i]), int(old[nearest[i]])) for i in order if best[i] >= SAME_VIEW]


def _agree(boxes: Floats, boxes_before: Floats) -> bool:
    """Whether enough of two frames' faces are in the same places, or too few are there to tell."""
    fewer = min(len(boxes), len(boxes_before))
    if fewer < COMPARED_FACES:
        return True
    places = iou(boxes, boxes_before)
    return int((places.max(axis=0 if len(boxes) > len(boxes_before) else 1) > 0).sum()) >= SAME_PLACES * fewer


def students_of_views(tracks: Tracks, shot_of_track: Indices, view_of_shot: Indices, frames: Indices) -> Students:
    """Students of tracks in several views: `students_of_shots` in each, with no link from one to another.

    `shot_of_track` is (t,) 0, 1, ... s - 1, `view_of_shot` (s,) 0, 1, ... v - 1, and `frames` (v,) the sampled
    frames of each view. Students are numbered by their first face over all views.
    """
    if len(frames) <= 1:
        return students_of_shots(tracks, shot_of_track)
    student = np.full(len(tracks), -1)
    links: list[tuple[Indices, Indices, Floats]] = []
    for view, count in enumerate(frames.tolist()):
        rows = np.flatnonzero(view_of_shot[shot_of_track] == view)
        found = students_of_shots(tracks.take(rows, count), shot_of_track[rows])
        student[rows] = np.where(found.student >= 0, found.student + student.max(initial=-1) + 1, -1)
        links.append((rows[found.link_from], rows[found.link_to], found.link_score))
    link_from, link_to, score = (np.concatenate(column) for column in zip(*links, strict=True))
    return Students(_by_first_face(student, tracks.first_time), link_from, link_to, score)


def _by_first_face(student: Indices, first_time: Floats) -> Indices:
    """(t,) the same students, numbered by the time of their first track; -1 stays."""
    count = int(student.max(initial=-1)) + 1
    first = np.full(count, np.inf)
    np.minimum.at(first, student[student >= 0], first_time[student >= 0])
    number = np.empty(count, np.int64)
    number[np.lexsort((np.arange(count), first))] = np.arange(count)
    return np.append(number, -1)[student]
