"""Students while they are seen: each track is given to one as soon as it is old enough to be told by."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from tracking.camera import STILL, centres, inverse, moved, sizes, then
from tracking.identity import Groups, Room, link_scores
from tracking.similarity import Likeness, weight
from tracking.sort import Tracker
from tracking.tracks import EDGE

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

#: Seconds after which the model of looks is learned anew.
LEARN_EVERY = 30.0
#: Most descriptors of a track, and most tracks, that it is learned from.
MOST_LOOKS, MOST_TRACKS = 60, 1000


@dataclass(eq=False)
class _Seen:
    """What is kept of a track, or of a student's tracks put together."""

    first_time: float
    start: list[Floats] = field(default_factory=list)
    end: list[tuple[float, Floats]] = field(default_factory=list)
    looks: list[Floats] = field(default_factory=list)
    look: Floats | None = None
    """Mean of the tracks' looks, of this weight."""
    weight: float = 0.0
    faces: int = 0
    last_time: float = 0.0

    def see(self, time: float, place: Floats) -> None:
        self.faces += 1
        self.last_time = time
        if time <= self.first_time + EDGE:
            self.start.append(place)
        self.end = [(t, p) for t, p in self.end if t >= time - EDGE]
        self.end.append((time, place))

    def take(self, track: _Seen) -> None:
        """Put where a track was to what is known of its student."""
        self.faces += track.faces
        self.last_time, self.end = track.last_time, track.end

    def judge_look(self) -> None:
        """Sum up the descriptors."""
        self.look, self.weight = np.median(self.looks, axis=0), float(weight(np.array(len(self.looks))))

    def take_look(self, track: _Seen) -> None:
        """Put how a track looked to how its student does."""
        if track.look is not None:
            share = track.weight / (self.weight + track.weight)
            self.look = track.look if self.look is None else self.look + share * (track.look - self.look)
            self.weight += track.weight


class LiveStudents:
    """Follows faces and names their students frame by frame, `delay` seconds after a track's first face.

    What it says is never taken back, so it knows less than `students_of_tracks` does at the session's end. Student
    numbers count up from 0, in order of being told, and none is given twice. The settings are those of `Tracker`.
    """

    def __init__(self, *, delay: float = 2.0, min_hits: int = 5, least_score: float = 1.0, **settings: Any) -> None:
        self.delay = delay
        self.min_hits = min_hits
        self.least_score = least_score
        self._tracker = Tracker(**settings)
        self._path = STILL
        self._seen: dict[int, _Seen] = {}
        self._student: dict[int, int] = {}
        self._students: list[_Seen] = []
        self._looks: deque[list[Floats]] = deque(maxlen=MOST_TRACKS)
        self._likeness = Likeness(np.empty((0, 0), np.uint8), np.empty(0, np.int64), 0)
        self._learned = np.inf

    def update(
        self,
        time: float,
        boxes: npt.ArrayLike,
        scores: npt.ArrayLike | None = None,
        motion: Floats | None = None,
        descriptors: npt.ArrayLike | None = None,
    ) -> Indices:
        """(n,) student of each face of the frame at `time`, -1 while nobody can tell; arguments as for `Tracker`.

        `descriptors` is (n, d) uint8, or None in a frame whose faces were not described.
        """
        boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
        tracks = self._tracker.update(time, boxes, scores, motion)
        self._path = then(inverse(self._tracker.step), self._path)
        unmoved = moved(boxes, self._path)
        places = np.column_stack([centres(unmoved), sizes(unmoved)])
        looks = None if descriptors is None else np.asarray(descriptors, np.float64)
        for face in np.flatnonzero(tracks >= 0):
            number = int(tracks[face])
            seen = self._seen.setdefault(number, _Seen(time))
            seen.see(time, places[face])
            if looks is not None and len(seen.looks) < MOST_LOOKS:
                seen.looks.append(looks[face])
            if number in self._student:
                self._students[self._student[number]].see(time, places[face])
        living = {track.number for track in self._tracker.tracks}
        for number in self._seen.keys() - living:
            self._end(number)
        self._tell(time)
        return np.array([self._student.get(int(number), -1) for number in tracks], np.int64)

    def _end(self, number: int) -> None:
        """Forget a dead track; its student is known to look as it did."""
        seen = self._seen.pop(number)
        if number in self._student and seen.looks:
            seen.judge_look()
            self._students[self._student[number]].take_look(seen)

    def _tell(self, time: float) -> None:
        """Give a student to every track that is old enough."""

        from scipy.optimize import linear_sum_assignment

        ready = [
            number
            for number, seen in self._seen.items()
            if number not in self._student and seen.faces >= self.min_hits and time >= seen.first_time + self.delay
        ]
        if not ready:
            return
        new = [self._seen[number] for number in ready]
        for one in new:
            if one.looks:
                one.judge_look()
                self._looks.append(one.looks)  # which goes on to grow
        self._learn(time)
        chosen = np.full(len(new), -1)
        if self._students:
            students = _groups(self._students, self._likeness)
            score = link_scores(students, _groups(new, self._likeness), self._room(students), self._likeness)
            present = students.last_time[:, None] >= np.array([one.first_time for one in new])
            score[present] = -1e6  # nobody is in two places
            rows, columns = linear_sum_assignment(score, maximize=True)
            good = score[rows, columns] >= self.least_score
            chosen[columns[good]] = rows[good]
        for number, one, student in zip(ready, new, chosen.tolist(), strict=True):
            if student < 0:
                student = len(self._students)
                self._students.append(_Seen(one.first_time, start=one.start))
            self._student[number] = student
            self._students[student].take(one)

    def _learn(self, time: float) -> None:
        self._learned = min(self._learned, time)
        if self._looks and time >= self._learned + LEARN_EVERY:
            track = np.repeat(np.arange(len(self._looks)), [len(looks) for looks in self._looks])
            self._likeness = Likeness(np.concatenate(self._looks).astype(np.uint8), track, len(self._looks))
            self._learned = time

    def _room(self, students: Groups) -> Room:
        low, high = np.percentile(students.place[:, :2], [5, 95], axis=0)
        area = float(np.prod((high - low) / np.median(students.place[:, 2]) + 2))
        return Room(max(area, 20.0), max(len(self._students), 2))


def _groups(seen: list[_Seen], likeness: Likeness) -> Groups:
    start = np.array([np.median(one.start, axis=0) for one in seen])
    end = np.array([np.median([place for _, place in one.end], axis=0) for one in seen])
    unknown = np.full(len(likeness.centre), np.nan)
    looks = np.array([unknown if one.look is None or not len(unknown) else one.look for one in seen])
    return Groups(
        first_time=np.array([one.first_time for one in seen]),
        last_time=np.array([one.last_time for one in seen]),
        start=start,
        end=end,
        place=end,
        faces=np.array([one.faces for one in seen], np.float64),
        look=likeness.project(looks),
        weight=np.array([one.weight for one in seen]),
    )
