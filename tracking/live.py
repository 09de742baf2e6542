"""Online student labels during analysis; once assigned, a label is never changed."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from tracking.camera import IDENTITY, centres, compose, invert, sizes, warp_boxes
from tracking.confirmation import SPAN, faces_needed, sampling_interval
from tracking.identity import LinkPrior, TrackletClusters, link_scores
from tracking.similarity import AppearanceSimilarity, mean_weight
from tracking.sort import Tracker
from tracking.tracks import EDGE

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

#: Seconds after which the model of appearance is learned again.
LEARN_EVERY = 30.0
#: Most descriptors of a track, and most tracks, that it is learned from.
MAX_DESCRIPTORS, MAX_TRACKS = 60, 1000
#: Score of a link between a student and a track of the same time: a student is in one place.
IMPOSSIBLE = -1e6


@dataclass(eq=False)
class _History:
    """The summary of a track, or of a student's tracks; places are (3,) x, y, size in px of the first frame."""

    first_time: float
    start: list[Floats] = field(default_factory=list)
    """Places of the first EDGE seconds."""
    end: list[tuple[float, Floats]] = field(default_factory=list)
    """Times and places of the last EDGE seconds."""
    descriptors: list[Floats] = field(default_factory=list)
    appearance: Floats | None = None
    """(d,) mean over the tracks, of this weight."""
    weight: float = 0.0
    faces: int = 0
    last_time: float = 0.0

    def add_face(self, time: float, place: Floats) -> None:
        self.faces += 1
        self.last_time = time
        if time <= self.first_time + EDGE:
            self.start.append(place)
        self.end = [(t, p) for t, p in self.end if t >= time - EDGE]
        self.end.append((time, place))

    def add_track(self, track: _History) -> None:
        """Continue a student's history with that of a track."""
        self.faces += track.faces
        self.last_time, self.end = track.last_time, track.end

    def summarise_appearance(self) -> None:
        """Reduce a track's descriptors to their median."""
        self.appearance = np.median(self.descriptors, axis=0)
        self.weight = float(mean_weight(np.array(len(self.descriptors))))

    def add_appearance(self, track: _History) -> None:
        """Add a track's appearance to the mean of its student."""
        if track.appearance is not None:
            share = track.weight / (self.weight + track.weight)
            if self.appearance is None:
                self.appearance = track.appearance
            else:
                self.appearance = self.appearance + share * (track.appearance - self.appearance)
            self.weight += track.weight


