"""Links between tracks, number by number: their scores, what merging adds up, and what is expected beforehand."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import norm

from tests.tracking.test_identity import NO_APPEARANCE, tracks_of
from tracking import identity
from tracking.identity import (
    INTERVAL,
    LinkPrior,
    TrackletClusters,
    certainty,
    faces_of_students,
    link_scores,
    students_of_tracks,
)
from tracking.similarity import AppearanceSimilarity, mean_weight
from tracking.tracks import Tracks, tracks_table

Floats = npt.NDArray[np.float64]
Place = tuple[float, float, float]


class Cluster(NamedTuple):
    """One cluster of tracks: seconds, and places (x, y, size) in px."""

    first: float
    last: float
    start: Place
    end: Place
    place: Place
    faces: float = 100.0
    appearance: float = 0.0
    weight: float = 0.0


def clusters(*rows: Cluster) -> TrackletClusters:
    """These clusters as columns, with one dimension of appearance."""
    first, last, start, end, place, faces, appearance, weight = (
        np.array(column, np.float64) for column in zip(*rows, strict=True)
    )
    return TrackletClusters(first, last, start, end, place, faces, appearance[:, None], weight)


EARLY = Cluster(0.0, 20.0, (100.0, 200.0, 40.0), (120.0, 204.0, 45.0), (110.0, 201.0, 42.0))
LATE = Cluster(23.0, 90.0, (125.0, 210.0, 40.0), (180.0, 230.0, 36.0), (140.0, 215.0, 38.0))
AMONG = Cluster(10.0, 60.0, (90.0, 190.0, 44.0), (150.0, 195.0, 48.0), (105.0, 193.0, 46.0))
PRIOR = LinkPrior(150.0, 12)


def by_hand(before: Place, after: Place, gap: float) -> float:
    """Log odds of a link over `gap` seconds from one place to another, from SciPy's normal densities."""
    size = np.sqrt(before[2] * after[2])
    distance = np.hypot(after[0] - before[0], after[1] - before[1]) / size
    deviation = np.sqrt(0.25**2 + 0.45**2 * (1 - np.exp(-gap / 5)))
    wide = deviation * np.sqrt(6)
    seat = 0.9 * norm.pdf(distance, scale=deviation) * norm.pdf(0, scale=deviation)
    seat += 0.1 * norm.pdf(distance, scale=wide) * norm.pdf(0, scale=wide)
    log = np.log(before[2] / after[2])
    sizes = (0.9 * norm.pdf(log, scale=0.1) + 0.1 * norm.pdf(log, scale=0.3)) / norm.pdf(log, scale=0.4)
    return float(np.log((0.99 * seat * PRIOR.area * sizes + 0.01) / PRIOR.people))


def test_a_link_goes_from_where_the_earlier_one_ended_to_where_the_later_one_starts() -> None:
    """Clusters that interleave are compared where they are on average, as if a minute apart."""
    expected = [
        [by_hand(EARLY.end, LATE.start, 3.0), by_hand(EARLY.place, AMONG.place, INTERVAL)],
        [by_hand(AMONG.place, LATE.place, INTERVAL), by_hand(AMONG.place, AMONG.place, INTERVAL)],
    ]
    scores = link_scores(clusters(EARLY, AMONG), clusters(LATE, AMONG), PRIOR, NO_APPEARANCE)
    np.testing.assert_allclose(scores, expected, rtol=1e-9)
    swapped = link_scores(clusters(LATE, AMONG), clusters(EARLY, AMONG), PRIOR, NO_APPEARANCE)
    np.testing.assert_allclose(swapped, np.transpose(expected), rtol=1e-9)


def test_clusters_that_touch_in_a_frame_interleave() -> None:
    meeting = LATE._replace(first=EARLY.last)
    expected = [[by_hand(EARLY.place, LATE.place, INTERVAL)]]
    for a, b in ((EARLY, meeting), (meeting, EARLY)):
        np.testing.assert_allclose(link_scores(clusters(a), clusters(b), PRIOR, NO_APPEARANCE), expected)


