"""Re-identification: tracks are clustered to students by seat, size, time and appearance."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from tracking.association import match
from tracking.confirmation import faces_of_student
from tracking.similarity import VARIANCE_ACROSS_SHOTS, AppearanceSimilarity, mean_weight
from tracking.tracks import Tracks

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

#: Seconds of the intervals within which tracks are linked first; intervals are then joined two by two.
INTERVAL = 60.0
#: Probability that a student who was not detected for a while reappears in another place.
RELOCATION = 0.01
#: Least score of a link made before the whole session has been compared, since a better one may still come.
EARLY_LINK_SCORE = 5.0
#: Subtracted from a link's score for every frame in which both tracks have a face: most likely two persons, but
#: where people cross, a track may end with another person's face.
SHARED_FRAME = 1.0
#: What a score says of being right, as log odds: so much of it, and so much before it. Place and looks at several
#: times are not independent, and of links that are made most are right. Fitted; docs/identity.md says on what.
SLOPE, INTERCEPT = 0.24, 1.96


@dataclass(frozen=True, eq=False)
class Students:
    """Students of t tracks, and the k links between them. A score is the log odds that both ends are one person."""

    student: Indices
    """(t,) student of each track, 0, 1, ... by their first face; -1 for clusters with too few faces."""
    link_from: Indices
    """(k,) first track of the cluster that was linked."""
    link_to: Indices
    """(k,) first track of the cluster that it was linked to."""
    link_score: Floats
    """(k,) score of the link."""


@dataclass(eq=False)
class TrackletClusters:
    """c clusters of tracks, as columns: what the score of a link depends on."""

    first_time: Floats
    """(c,) seconds."""
    last_time: Floats
    """(c,) seconds."""
    start: Floats
    """(c, 3) place (x, y, size) at the first face, px; so are `end`, at the last, and `place`, on average."""
    end: Floats
    place: Floats
    faces: Floats
    """(c,) number of faces."""
    appearance: Floats
    """(c, k) projected mean appearance."""
    weight: Floats
    """(c,) its weight, as `tracking.similarity.mean_weight` defines it."""

    @classmethod
    def of(cls, tracks: Tracks, similarity: AppearanceSimilarity) -> Self:
        """Every track a cluster of its own."""
        return cls(
            first_time=tracks.first_time.copy(),
            last_time=tracks.last_time.copy(),
            start=tracks.start.copy(),
            end=tracks.end.copy(),
            place=tracks.place.copy(),
            faces=tracks.faces.astype(np.float64),
            appearance=similarity.project(tracks.appearance),
            weight=mean_weight(tracks.descriptors),
        )

    def take(self, rows: Indices) -> TrackletClusters:
        """A copy of the clusters `rows` (r,)."""
        return TrackletClusters(*(getattr(self, field.name)[rows] for field in fields(self)))

    def put(self, rows: Indices, clusters: TrackletClusters) -> None:
        """Replace the clusters `rows` (r,) by `clusters`."""
        for field in fields(self):
            getattr(self, field.name)[rows] = getattr(clusters, field.name)

    def merge(self, i: int, j: int) -> None:
        """Add cluster `j` to cluster `i`; `j` itself stays as it is."""
        if self.first_time[j] < self.first_time[i]:
            self.first_time[i], self.start[i] = self.first_time[j], self.start[j]
        if self.last_time[j] > self.last_time[i]:
            self.last_time[i], self.end[i] = self.last_time[j], self.end[j]
        share = self.faces[j] / (self.faces[i] + self.faces[j])
        self.place[i] += share * (self.place[j] - self.place[i])
        self.faces[i] += self.faces[j]
        if self.weight[j] > 0:
            share = self.weight[j] / (self.weight[i] + self.weight[j])
            self.appearance[i] += share * (self.appearance[j] - self.appearance[i])
            self.weight[i] += self.weight[j]


@dataclass(frozen=True)
class LinkPrior:
    """What is expected of a link before any evidence: one of `people` persons, anywhere in the scene."""

    area: float
    """Extent of the scene in squared face sizes."""
    people: int

    @classmethod
    def of(cls, tracks: Tracks) -> Self:
        """Of the scene in which `tracks` lie: its extent, and the most tracks at one time."""
        if not len(tracks):
            return cls(20.0, 2)
        low, high = np.percentile(tracks.place[:, :2], [5, 95], axis=0)
        area = np.prod((high - low) / np.median(tracks.place[:, 2]) + 2)
        time = np.concatenate([tracks.first_time, tracks.last_time])
        change = np.repeat([1, -1], len(tracks))
        present = np.cumsum(change[np.lexsort((-change, time))])
        return cls(max(float(area), 20.0), max(int(present.max()), 2))


def students_of_tracks(tracks: Tracks, *, least_score: float = 1.0, least_faces: int | None = None) -> Students:
    """Cluster tracks to students over the whole session; a pure function of the rows.

    The best link of all is made first, within intervals of a minute, then of two minutes, four, ...; time and
    memory are linear in the length of the session. No link under `least_score` is made, and a cluster with fewer
    than `least_faces` faces (by default `tracking.confirmation.faces_of_student`) is no student. Tracks of one
    student may share a frame where people crossed: `faces_of_students` then assigns the face to one of them.
    """
    owner = np.arange(len(tracks))
    similarity = AppearanceSimilarity(tracks.sample, tracks.sample_track, len(tracks))
    clusters, prior = TrackletClusters.of(tracks, similarity), LinkPrior.of(tracks)
    links: list[tuple[int, int, float]] = []
    span, end = INTERVAL, tracks.last_time.max(initial=0.0)
    while True:
        shared = _shared(tracks, owner)
        roots = np.unique(owner)
        interval = np.floor(clusters.first_time[roots] / span)
        least = least_score if span > end else max(least_score, EARLY_LINK_SCORE)
        for rows in np.split(roots, np.flatnonzero(np.diff(interval)) + 1) if len(roots) else []:
            links += _link(clusters, rows, shared, prior, similarity, least)
        owner = _owners(len(tracks), links)
        if span > end:
            break
        span *= 2
    return _students(tracks, links, least_faces)


def students_of_shots(tracks: Tracks, shot_of_track: Indices, *, least_score: float = 1.0) -> Students:
    """Cluster tracks to students where a view was shown in several shots, `shot_of_track` (t,) ascending numbers.

    `students_of_tracks` in each shot for itself; then shot by shot each student is one of those before, or a new
    one: the assignment with the highest total score. Last, all of them are compared as the tracks of one shot are:
    who became two in a shot, since the light changed or a track broke off, may be one by what other shots show.
    """
    shots = np.unique(shot_of_track)
    if len(shots) < 2:
        return students_of_tracks(tracks, least_score=least_score)
    similarity = AppearanceSimilarity(tracks.sample, tracks.sample_track, len(tracks), VARIANCE_ACROSS_SHOTS)
    clusters, prior = TrackletClusters.of(tracks, similarity), LinkPrior.of(tracks)
    links: list[tuple[int, int, float]] = []
    known = np.empty(0, np.int64)
    for shot in shots:
        rows = np.flatnonzero(shot_of_track == shot)
        alone = students_of_tracks(tracks.take(rows, tracks.frames), least_score=least_score)
        ends = rows[alone.link_from], rows[alone.link_to]
        for linked, to, score in zip(*(end.tolist() for end in ends), alone.link_score.tolist(), strict=True):
            clusters.merge(to, linked)
            links.append((linked, to, score))
        new = np.setdiff1d(rows, ends[0])
        scores = link_scores(clusters.take(known), clusters.take(new), prior, similarity)
        pairs = match(np.maximum(scores, 0), least_score)  # what is no link anyway must not displace one
        for row, column in zip(pairs.rows, pairs.columns, strict=True):
            clusters.merge(known[row], new[column])
            links.append((int(new[column]), int(known[row]), float(scores[row, column])))
        known = np.append(known, new[pairs.unmatched_columns])
    links += _link(clusters, known, _shared(tracks, _owners(len(tracks), links)), prior, similarity, least_score)
    return _students(tracks, links, None)


def _shared(tracks: Tracks, owner: Indices) -> csr_array:
    """(t, t) frames in which both of two clusters have a face, by the first track of each, `owner` (t,)."""
    from scipy.sparse import csr_array

    members = csr_array((np.ones(len(owner), np.int32), (np.arange(len(owner)), owner)), shape=2 * owner.shape)
    return csr_array(members.T @ tracks.shared @ members)


def _students(tracks: Tracks, links: list[tuple[int, int, float]], least_faces: int | None) -> Students:
    """What the `links` (linked, to, score) make of the tracks; `least_faces` is by default that of the time."""
    if least_faces is None:
        least_faces = faces_of_student(tracks.frames, tracks.interval)
    ends = np.array([(a, b) for a, b, _ in links], np.int64).reshape(-1, 2)
    student = _numbered(_owners(len(tracks), links), tracks, least_faces)
    return Students(student, ends[:, 0], ends[:, 1], np.array([score for *_, score in links]))


def faces_of_students(frame_of_face: npt.ArrayLike, tracks: npt.ArrayLike, student: npt.ArrayLike) -> Indices:
    """(n,) student of every face, -1 for none, from its track (n,) and each track's student (t,).

    Where two tracks of a student have a face in one frame, the face of the longer track is the student's and the
    other one is unassigned.
    """
    frame, track = np.asarray(frame_of_face, np.int64), np.asarray(tracks, np.int64)
    of_face = np.append(np.asarray(student, np.int64), -1)[track]
    length = np.append(np.bincount(track[track >= 0]), 0)[track]  # the last is for -1 itself
    order = np.lexsort((track, -length, of_face, frame))
    repeated = (np.diff(frame[order]) == 0) & (np.diff(of_face[order]) == 0)
    of_face[order[1:][repeated]] = -1
    return of_face


def link_scores(
    a: TrackletClusters, b: TrackletClusters, prior: LinkPrior, similarity: AppearanceSimilarity
) -> Floats:
    """(n, m) log odds that one of the n clusters `a` and one of the m clusters `b` are one person.

    Shared frames do not count here. The prior odds are one in the number of people. The evidence is the distance
    from where the earlier one ended to where the later one starts, in face sizes, against anywhere in the scene (or
    a move to another place), the ratio of sizes, and the appearance.
    """
    a_first = a.last_time[:, None] < b.first_time[None, :]
    b_first = b.last_time[None, :] < a.first_time[:, None]
    gap = np.full(a_first.shape, INTERVAL)  # for clusters that interleave
    gap = np.where(a_first, b.first_time[None, :] - a.last_time[:, None], gap)
    gap = np.where(b_first, a.first_time[:, None] - b.last_time[None, :], gap)
    from_a = np.where(
        a_first[..., None], a.end[:, None], np.where(b_first[..., None], a.start[:, None], a.place[:, None])
    )
    from_b = np.where(a_first[..., None], b.start[None], np.where(b_first[..., None], b.end[None], b.place[None]))
    size = np.sqrt(from_a[..., 2] * from_b[..., 2])
    distance = ((from_a - from_b)[..., :2] ** 2).sum(axis=-1) / size**2
    # Heads sway by a quarter of a face, and within seconds come to rest half a face from where they were; in one
    # case of ten, more.
    variance = 0.25**2 + 0.45**2 * (1 - np.exp(-gap / 5.0))
    seat = 0.9 * _normal_density(distance, variance) + 0.1 * _normal_density(distance, 6 * variance)
    log_ratio = np.log(from_a[..., 2] / from_b[..., 2]) ** 2
    same_size = 0.9 * _density_ratio(log_ratio, 0.1**2, 0.4**2) + 0.1 * _density_ratio(log_ratio, 0.3**2, 0.4**2)
    odds = (1 - RELOCATION) * seat * prior.area * same_size + RELOCATION
    appearance = similarity.score(a.appearance, a.weight, b.appearance, b.weight)
    scores: Floats = np.log(odds) - np.log(prior.people) + appearance
    return scores


def certainty(score: Floats) -> Floats:
    """(k,) probability, in (0, 1), that a link that was made with this score (k,) joins one person."""
    from scipy.special import expit

    probability: Floats = expit(SLOPE * score + INTERCEPT)
    return probability


def _link(
    clusters: TrackletClusters,
    rows: Indices,
    shared: csr_array,
    prior: LinkPrior,
    similarity: AppearanceSimilarity,
    least: float,
) -> list[tuple[int, int, float]]:
    """Link the clusters `rows` (r,), best first, and merge them; returns (linked, to, score) of each link."""
    members = clusters.take(rows)
    together = shared[rows][:, rows].toarray().astype(np.float64)
    score = link_scores(members, members, prior, similarity) - SHARED_FRAME * together
    score[np.eye(len(rows), dtype=bool)] = -np.inf
    best = score.argmax(axis=1)
    top = score[np.arange(len(best)), best]
    links = []
    while len(top) > 1 and top.max() >= least:
        i = int(top.argmax())
        i, j = sorted((i, int(best[i])))
        links.append((int(rows[j]), int(rows[i]), float(score[i, j])))
        members.merge(i, j)
        together[i] += together[j]
        together[:, i] += together[:, j]
        row = link_scores(members.take(np.array([i])), members, prior, similarity)[0] - SHARED_FRAME * together[i]
        row[score[i] == -np.inf] = -np.inf  # itself, and every cluster merged before
        row[j] = -np.inf
        score[i], score[:, i] = row, row
        score[j], score[:, j] = -np.inf, -np.inf
        stale = (best == i) | (best == j)
        stale[[i, j]] = True  # j itself, too: where scores are equal its best may be another cluster
        better = row > top
        best[better], top[better] = i, row[better]
        best[stale] = score[stale].argmax(axis=1)
        top[stale] = score[stale, best[stale]]
    clusters.put(rows, members)
    return links


def _owners(tracks: int, links: list[tuple[int, int, float]]) -> Indices:
    """(t,) first track of the cluster that each track is in."""
    owner = np.arange(tracks)
    for linked, to, _ in links:
        owner[linked] = to
    while (owner[owner] != owner).any():
        owner = owner[owner]
    return owner


def _numbered(owner: Indices, tracks: Tracks, least_faces: int) -> Indices:
    """(t,) 0, 1, ... by the first face of each cluster that has enough faces, else -1."""
    faces = np.bincount(owner, tracks.faces, minlength=len(owner))
    first = np.full(len(owner), np.inf)
    np.minimum.at(first, owner, tracks.first_time)
    roots = np.flatnonzero(faces >= least_faces) if len(owner) else owner
    number = np.full(len(owner), -1)
    number[roots[np.lexsort((roots, first[roots]))]] = np.arange(len(roots))
    return number[owner]


def _density_ratio(square: Floats, variance: float, reference: float) -> Floats:
    """Normal density of `variance` over that of variance `reference`, also where both underflow."""
    ratio: Floats = np.exp(-square * (1 / variance - 1 / reference) / 2) * np.sqrt(reference / variance)
    return ratio


def _normal_density(square: Floats, variance: Floats) -> Floats:
    """Density of an isotropic normal distribution in two dimensions at the squared distance `square`."""
    density: Floats = np.exp(-square / (2 * variance)) / (2 * np.pi * variance)
    return density