class LiveStudents:
    """Tracks faces and assigns them to students frame by frame, `delay` seconds after a track's first face.

    An assignment is never changed, so less is known than `students_of_tracks` knows at the end of a session.
    Students are numbered from 0 in order of assignment, and no number is used twice. `settings` are those of
    `Tracker`; `least_score` is the least score of a link to a student, `min_hits` the fewest faces of a
    track at 5 frames a second (`tracking.confirmation`).
    """

    def __init__(self, *, delay: float = 2.0, min_hits: int = 5, least_score: float = 1.0, **settings: Any) -> None:
        self.delay = delay
        self.min_hits = min_hits
        self.least_score = least_score
        self._tracker = Tracker(**settings)
        self._path = IDENTITY
        self._tracks: dict[int, _History] = {}
        """Tracks that have not ended, by number."""
        self._student: dict[int, int] = {}
        """Student of each track, by number."""
        self._students: list[_History] = []
        self._first = 0
        """The first student since the last cut."""
        self._descriptors: deque[list[Floats]] = deque(maxlen=MAX_TRACKS)
        self._similarity = AppearanceSimilarity(np.empty((0, 0), np.uint8), np.empty(0, np.int64), 0)
        self._learned = np.inf
        self._times: deque[float] = deque(maxlen=2 * SPAN)

    def cut(self) -> None:
        """End all tracks, and link none of later frames to a student of before: the picture is another one.

        Whether a view returns is known only later, so that its students get new numbers.
        """
        self._tracker.cut()
        for number in list(self._tracks):
            self._end_track(number)
        self._path, self._first = IDENTITY, len(self._students)

    def update(
        self,
        time: float,
        boxes: npt.ArrayLike,
        scores: npt.ArrayLike | None = None,
        motion: Floats | None = None,
        descriptors: npt.ArrayLike | None = None,
    ) -> Indices:
        """(n,) student of each face of the frame at `time` (s), -1 while unknown; see also `Tracker.update`.

        `descriptors` is (n, d) uint8, or None in a frame whose faces were not described.
        """
        boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
        self._times.append(time)
        numbers = self._tracker.update(time, boxes, scores, motion)
        self._path = compose(invert(self._tracker.step), self._path)
        boxes = warp_boxes(boxes, self._path)
        places = np.column_stack([centres(boxes), sizes(boxes)])
        samples = None if descriptors is None else np.asarray(descriptors, np.float64)
        for face in np.flatnonzero(numbers >= 0):
            number = int(numbers[face])
            track = self._tracks.setdefault(number, _History(time))
            track.add_face(time, places[face])
            if samples is not None and len(track.descriptors) < MAX_DESCRIPTORS:
                track.descriptors.append(samples[face])
            if number in self._student:
                self._students[self._student[number]].add_face(time, places[face])
        active = {track.number for track in self._tracker.tracks}
        for number in self._tracks.keys() - active:
            self._end_track(number)
        self._assign_students(time)
        return np.array([self._student.get(int(number), -1) for number in numbers], np.int64)

    def _end_track(self, number: int) -> None:
        """Drop a track that has ended; its appearance counts for its student from now on."""
        track = self._tracks.pop(number)
        if number in self._student and track.descriptors:
            track.summarise_appearance()
            self._students[self._student[number]].add_appearance(track)

    def _assign_students(self, time: float) -> None:
        """Assign a student to every track that is long enough."""
        from scipy.optimize import linear_sum_assignment

        needed = faces_needed(self.min_hits, sampling_interval(self._times))
        ready = [
            number
            for number, track in self._tracks.items()
            if number not in self._student and track.faces >= needed and time >= track.first_time + self.delay
        ]
        if not ready:
            return
        tracks = [self._tracks[number] for number in ready]
        for track in tracks:
            if track.descriptors:
                track.summarise_appearance()
                self._descriptors.append(track.descriptors)  # the list itself, which still grows
        self._learn(time)
        assigned = np.full(len(tracks), -1)
        if len(self._students) > self._first:
            students = _clusters(self._students[self._first :], self._similarity)
            candidates = _clusters(tracks, self._similarity)
            score = link_scores(students, candidates, self._prior(students), self._similarity)
            score[students.last_time[:, None] >= candidates.first_time] = IMPOSSIBLE
            rows, columns = linear_sum_assignment(score, maximize=True)
            good = score[rows, columns] >= self.least_score
            assigned[columns[good]] = rows[good] + self._first
        for number, track, student in zip(ready, tracks, assigned.tolist(), strict=True):
            if student < 0:
                student = len(self._students)
                self._students.append(_History(track.first_time, start=track.start))
            self._student[number] = student
            self._students[student].add_track(track)

    def _learn(self, time: float) -> None:
        """Learn the model of appearance again, every LEARN_EVERY seconds from the first descriptors on."""
        self._learned = min(self._learned, time)
        if self._descriptors and time >= self._learned + LEARN_EVERY:
            track = np.repeat(np.arange(len(self._descriptors)), [len(rows) for rows in self._descriptors])
            sample = np.concatenate(self._descriptors).astype(np.uint8)
            self._similarity = AppearanceSimilarity(sample, track, len(self._descriptors))
            self._learned = time

    def _prior(self, students: TrackletClusters) -> LinkPrior:
        low, high = np.percentile(students.place[:, :2], [5, 95], axis=0)
        area = float(np.prod((high - low) / np.median(students.place[:, 2]) + 2))
        return LinkPrior(max(area, 20.0), max(len(self._students) - self._first, 2))


def _clusters(histories: list[_History], similarity: AppearanceSimilarity) -> TrackletClusters:
    start = np.array([np.median(history.start, axis=0) for history in histories])
    end = np.array([np.median([place for _, place in history.end], axis=0) for history in histories])
    unknown = np.full(len(similarity.centre), np.nan)
    appearance = np.array(
        [unknown if h.appearance is None or not len(unknown) else h.appearance for h in histories]
    )
    return TrackletClusters(
        first_time=np.array([history.first_time for history in histories]),
        last_time=np.array([history.last_time for history in histories]),
        start=start,
        end=end,
        place=end,
        faces=np.array([history.faces for history in histories], np.float64),
        appearance=similarity.project(appearance),
        weight=np.array([history.weight for history in histories]),
    )