def test_what_a_link_is_worth_by_appearance_is_added_to_its_score() -> None:
    """Of the projected appearances, each with the weight of its own cluster."""
    similarity = AppearanceSimilarity(np.empty((0, 1), np.uint8), np.empty(0, np.int64), 0)
    similarity.between = np.array([4.0])
    a = clusters(EARLY._replace(appearance=3.0, weight=2.0), EARLY)
    b = clusters(LATE._replace(appearance=-1.0, weight=0.5))
    added = link_scores(a, b, PRIOR, similarity) - link_scores(a, b, PRIOR, NO_APPEARANCE)
    alone = similarity.score(np.array([[3.0], [0.0]]), np.array([2.0, 0.0]), np.array([[-1.0]]), np.array([0.5]))
    np.testing.assert_allclose(added, alone, atol=1e-12)
    assert added[0, 0] < -0.1
    assert added[1, 0] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_merged_cluster_spans_both_and_leaves_the_other_one(order: tuple[int, int]) -> None:
    i, j = order
    both = clusters(
        EARLY._replace(faces=300.0, appearance=1.0, weight=2.0), LATE._replace(appearance=5.0, weight=6.0)
    )
    before = both.take(np.array([j]))
    both.merge(i, j)
    assert (both.first_time[i], both.last_time[i], both.faces[i], both.weight[i]) == (0.0, 90.0, 400.0, 8.0)
    np.testing.assert_allclose(both.start[i], EARLY.start)
    np.testing.assert_allclose(both.end[i], LATE.end)
    np.testing.assert_allclose(both.place[i], (0.75 * np.array(EARLY.place) + 0.25 * np.array(LATE.place)))
    np.testing.assert_allclose(both.appearance[i], [4.0])
    for name in ("first_time", "last_time", "start", "end", "place", "faces", "appearance", "weight"):
        np.testing.assert_array_equal(getattr(both, name)[j], getattr(before, name)[0])


def test_of_two_clusters_that_begin_and_end_at_once_the_first_ones_places_stay() -> None:
    both = clusters(EARLY, LATE._replace(first=EARLY.first, last=EARLY.last))
    both.merge(0, 1)
    np.testing.assert_allclose(both.start[0], EARLY.start)
    np.testing.assert_allclose(both.end[0], EARLY.end)


@pytest.mark.parametrize(
    ("weights", "appearance"),
    [((0.5, 0.0), 1.0), ((0.0, 0.5), 5.0), ((0.0, 0.0), 1.0), ((0.25, 0.75), 4.0)],
)
def test_an_appearance_is_the_mean_of_both_by_their_weights(
    weights: tuple[float, float], appearance: float
) -> None:
    both = clusters(
        EARLY._replace(appearance=1.0, weight=weights[0]), LATE._replace(appearance=5.0, weight=weights[1])
    )
    both.merge(0, 1)
    assert (both.appearance[0, 0], both.weight[0]) == (appearance, sum(weights))


def test_clusters_are_taken_as_copies_and_put_back() -> None:
    three = clusters(EARLY, LATE, AMONG)
    taken = three.take(np.array([2, 0]))
    assert taken.first_time.tolist() == [10.0, 0.0]
    taken.merge(1, 0)
    assert three.last_time.tolist() == [20.0, 90.0, 60.0]
    three.put(np.array([2, 0]), taken)
    assert three.last_time.tolist() == [60.0, 90.0, 60.0]
    np.testing.assert_allclose(three.end[0], AMONG.end)


def test_a_track_becomes_a_cluster_of_its_own_that_shares_no_array_with_it() -> None:
    tracks = tracks_of([(0, 20, 100.0), (24, 40, 108.0)])
    single = TrackletClusters.of(tracks, NO_APPEARANCE)
    for name in ("first_time", "last_time", "start", "end", "place", "faces"):
        np.testing.assert_array_equal(getattr(single, name), getattr(tracks, name))
        assert not np.shares_memory(getattr(single, name), getattr(tracks, name))
    np.testing.assert_array_equal(single.weight, mean_weight(tracks.descriptors))


def test_an_empty_scene_has_a_prior_of_its_own() -> None:
    assert LinkPrior.of(tracks_table([0.0], [], np.empty((0, 4)), [])) == LinkPrior(20.0, 2)


