"""Tracks to students: which tracks are one person's, by seat, size, time and look; never two of them at once."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from tracking.similarity import Likeness, weight
from tracking.tracks import Tracks

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

#: Seconds of the stretches in which tracks are joined first; joined stretches are then joined two by two.
STRETCH = 60.0
#: Chance that somebody who was out of sight is seen again in another place.
MOVES = 0.01
#: Least score of a link that is made before the whole session has been looked at: a better one may still come.
SURE = 5.0
#: What a frame in which both of two tracks have a face takes off the score that they are one person's: not all,
#: since where people cross, a track may end with a face of somebody else.
SHARED_FRAME = 1.0


@dataclass(frozen=True, eq=False)
class Students:
    """Who is who. A link's score is the log of the odds that its two groups of tracks are one person's."""

    student: Indices
    """(t,) student of each track, 0, 1, ... by their first face; -1 for tracks too slight to be anybody's."""
    link_from: Indices
    """(k,) first track of the group that was joined,"""
    link_to: Indices
    """(k,) first track of the group that it was joined to,"""
    link_score: Floats
    """(k,) and the score."""


@dataclass(eq=False)
class Groups:
    """c groups of tracks, as columns: what a link's score looks at."""

    first_time: Floats
    last_time: Floats
    start: Floats
    end: Floats
    place: Floats
    faces: Floats
    look: Floats
    weight: Floats

    @classmethod
    def of(cls, tracks: Tracks, likeness: Likeness) -> Self:
        """Every track a group of its own."""
        return cls(
            first_time=tracks.first_time.copy(),
            last_time=tracks.last_time.copy(),
            start=tracks.start.copy(),
            end=tracks.end.copy(),
            place=tracks.place.copy(),
            faces=tracks.faces.astype(np.float64),
            look=likeness.project(tracks.look),
            weight=weight(tracks.looks),
        )

    def take(self, rows: Indices) -> Groups:
        """The groups of `rows`, copied."""
        return Groups(*(getattr(self, field.name)[rows] for field in fields(self)))

    def put(self, rows: Indices, groups: Groups) -> None:
        """Put `groups` back where `take` had them from."""
        for field in fields(self):
            getattr(self, field.name)[rows] = getattr(groups, field.name)

    def join(self, i: int, j: int) -> None:
        """Let group `i` have what group `j` has."""
        if self.first_time[j] < self.first_time[i]:
            self.first_time[i], self.start[i] = self.first_time[j], self.start[j]
        if self.last_time[j] > self.last_time[i]:
            self.last_time[i], self.end[i] = self.last_time[j], self.end[j]
        share = self.faces[j] / (self.faces[i] + self.faces[j])
        self.place[i] += share * (self.place[j] - self.place[i])
        self.faces[i] += self.faces[j]
        if self.weight[j] > 0:
            share = self.weight[j] / (self.weight[i] + self.weight[j])
            self.look[i] += share * (self.look[j] - self.look[i])
            self.weight[i] += self.weight[j]


@dataclass(frozen=True)
class Room:
    """What a link's score is measured against: the room is `area` face sizes² large and holds `people`."""

    area: float
    people: int

    @classmethod
    def of(cls, tracks: Tracks) -> Self:
        """The room that the tracks were seen in."""
        if not len(tracks):
            return cls(20.0, 2)
        low, high = np.percentile(tracks.place[:, :2], [5, 95], axis=0)
        area = np.prod((high - low) / np.median(tracks.place[:, 2]) + 2)
        time = np.concatenate([tracks.first_time, tracks.last_time])
        change = np.repeat([1, -1], len(tracks))
        present = np.cumsum(change[np.lexsort((-change, time))])
        return cls(max(float(area), 20.0), max(int(present.max()), 2))


