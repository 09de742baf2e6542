"""Margins line by line: what each term of the statistics is there for, on numbers and on simulated balances."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy.optimize import nnls
from scipy.signal import lfilter
from scipy.special import stdtrit

from engine.verdicts import uncertainty
from engine.verdicts.uncertainty import margins

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def process(students: int, frames: int, autocorrelation: float, seed: int, noise: float = 0.0) -> Array:
    """(students, frames) of an AR(1) process of unit variance, of which this share is noise of each frame."""
    random = np.random.default_rng(seed)
    shock = random.normal(size=(students, frames))
    shock[:, 0] /= np.sqrt(1 - autocorrelation**2)
    fading = lfilter([np.sqrt(1 - autocorrelation**2)], [1, -autocorrelation], shock, axis=1)
    values: Array = np.sqrt(1 - noise) * fading + np.sqrt(noise) * random.normal(size=fading.shape)
    return values


def of_windows(values: Array, length: int) -> tuple[Array, Array]:
    """(students, windows): the windows' means, and their margins."""
    students, frames = values.shape
    windows = frames // length
    means = values.reshape(students, windows, length).mean(axis=2)
    student = np.repeat(np.arange(students), frames)
    group = student * windows + np.tile(np.arange(frames) // length, students)
    influence = (values - means.repeat(length, axis=1)).ravel()
    found = margins(influence, group, student, np.ones(values.size), students * windows)
    return means, found.reshape(students, windows)


def held(students: int, frames: int, length: int, autocorrelation: float, noise: float) -> float:
    """Share of windows whose interval holds the truth, 0, in eight classes."""
    found = [of_windows(0.3 * process(students, frames, autocorrelation, seed, noise), length) for seed in range(8)]
    return float(np.mean([np.abs(means) <= margin for means, margin in found]))


def test_neighbours_are_pairs_within_a_window_alone() -> None:
    """Each window of 2 s has its own mean: pairs across two windows are not about one, and look independent."""
    assert held(40, 300, 10, 0.5, 0.0) >= 0.9
    assert held(40, 300, 10, 0.5, 0.5) >= 0.9


def test_students_of_a_short_session_learn_from_the_whole_class() -> None:
    """75 faces of a student are too few to tell how long a mood lasts; those of the class are not."""
    assert held(100, 75, 25, 0.9, 0.5) >= 0.86
    assert held(40, 50, 25, 0.9, 0.5) >= 0.83


@pytest.mark.parametrize("faces", [2, 3])
def test_the_variance_of_a_window_is_that_of_a_sample(faces: int) -> None:
    """Two or three faces are too few for an autocorrelation: independent ones, with Bessel's n - 1."""
    influence = np.array([-0.3, 0.5, -0.2])[:faces] - np.array([-0.3, 0.5, -0.2])[:faces].mean()
    variance = (influence**2).sum() / (faces - 1)
    quantile = stdtrit(faces + 4, 0.95)
    expected = quantile * np.sqrt((variance + 0.005 / faces) / faces)
    zeros = np.zeros(faces, np.int64)
    assert margins(influence, zeros, zeros, np.ones(faces), 1) == pytest.approx([expected], rel=1e-9)


def test_a_window_that_varies_little_borrows_from_the_students_usual_variance() -> None:
    """Twenty independent faces of the usual variance beside the window's own three."""
    influence = np.array([0.0, 0.0, 0.0, -0.4, 0.8, -0.4])
    group, student = np.repeat([0, 1], 3), np.zeros(6, np.int64)
    usual = (influence**2).sum() / 6 / (1 - 1 / 3)
    calm = (0.0 * 3 + 20 * usual) / 23
    lively = ((influence[3:] ** 2).sum() / 2 * 3 + 20 * usual) / 23
    expected = [stdtrit(7, 0.95) * np.sqrt((variance + 0.005 / 3) / 3) for variance in (calm, lively)]
    assert margins(influence, group, student, np.ones(6), 2) == pytest.approx(expected, rel=1e-9)


def test_the_shares_of_the_variance_are_a_weighted_fit_that_is_never_negative() -> None:
    """Against scipy's non-negative least squares; smooth faces ask for less than no noise of their own."""
    random = np.random.default_rng(2)
    process_, noise = 0.8 ** np.arange(9.0) - 0.2, np.eye(9)[0] - 0.1
    persistent = np.array([1.0, 0.0, 1.3, 0.4, -0.2])
    idiosyncratic = np.array([0.0, 1.0, -0.3, 0.6, 1.1])
    measured = np.outer(persistent, process_) + np.outer(idiosyncratic, noise)
    measured += random.normal(0, 0.01, measured.shape)
    pairs = random.uniform(50, 400, measured.shape)
    found = np.stack(uncertainty._two_shares(measured, pairs, process_, noise), axis=1)
    curves = np.stack([process_, noise], axis=1)
    for row, weights, shares in zip(measured, pairs, found, strict=True):
        root = np.sqrt(weights)
        assert shares == pytest.approx(nnls(curves * root[:, None], row * root)[0], abs=1e-9)
    assert found[2, 1] == found[4, 0] == 0  # where the constraint holds them
    assert (found[3] > 0.3).all()


def test_curves_that_are_the_same_are_all_noise_of_each_face() -> None:
    """A process without autocorrelation is noise: there is nothing to part."""
    noise = np.eye(5)[0]
    shares = uncertainty._two_shares(np.outer([2.0], noise), np.full((1, 5), 10.0), noise, noise)
    assert [share.tolist() for share in shares] == [[0.0], [2.0]]


def test_curves_that_differ_by_a_factor_are_all_noise_of_each_face() -> None:
    """A determinant that is nothing but rounding, however many the pairs: it must not be divided by."""
    random = np.random.default_rng(3)
    noise = 0.7 ** np.arange(9.0) - 0.1
    for scale in (1e-3, 1.0, 1e6):
        pairs = scale * random.uniform(50, 400, (200, 9))
        persistent, idiosyncratic = uncertainty._two_shares(np.outer(np.ones(200), noise), pairs, noise / 3, noise)
        assert persistent.tolist() == [0.0] * 200
        assert idiosyncratic == pytest.approx(np.ones(200))


def test_a_student_of_few_faces_borrows_the_autocovariances_of_all() -> None:
    """Pairs of faces in one window, and 300 of the session's, as they are divided among its faces."""
    influence = np.array([1.0, -2.0, 4.0, 0.5, 3.0, -1.0, 2.0])
    group, student = np.array([0, 0, 0, 1, 1, 2, 2]), np.array([0, 0, 0, 0, 0, 1, 1])
    squares, products = np.array([1 + 4 + 16 + 0.25 + 9, 1 + 4.0]), np.array([-2 - 8 + 1.5, -2.0])
    faces, neighbours = np.array([5.0, 2.0]), np.array([3.0, 1.0])
    expected_pairs = np.stack([faces + 300 * 7 / 7, neighbours + 300 * 4 / 7], axis=1)
    sums = np.stack([squares + 300 * squares.sum() / 7, products + 300 * products.sum() / 7], axis=1)
    measured, pairs = uncertainty._autocovariances(influence, group, student, 2)
    assert pairs == pytest.approx(expected_pairs)
    assert measured == pytest.approx(sums / expected_pairs)


@pytest.mark.parametrize(
    ("sizes", "typical"),
    [
        ([2] * 60 + [120], 61),  # half of the faces are in a window of 2, half in one of 120
        ([1, 1, 1], 2),  # the fewest that have a neighbour
        ([600, 900], 200),  # longer windows are as good as these, and would take a matrix of their size
    ],
)
def test_the_typical_window_is_the_one_that_a_face_is_usually_in(
    sizes: list[int], typical: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[int] = []
    fit = uncertainty._fit_autocovariance

    def recorded(influence: Array, group: Ints, student: Ints, typical: int) -> tuple[Array, Array, Array]:
        found.append(typical)
        return fit(influence, group, student, typical)

    monkeypatch.setattr(uncertainty, "_fit_autocovariance", recorded)
    group = np.repeat(np.arange(len(sizes)), sizes)
    margins(np.zeros(len(group)), group, 0 * group, np.ones(len(group)), len(sizes))
    assert found == [typical]


def test_a_student_whose_faces_are_all_equal_leaves_the_others_alone() -> None:
    """Nothing but the imagined face beside them makes the student's margin; nothing is divided by that variance."""
    influence = np.array([0.0, 0.0, 0.0, -0.3, 0.5, -0.2])
    both = np.repeat([0, 1], 3)
    with np.errstate(all="raise"):
        found = margins(influence, both, both, np.ones(6), 2)
    alone = [margins(each, both[:3], both[:3], np.ones(3), 1)[0] for each in (influence[:3], influence[3:])]
    assert found == pytest.approx(alone, rel=1e-9)
    assert alone[0] == pytest.approx(stdtrit(7, 0.95) * np.sqrt(0.005 / 3 / 3), rel=1e-9)


def test_a_single_pair_of_faces_is_what_is_known_of_its_lag() -> None:
    """Of a student with windows of one face, among 702 faces: it is less than one pair, but it is that pair."""
    group = np.append([0, 0], np.arange(1, 701))
    student = np.minimum(group, 1)
    influence = np.append([0.5, -0.4], np.full(700, 0.1))
    measured, pairs = uncertainty._autocovariances(influence, group, student, 2)
    assert pairs[:, 1] == pytest.approx([1 + 300 / 702, 300 / 702])
    assert measured[:, 1] == pytest.approx([-0.2, -0.2])


def test_an_autocorrelation_is_found_where_windows_are_long_enough_for_it() -> None:
    for wanted in (0.0, 0.5, 0.9):
        values = process(30, 2000, wanted, seed=4)
        means = values.reshape(30, 20, 100).mean(axis=2)
        student = np.repeat(np.arange(30), 2000)
        group = student * 20 + np.tile(np.arange(2000) // 100, 30)
        influence = (values - means.repeat(100, axis=1)).ravel()
        autocorrelation, persistent, idiosyncratic = uncertainty._fit_autocovariance(influence, group, student, 100)
        assert persistent + idiosyncratic == pytest.approx(np.ones(30))
        if wanted:
            assert np.median(autocorrelation) == pytest.approx(wanted, abs=0.051)
            assert persistent.mean() > 0.9
        else:
            assert idiosyncratic.mean() > 0.8


@pytest.mark.parametrize("n", [1, 2, 7, 40])
def test_the_variance_of_a_mean_is_the_mean_of_all_covariances(n: int) -> None:
    covariance = 0.7 ** np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    assert uncertainty._variance_of_mean(np.array([0.7]), n) == pytest.approx([covariance.mean()])


def test_autocovariances_about_a_mean_are_those_of_centred_values() -> None:
    """Of a hundred thousand windows of six values, on average."""
    random = np.random.default_rng(0)
    covariance = 0.6 ** np.abs(np.subtract.outer(np.arange(6), np.arange(6)))
    drawn = random.multivariate_normal(np.zeros(6), covariance, 100_000)
    drawn -= drawn.mean(axis=1, keepdims=True)
    expected = [(drawn[:, lag:] * drawn[:, : 6 - lag]).mean() for lag in range(4)]
    assert uncertainty._about_mean(covariance, 4) == pytest.approx(expected, abs=0.01)


def test_no_margin_is_wider_than_the_scale() -> None:
    zeros = np.zeros(2, np.int64)
    assert margins(np.array([-1.5, 1.5]), zeros, zeros, np.zeros(2), 1).tolist() == [2]


def test_a_window_without_faces_has_no_margin_and_leaves_the_others_alone() -> None:
    influence, group = np.array([-0.1, 0.1, 0.2, -0.2]), np.array([0, 0, 2, 2])
    with np.errstate(all="raise"):
        found = margins(influence, group, np.zeros(4, np.int64), np.ones(4), 4)
    assert np.isnan(found).tolist() == [False, True, False, True]
    without = margins(influence, group // 2, np.zeros(4, np.int64), np.ones(4), 2)
    assert found[[0, 2]].tolist() == without.tolist()
    assert np.isnan(margins(np.empty(0), group[:0], group[:0], np.empty(0), 3)).tolist() == [True] * 3


def test_the_order_of_students_does_not_matter() -> None:
    random = np.random.default_rng(1)
    group = np.tile(np.arange(12), 30)
    student, influence, quality = group // 4, random.normal(size=360), random.random(360)
    order = np.argsort(student, kind="stable")
    found = margins(influence, group, student, quality, 12)
    sorted_ = margins(influence[order], group[order], student[order], quality[order], 12)
    assert found == pytest.approx(sorted_, rel=1e-12)


def test_the_margins_are_those_of_the_databases_that_there_are() -> None:
    """Any change of a constant changes them; whoever means to must judge every database again."""
    _, found = of_windows(0.3 * process(4, 240, 0.8, seed=11, noise=0.2), 60)
    np.testing.assert_allclose(found, EXPECTED, rtol=1e-9)
    _, short = of_windows(0.3 * process(2, 30, 0.9, seed=12), 10)
    np.testing.assert_allclose(short, EXPECTED_SHORT, rtol=1e-9)


EXPECTED = [
    [0.169549101210, 0.153280681997, 0.164337032063, 0.164281959280],
    [0.159329836635, 0.161757487533, 0.153988611687, 0.165438230771],
    [0.156581517048, 0.165470996150, 0.168108191775, 0.168116959673],
    [0.231089089251, 0.244123437558, 0.247020438324, 0.256417447992],
]
#: Windows of ten faces, in which a mood that fades slowly is not looked for.
EXPECTED_SHORT = [
    [0.309051809058, 0.310569490328, 0.313202749679],
    [0.384764889010, 0.382796081143, 0.415955042933],
]
