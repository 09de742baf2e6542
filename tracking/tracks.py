"""Tracks as columns: where and when each was, in the room's coordinates, and what it looked like."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tracking.camera import camera_path, centres, moved, sizes

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

#: Seconds at either end of a track whose median says where it began and ended: long enough to even out a sway.
EDGE = 2.0


@dataclass(frozen=True, eq=False)
class Tracks:
    """t tracks in order of number. Places are (x, y, size) in px of the first frame: no camera moved in them."""

    first_time: Floats
    """(t,) seconds."""
    last_time: Floats
    faces: Indices
    """(t,)"""
    start: Floats
    """(t, 3) median place of its first EDGE seconds."""
    end: Floats
    """(t, 3) median place of its last EDGE seconds."""
    place: Floats
    """(t, 3) median place."""
    spread: Floats
    """(t,) median distance from its place, in face sizes."""
    score: Floats
    """(t,) mean score of its faces."""
    look: Floats
    """(t, d) median of its descriptors; NaN if it has none."""
    looks: Indices
    """(t,) number of descriptors behind it."""
    sample_track: Indices
    """(s,) and the descriptors themselves: which track's, in order of track,"""
    sample: npt.NDArray[np.uint8]
    """(s, d) and what they were."""

    frames: int
    """Sampled frames of the session, with and without faces."""
    shared: csr_array
    """(t, t) int32 number of frames in which both of two tracks have a face; the diagonal is `faces`."""

    def __len__(self) -> int:
        return len(self.faces)

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """The rows under the names of a table: a dict of (t,) arrays, without the descriptors."""
        plain = ("first_time", "last_time", "faces", "spread", "score", "looks")
        columns: dict[str, npt.NDArray[Any]] = {"track": np.arange(len(self))}
        columns |= {field.name: getattr(self, field.name) for field in fields(self) if field.name in plain}
        return columns | {"x": self.place[:, 0], "y": self.place[:, 1], "size": self.place[:, 2]}


def tracks_table(
    frame_times: npt.ArrayLike,
    frame_of_face: npt.ArrayLike,
    boxes: npt.ArrayLike,
    tracks: npt.ArrayLike,
    scores: npt.ArrayLike | None = None,
    *,
    motion: npt.ArrayLike | None = None,
    descriptors: npt.ArrayLike | None = None,
    described: npt.ArrayLike | None = None,
) -> Tracks:
    """One row for each track of `tracks` (n,), as `follow` gave it to the same faces.

    `descriptors` is (s, d) uint8, of the s faces for which `described` (n,) is true (all, by default).
    """
    times = np.asarray(frame_times, np.float64)
    frame, track = np.asarray(frame_of_face, np.int64), np.asarray(tracks, np.int64)
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    scores = np.ones(len(boxes)) if scores is None else np.asarray(scores, np.float64)
    looks = np.empty((0, 0), np.uint8) if descriptors is None else np.asarray(descriptors, np.uint8)
    has_look = np.full(len(boxes), descriptors is not None) if described is None else np.asarray(described, bool)
    if descriptors is not None and len(looks) != has_look.sum():
        raise ValueError(f"{len(looks)} descriptors of {has_look.sum()} faces")
    row_of_look = np.cumsum(has_look) - 1

    still = boxes
    if motion is not None:
        by_frame = np.argsort(frame, kind="stable")
        still = moved(boxes, camera_path(motion, len(times), frame[by_frame], boxes[by_frame])[frame])
    places = np.column_stack([centres(still), sizes(still)])

    order = np.lexsort((frame, track))
    order = order[track[order] >= 0]
    count = int(track.max(initial=-1)) + 1
    starts = np.searchsorted(track[order], np.arange(count + 1))
    rows = [order[starts[i] : starts[i + 1]] for i in range(count)]
    time = times[frame]
    start, end, place = np.empty((count, 3)), np.empty((count, 3)), np.empty((count, 3))
    spread, score, look = np.empty(count), np.empty(count), np.full((count, looks.shape[1]), np.nan)
    samples = [own[has_look[own]] for own in rows]
    for i, own in enumerate(rows):
        here, when = places[own], time[own]
        start[i] = np.median(here[when <= when[0] + EDGE], axis=0)
        end[i] = np.median(here[when >= when[-1] - EDGE], axis=0)
        place[i] = np.median(here, axis=0)
        spread[i] = np.median(np.hypot(*(here - place[i])[:, :2].T)) / place[i, 2]
        score[i] = scores[own].mean()
        if len(samples[i]):
            look[i] = np.median(looks[row_of_look[samples[i]]], axis=0)
    flat = np.concatenate([*samples, np.empty(0, np.int64)])
    return Tracks(
        first_time=np.array([time[own[0]] for own in rows]),
        last_time=np.array([time[own[-1]] for own in rows]),
        faces=np.diff(starts),
        start=start,
        end=end,
        place=place,
        spread=spread,
        score=score,
        look=look,
        looks=np.array([len(own) for own in samples], np.int64),
        sample_track=track[flat],
        sample=looks[row_of_look[flat]],
        frames=len(times),
        shared=_shared(frame[order], track[order], len(times), count),
    )


def _shared(frame: Indices, track: Indices, frames: int, tracks: int) -> csr_array:
    from scipy.sparse import csr_array

    present = csr_array((np.ones(len(frame), np.int32), (frame, track)), shape=(frames, tracks))
    return csr_array(present.T @ present)