def students_of_tracks(tracks: Tracks, *, least_score: float = 1.0, least_faces: int | None = None) -> Students:
    """Join tracks to students over the whole session; a pure function of the rows.

    The best link of all is made first, in stretches of a minute, then between two minutes, four, ...; time and
    memory are linear in the length of the session. No link under `least_score` is made, and a group of fewer than
    `least_faces` faces (by default 2 % of the frames, from 5 to 30) is nobody. Tracks of one student may share a
    frame where people crossed: `faces_of_students` then gives the face to one of them.
    """

    from scipy.sparse import csr_array

    owner = np.arange(len(tracks))
    likeness = Likeness(tracks.sample, tracks.sample_track, len(tracks))
    groups, room = Groups.of(tracks, likeness), Room.of(tracks)
    links: list[tuple[int, int, float]] = []
    span, end = STRETCH, tracks.last_time.max(initial=0.0)
    while True:
        joined = csr_array((np.ones(len(owner), np.int32), (np.arange(len(owner)), owner)), shape=2 * owner.shape)
        shared = csr_array(joined.T @ tracks.shared @ joined)
        roots = np.unique(owner)
        stretch = np.floor(groups.first_time[roots] / span)
        for members in np.split(roots, np.flatnonzero(np.diff(stretch)) + 1) if len(roots) else []:
            links += _join(
                groups, members, shared, room, likeness, least_score if span > end else max(least_score, SURE)
            )
        owner = _owners(len(tracks), links)
        if span > end:
            break
        span *= 2
    if least_faces is None:
        least_faces = min(max(5, tracks.frames // 50), 30)
    ends = np.array([(a, b) for a, b, _ in links], np.int64).reshape(-1, 2)
    return Students(_named(owner, tracks, least_faces), ends[:, 0], ends[:, 1], np.array([s for *_, s in links]))


def faces_of_students(frame_of_face: npt.ArrayLike, tracks: npt.ArrayLike, student: npt.ArrayLike) -> Indices:
    """(n,) student of every face, -1 for none, from its track (n,) and each track's student (t,).

    Where two tracks of a student have a face in one frame, the longer track's is the student's and the other's is
    nobody's.
    """
    frame, track = np.asarray(frame_of_face, np.int64), np.asarray(tracks, np.int64)
    of_face = np.append(np.asarray(student, np.int64), -1)[track]
    length = np.append(np.bincount(track[track >= 0], minlength=len(of_face)), 0)[track]
    order = np.lexsort((track, -length, of_face, frame))
    same = (np.diff(frame[order]) == 0) & (np.diff(of_face[order]) == 0)
    of_face[order[1:][same]] = -1
    return of_face


def link_scores(a: Groups, b: Groups, room: Room, likeness: Likeness) -> Floats:
    """(n, m) log odds that a group of `a` and one of `b` are one person, whatever frames they share.

    The odds before any evidence are one in the number of people. Then: where the later one begins, from where the
    earlier one ended, in face sizes, against anywhere in the room (or a move to another place); the size; the look.
    """
    a_first = a.last_time[:, None] < b.first_time[None, :]
    b_first = b.last_time[None, :] < a.first_time[:, None]
    gap = np.full(a_first.shape, STRETCH)  # of groups that interleave
    gap = np.where(a_first, b.first_time[None, :] - a.last_time[:, None], gap)
    gap = np.where(b_first, a.first_time[:, None] - b.last_time[None, :], gap)
    from_a = np.where(
        a_first[..., None], a.end[:, None], np.where(b_first[..., None], a.start[:, None], a.place[:, None])
    )
    from_b = np.where(a_first[..., None], b.start[None], np.where(b_first[..., None], b.end[None], b.place[None]))
    size = np.sqrt(from_a[..., 2] * from_b[..., 2])
    distance = ((from_a - from_b)[..., :2] ** 2).sum(axis=-1) / size**2
    # Heads sway by a quarter of a face, and within seconds come to sit half a face from where they were; one time
    # in ten, more.
    variance = 0.25**2 + 0.45**2 * (1 - np.exp(-gap / 5.0))
    seat = 0.9 * _normal2(distance, variance) + 0.1 * _normal2(distance, 6 * variance)
    larger = np.log(from_a[..., 2] / from_b[..., 2]) ** 2
    like_size = 0.9 * _likelier(larger, 0.1**2, 0.4**2) + 0.1 * _likelier(larger, 0.3**2, 0.4**2)
    ratio = (1 - MOVES) * seat * room.area * like_size + MOVES
    scores: Floats = np.log(ratio) - np.log(room.people) + likeness.score(a.look, a.weight, b.look, b.weight)
    return scores


def _join(
    groups: Groups, members: Indices, shared: csr_array, room: Room, likeness: Likeness, least: float
) -> list[tuple[int, int, float]]:
    """Make the links between `members`, best first; returns them as (joined, to, score)."""
    own = groups.take(members)
    together = shared[members][:, members].toarray().astype(np.float64)
    alone = np.eye(len(members), dtype=bool)
    score = link_scores(own, own, room, likeness) - SHARED_FRAME * together
    score[alone] = -np.inf
    best = score.argmax(axis=1)
    top = score[np.arange(len(best)), best]
    links = []
    while len(top) > 1 and top.max() >= least:
        i = int(top.argmax())
        i, j = sorted((i, int(best[i])))
        links.append((int(members[j]), int(members[i]), float(score[i, j])))
        own.join(i, j)
        together[i] += together[j]
        together[:, i] += together[:, j]
        row = link_scores(own.take(np.array([i])), own, room, likeness)[0] - SHARED_FRAME * together[i]
        row[score[i] == -np.inf] = -np.inf  # itself, and whoever was joined before
        row[j] = -np.inf
        score[i], score[:, i] = row, row
        score[j], score[:, j] = -np.inf, -np.inf
        again = (best == i) | (best == j)
        again[i] = True
        better = row > top
        best[better], top[better] = i, row[better]
        best[again] = score[again].argmax(axis=1)
        top[again] = score[again, best[again]]
    groups.put(members, own)
    return links


def _owners(tracks: int, links: list[tuple[int, int, float]]) -> Indices:
    """(t,) first track of the group that each track is in."""
    owner = np.arange(tracks)
    for joined, to, _ in links:
        owner[joined] = to
    while (owner[owner] != owner).any():
        owner = owner[owner]
    return owner


def _named(owner: Indices, tracks: Tracks, least_faces: int) -> Indices:
    """(t,) 0, 1, ... by the first face of each group that has enough faces, else -1."""
    faces = np.bincount(owner, tracks.faces, minlength=len(owner))
    first = np.full(len(owner), np.inf)
    np.minimum.at(first, owner, tracks.first_time)
    roots = np.flatnonzero(faces >= least_faces) if len(owner) else owner
    name = np.full(len(owner), -1)
    name[roots[np.lexsort((roots, first[roots]))]] = np.arange(len(roots))
    return name[owner]


def _likelier(square: Floats, variance: float, other: float) -> Floats:
    """The normal density of one variance over that of another, also where both are too small for a number."""
    ratio: Floats = np.exp(-square * (1 / variance - 1 / other) / 2) * np.sqrt(other / variance)
    return ratio


def _normal2(square: Floats, variance: Floats) -> Floats:
    density: Floats = np.exp(-square / (2 * variance)) / (2 * np.pi * variance)
    return density