@pytest.mark.parametrize(
    ("x", "prior"),
    [
        pytest.param([100.0], LinkPrior(20.0, 2), id="alone"),
        pytest.param(
            [100.0, 300.0, 500.0], LinkPrior(22.0, 3), id="a row"
        ),  # from 120 to 480 px are 9 faces: 11 x 2
        pytest.param([100.0, 200.0, 300.0], LinkPrior(20.0, 3), id="a short row"),  # 6.5 x 2
    ],
)
def test_the_scene_is_as_large_as_nine_in_ten_of_its_seats(x: list[float], prior: LinkPrior) -> None:
    found = LinkPrior.of(tracks_of([(0, 20, each) for each in x]))
    assert found.area == pytest.approx(prior.area)
    assert found.people == prior.people


def seen(faces: int, frames: int, first: int = 0) -> Tracks:
    """One track of so many faces in a session of so many frames."""
    frame = first + np.arange(faces)
    return tracks_table(np.arange(frames) / 5, frame, np.tile([80.0, 180.0, 120.0, 220.0], (faces, 1)), 0 * frame)


@pytest.mark.parametrize(("frames", "least"), [(40, 5), (299, 5), (300, 6), (1000, 20), (1500, 30), (9000, 30)])
def test_a_student_has_a_face_in_one_frame_of_fifty_from_five_to_thirty(frames: int, least: int) -> None:
    assert students_of_tracks(seen(least, frames)).student.tolist() == [0]
    assert students_of_tracks(seen(least - 1, frames)).student.tolist() == [-1]
    assert students_of_tracks(seen(least - 1, frames), least_faces=least - 1).student.tolist() == [0]


OTHERS = [(0.0, 70.0, 400.0 + 300 * i) for i in range(4)]


def test_a_score_is_as_sure_as_such_links_are_right() -> None:
    """Of links with scores of 1 to 5 93 of 96 were right, of 5 to 12 193 of 202, above all but one of 2,477."""
    sure = certainty(np.array([1.0, 4.0, 8.0, 14.0]))
    np.testing.assert_allclose(sure, [0.9002, 0.9488, 0.9798, 0.9952], atol=0.0001)


def test_a_link_names_both_its_tracks_and_its_score() -> None:
    """The later track is linked to the earlier one; the score is that of the two alone."""
    tracks = tracks_of([(0, 20, 100.0), (24, 40, 108.0), *OTHERS])
    found = students_of_tracks(tracks)
    assert (found.link_from.tolist(), found.link_to.tolist()) == ([1], [0])
    single = TrackletClusters.of(tracks, NO_APPEARANCE)
    expected = link_scores(single, single, LinkPrior.of(tracks), NO_APPEARANCE)[0, 1]
    assert found.link_score.tolist() == [pytest.approx(expected)]
    assert expected > 2
    assert students_of_tracks(tracks, least_score=expected - 0.01).link_score.tolist() == [pytest.approx(expected)]
    assert students_of_tracks(tracks, least_score=expected + 0.01).link_score.tolist() == []


@pytest.mark.parametrize(("shift", "links"), [(36.0, 1), (40.0, 0)])
def test_a_link_is_made_from_odds_of_e_to_one(shift: float, links: int) -> None:
    """A seat of 36 px further off, nine tenths of a face, scores 1.39; one of 40 px scores 0.91."""
    found = students_of_tracks(tracks_of([(0, 20, 100.0), (24, 40, 100.0 + shift), *OTHERS]))
    assert len(found.link_score) == links


def test_whoever_shares_frames_with_a_part_of_a_cluster_is_not_linked_to_it() -> None:
    """Two of the tracks follow each other at a seat, and so do two others, from before the first pair's end."""
    pairs = [(0.0, 20.0, 100.0), (20.2, 40.0, 100.0), (30.0, 50.0, 100.0), (50.2, 70.0, 100.0)]
    found = students_of_tracks(tracks_of([*pairs, *OTHERS]))
    assert found.student[[0, 1]].tolist() == [0, 0]
    assert found.student[2] == found.student[3] != 0


def test_three_tracks_of_a_person_within_a_minute_are_one_student() -> None:
    """Once two of them are linked, the third is compared with both."""
    others = [(0.0, 40.0, 400.0 + 300 * i) for i in range(4)]
    found = students_of_tracks(tracks_of([(0, 10, 100.0), (10.2, 20, 100.0), (24, 40, 100.0), *others]))
    assert found.student.tolist() == [0, 0, 0, 1, 2, 3, 4]
    assert len(found.link_score) == 2


