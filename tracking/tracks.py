"""Tracks as columns: time, place without camera motion, and appearance of each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tracking.camera import centres, sizes
from tracking.confirmation import sampling_interval
from tracking.path import CameraPath

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

#: Seconds at either end of a track whose median is where it started or ended: long enough to average out swaying.
EDGE = 2.0


@dataclass(frozen=True, eq=False)
class Tracks:
    """t tracks in order of number. Places are (x, y, size) in px of the first frame, without camera motion."""

    first_time: Floats
    """(t,) seconds."""
    last_time: Floats
    """(t,) seconds."""
    faces: Indices
    """(t,) number of faces."""
    start: Floats
    """(t, 3) median place of its first EDGE seconds."""
    end: Floats
    """(t, 3) median place of its last EDGE seconds."""
    place: Floats
    """(t, 3) median place."""
    deviation: Floats
    """(t,) median absolute deviation: the median distance from its place, in face sizes."""
    score: Floats
    """(t,) mean score of its faces."""
    appearance: Floats
    """(t, d) median of its descriptors; NaN if it has none."""
    descriptors: Indices
    """(t,) number of its descriptors."""
    sample_track: Indices
    """(s,) track of each descriptor, ascending."""
    sample: npt.NDArray[np.uint8]
    """(s, d) the descriptors themselves."""

    frames: int
    """Sampled frames of the session, with and without faces."""
    interval: float
    """Seconds from one to the next."""
    shared: csr_array
    """(t, t) int32 number of frames in which both of two tracks have a face; the diagonal is `faces`."""

    def __len__(self) -> int:
        return len(self.faces)

    def take(self, rows: Indices, frames: int) -> Tracks:
        """The tracks `rows` (r,), ascending, numbered anew, as if the session had only so many `frames`."""
        number = np.full(len(self), -1)
        number[rows] = np.arange(len(rows))
        sampled = number[self.sample_track] >= 0
        own = ("first_time", "last_time", "faces", "start", "end", "place", "deviation", "score", "appearance")
        return replace(
            self,
            **{name: getattr(self, name)[rows] for name in (*own, "descriptors")},
            sample_track=number[self.sample_track][sampled],
            sample=self.sample[sampled],
            frames=frames,
            shared=self.shared[rows][:, rows],
        )


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
    """One row for each track of `tracks` (n,), which `tracking.sort.track` gave to the same faces.

    Arguments as for `tracking.sort.track`. `descriptors` is (s, d) uint8, of the s faces for which `described` (n,)
    is true (all, by default); raises ValueError if there are not as many.
    """
    times = np.asarray(frame_times, np.float64)
    frame, track = np.asarray(frame_of_face, np.int64), np.asarray(tracks, np.int64)
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    scores = np.ones(len(boxes)) if scores is None else np.asarray(scores, np.float64)
    sample = np.empty((0, 0), np.uint8) if descriptors is None else np.asarray(descriptors, np.uint8)
    has_descriptor = (
        np.full(len(boxes), descriptors is not None) if described is None else np.asarray(described, bool)
    )
    if descriptors is not None and len(sample) != has_descriptor.sum():
        raise ValueError(f"{len(sample)} descriptors of {has_descriptor.sum()} faces")
    row_of_sample = np.cumsum(has_descriptor) - 1

    if motion is not None:
        by_frame = np.argsort(frame, kind="stable")
        boxes = CameraPath.estimate(motion, frame[by_frame], boxes[by_frame]).boxes_in_first(boxes, frame)
    places = np.column_stack([centres(boxes), sizes(boxes)])

    order = np.lexsort((frame, track))
    order = order[track[order] >= 0]
    count = int(track.max(initial=-1)) + 1
    starts = np.searchsorted(track[order], np.arange(count + 1))
    faces_of_track = [order[starts[i] : starts[i + 1]] for i in range(count)]
    time = times[frame]
    start, end, place, deviation = _median_places(faces_of_track, places, time)
    described_faces = [faces[has_descriptor[faces]] for faces in faces_of_track]
    flat = np.concatenate([*described_faces, np.empty(0, np.int64)])
    return Tracks(
        first_time=np.array([time[faces[0]] for faces in faces_of_track]),
        last_time=np.array([time[faces[-1]] for faces in faces_of_track]),
        faces=np.diff(starts),
        start=start,
        end=end,
        place=place,
        deviation=deviation,
        score=np.array([scores[faces].mean() for faces in faces_of_track], np.float64),
        appearance=_median_appearance([sample[row_of_sample[faces]] for faces in described_faces], sample.shape[1]),
        descriptors=np.array([len(faces) for faces in described_faces], np.int64),
        sample_track=track[flat],
        sample=sample[row_of_sample[flat]],
        frames=len(times),
        interval=sampling_interval(times),
        shared=_shared(frame[order], track[order], len(times), count),
    )


def _median_places(
    faces_of_track: list[Indices], places: Floats, time: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Of t tracks: `start`, `end` and `place` (t, 3), and `deviation` (t,), as `Tracks` describes them.

    `places` (n, 3) and `time` (n,) are those of all faces, `faces_of_track` the indices of each track's faces.
    """
    count = len(faces_of_track)
    start, end, place = np.empty((count, 3)), np.empty((count, 3)), np.empty((count, 3))
    deviation = np.empty(count)
    for i, faces in enumerate(faces_of_track):
        track_places, track_times = places[faces], time[faces]
        start[i] = np.median(track_places[track_times <= track_times[0] + EDGE], axis=0)
        end[i] = np.median(track_places[track_times >= track_times[-1] - EDGE], axis=0)
        place[i] = np.median(track_places, axis=0)
        deviation[i] = np.median(np.hypot(*(track_places - place[i])[:, :2].T)) / place[i, 2]
    return start, end, place, deviation


def _median_appearance(samples: list[npt.NDArray[np.uint8]], length: int) -> Floats:
    """(t, length) median of each track's descriptors, (s, length); NaN for a track without any."""
    appearance = np.full((len(samples), length), np.nan)
    for i, sample in enumerate(samples):
        if len(sample):
            appearance[i] = np.median(sample, axis=0)
    return appearance


def _shared(frame: Indices, track: Indices, frames: int, tracks: int) -> csr_array:
    """(tracks, tracks) int32 number of frames in which both tracks have a face."""
    from scipy.sparse import csr_array

    present = csr_array((np.ones(len(frame), np.int32), (frame, track)), shape=(frames, tracks))
    return csr_array(present.T @ present)