def test_frames_that_two_clusters_share_count_when_one_of_them_grows_again() -> None:
    """Two people half a face apart, a while together; the first is back after the second has gone."""
    first, second = [(0.0, 20.0, 100.0), (20.2, 40.0, 100.0)], [(30.0, 50.0, 118.0), (50.2, 70.0, 118.0)]
    found = students_of_tracks(tracks_of([*first, *second, (75.0, 95.0, 100.0), *OTHERS]))
    assert found.student[[0, 1, 4]].tolist() == [0, 0, 0]
    assert found.student[2] == found.student[3] != 0


def test_a_cluster_that_was_merged_is_linked_to_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal scores: the third track is as like the fourth as the first two together, to whom it is linked."""
    table = {(1, 2): 10.0, (4, 8): 8.0, (3, 4): 8.0}  # of tracks of 1, 2, 4 and 8 faces, and of what they add up to

    def scores(
        a: TrackletClusters, b: TrackletClusters, prior: LinkPrior, similarity: AppearanceSimilarity
    ) -> Floats:
        pairs = [[table.get((min(i, j), max(i, j)), -20.0) for j in b.faces] for i in a.faces]
        return np.array(pairs)

    monkeypatch.setattr(identity, "link_scores", scores)
    lengths = [0.0, 0.2, 0.6, 1.4]  # at five faces a second
    tracks = tracks_of([(3.0 * i, 3.0 * i + length, 200.0 * i) for i, length in enumerate(lengths)])
    assert tracks.faces.tolist() == [1, 2, 4, 8]
    found = students_of_tracks(tracks, least_faces=1)
    assert found.link_score.tolist() == [10.0, 8.0]
    assert found.student.tolist() == [0, 0, 0, 1]


def test_students_are_numbered_by_the_first_face_of_any_of_their_tracks() -> None:
    """Also where tracks are not in order of time."""
    later_first = [(24.0, 40.0, 100.0), (0.0, 20.0, 100.0), (10.0, 70.0, 3000.0)]
    assert students_of_tracks(tracks_of(later_first + OTHERS)).student.tolist() == [0, 0, 5, 1, 2, 3, 4]


def test_the_tracks_of_a_long_session_are_never_all_compared_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """On four seats a track begins every half minute for ten minutes: those of a minute are linked first."""
    compared = []

    def recorded(
        a: TrackletClusters, b: TrackletClusters, prior: LinkPrior, similarity: AppearanceSimilarity
    ) -> Floats:
        compared.append(max(len(a.faces), len(b.faces)))
        return link_scores(a, b, prior, similarity)

    monkeypatch.setattr(identity, "link_scores", recorded)
    spells = [(start, start + 25, 2000.0 * seat) for start in np.arange(0, 600, 30.0) for seat in range(4)]
    found = students_of_tracks(tracks_of(spells))
    assert found.student.tolist() == [0, 1, 2, 3] * 20
    assert max(compared) == 8


def test_a_frame_in_which_two_tracks_have_a_face_costs_one_of_the_score() -> None:
    others = [(0.0, 40.0, 400.0 + 300 * i) for i in range(4)]
    scores = []
    for last in (20.0, 20.2, 20.4):  # 1, 2 and 3 frames in common
        tracks = tracks_of([(0, last, 100.0), (20, 40, 100.0), *others])
        scores.append(students_of_tracks(tracks, least_score=-20.0).link_score.max())
    np.testing.assert_allclose(np.diff(scores), -1.0, atol=1e-9)


def test_of_two_tracks_of_a_student_in_a_frame_that_are_as_long_the_first_one_keeps_it() -> None:
    assert faces_of_students([0, 1, 1, 2], [0, 0, 1, 1], [4, 4]).tolist() == [4, 4, -1, 4]
    assert faces_of_students([0, 0, 1], [0, 1, 1], [4, 4]).tolist() == [-1, 4, 4]
    assert faces_of_students([0, 0, 1], [1, 0, 0], [4, 5]).tolist() == [5, 4, 4]  # two students
