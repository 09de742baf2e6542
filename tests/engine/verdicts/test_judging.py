"""Faces to verdicts: the strategies, the windows, the evidence, and the class."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.faces import EMOTIONS, Faces
from engine.settings import Settings
from engine.verdicts.cues import BehaviouralCues, HeadPoses
from engine.verdicts.judging import Columns, judge
from engine.verdicts.windows import windows_of
from engine.vision.extraction import FeatureExtractor
from engine.vision.sources.video import Video
from tests.engine.verdicts.scored import evidence

Scores = npt.NDArray[np.float32]
#: Scores (7,) of a face in each frame, None where there is none.
Mood = Sequence[Scores | None]
#: Number of frames; of each face: frame, student, class scores, whether it is scorable.
Drawn = tuple[int, npt.NDArray[np.int64], npt.NDArray[np.int64], Scores, npt.NDArray[np.bool_]]
EVIDENCE = ["verdict", "balance", "margin", "coverage"]
STUDENT_COLUMNS = [
    *("window", "start", "stop", "student"),
    *EVIDENCE,
    *("frames", "faces", "scorable", "positive", "negative"),
    *("p_interested", "p_neutral", "p_not_interested", "reason", "measurable"),
]
CLASS_COLUMNS = {
    *("window", "start", "stop"),
    *EVIDENCE,
    *("students", "interested", "neutral", "not_interested", "insufficient", "faces", "scorable"),
    *("p_interested", "p_neutral", "p_not_interested", "reason", "present", "measured", "attention_only"),
}
#: Those that read class scores.
STRATEGIES = ("weighted", "sum", "dominant")
LENIENT: dict[str, Any] = {"band": 0.0, "min_faces": 0, "min_coverage": 0.0}


def face(**shares: float) -> Scores:
    """Emotion scores (7,): those named, and the rest of 1 neutral."""
    scores = np.zeros(len(EMOTIONS), np.float32)
    for name, share in shares.items():
        scores[EMOTIONS.index(name)] = share
    scores[-1] += 1 - scores.sum()
    return scores


GLAD, SAD, CALM = face(happy=0.9), face(sad=0.9), face(neutral=1.0)


def lesson(
    moods: Mapping[int, Mood], *, rate: float = 5.0, seconds: float | None = None, **settings: Any
) -> tuple[Columns, Columns]:
    """Judge students that have one face a frame: `moods` gives each one's emotions frame by frame, None: away."""
    frames = max(len(mood) for mood in moods.values())
    rows = [
        (frame / rate, student, mood[frame])
        for frame in range(frames)
        for student, mood in moods.items()
        if frame < len(mood) and mood[frame] is not None
    ]
    given = evidence(
        np.arange(frames) / rate,
        np.array([row[0] for row in rows]),
        np.array([row[1] for row in rows], np.int64),
        np.array([row[2] for row in rows], np.float32),
        duration=frames / rate if seconds is None else seconds,
    )
    return judge(given, Settings(**settings))


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize(
    ("mood", "verdict"),
    [
        ([GLAD] * 50, "interested"),
        ([SAD] * 50, "not interested"),
        ([GLAD, SAD] * 25, "neutral"),
        ([CALM] * 50, "neutral"),
        ([GLAD] * 4 + [None] * 46, "insufficient"),  # under min_faces
        ([GLAD] * 9 + [None] * 41, "insufficient"),  # 18 % of the frames, under min_coverage
        ([GLAD] * 10 + [None] * 40, "interested"),  # 20 %
    ],
)
def test_a_mood_gives_its_verdict_with_every_strategy(strategy: str, mood: Mood, verdict: str) -> None:
    students, class_ = lesson({7: mood}, strategy=strategy)
    assert students["verdict"].tolist() == [verdict]
    assert class_["verdict"].tolist() == [verdict]


def shuffled(*moods: tuple[Scores, int]) -> list[Scores]:
    """As many faces of each mood as it says, in random order."""
    faces = [mood for mood, number in moods for _ in range(number)]
    return [faces[i] for i in np.random.default_rng(5).permutation(len(faces))]


@pytest.mark.parametrize(
    ("mood", "verdict", "plain"),
    [
        (shuffled((GLAD, 40), (SAD, 10)), "interested", "interested"),
        (shuffled((GLAD, 27), (SAD, 23)), "neutral", "neutral"),  # within the band
        (shuffled((GLAD, 29), (SAD, 21)), "insufficient", "interested"),  # over the band, by chance perhaps
        (shuffled((GLAD, 10), (CALM, 40)), "neutral", "interested"),  # neutral prevails
        (shuffled((SAD, 10), (CALM, 40)), "neutral", "not interested"),
        ([GLAD] * 25 + [SAD] * 25, "insufficient", "neutral"),  # one change of mood: two faces' worth
        ([GLAD] * 5 + [None] * 15, "interested", "interested"),
    ],
)
def test_weighted_wants_proof_and_the_plain_strategies_do_not(mood: Mood, verdict: str, plain: str) -> None:
    found = {name: lesson({0: mood}, strategy=name)[0]["verdict"][0] for name in STRATEGIES}
    assert found == {"weighted": verdict, "sum": plain, "dominant": plain}


@given(st.data())
def test_a_verdict_follows_from_the_numbers_beside_it(data: st.DataObject) -> None:
    frames, frame, student, emotions, scorable = data.draw(sessions())
    settings = Settings(window=2.0, min_faces=data.draw(st.sampled_from([0, 5])))
    given = evidence(
        np.arange(frames) / 5,
        frame / 5,
        student,
        emotions,
        quality=data.draw(st.sampled_from([0.4, 1.0])),
        scorable=scorable,
        duration=frames / 5,
    )
    students, _ = judge(given, settings)
    for row in zip(*(students[name].tolist() for name in STUDENT_COLUMNS), strict=True):
        values = dict(zip(STUDENT_COLUMNS, row, strict=True))
        balance, margin, faces = values["balance"], values["margin"], values["scorable"]
        if not faces or faces < settings.min_faces or values["coverage"] < settings.min_coverage:
            assert values["verdict"] == "insufficient"
            continue
        positive, negative = values["positive"], values["negative"]
        neutral = faces - positive - negative
        assert balance == pytest.approx((positive - negative) / faces, abs=1e-9)
        if abs(balance) <= settings.band or neutral > max(positive, negative):
            assert values["verdict"] == ("neutral" if margin < 0.5 else "insufficient")
        elif margin < abs(balance):
            assert values["verdict"] == ("interested" if balance > 0 else "not interested")
        else:
            assert values["verdict"] == "insufficient"


@st.composite
def sessions(draw: st.DrawFn) -> Drawn:
    """Up to 60 faces of up to four students over up to 40 frames; scores of all magnitudes, with ties and zeros."""
    frames, n, decimals = draw(st.tuples(st.integers(1, 40), st.integers(0, 60), st.sampled_from([1, 2, 12])))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    emotions = rng.random((n, 7)) ** draw(st.sampled_from([1, 4, 16]))
    return (
        frames,
        np.sort(rng.integers(0, frames, n)),
        rng.integers(-1, draw(st.integers(0, 4)), n),
        emotions.round(decimals).astype(np.float32),
        rng.random(n) < draw(st.sampled_from([0.1, 0.9])),
    )


@given(sessions())
def test_sum_without_band_and_rules_is_the_plain_comparison_of_sums(session: Drawn) -> None:
    frames, frame, student, emotions, scorable = session
    given = evidence(np.arange(frames) / 5, frame / 5, student, emotions, scorable=scorable, duration=frames / 5)
    students, _ = judge(given, Settings(strategy="sum", window=2.0, **LENIENT))
    for row in range(len(students["window"])):
        scores: dict[str, list[float]] = {name: [] for name in EMOTIONS}
        for i in range(len(frame)):
            if scorable[i] and student[i] == students["student"][row] and frame[i] // 10 == students["window"][row]:
                for name, value in zip(EMOTIONS, emotions[i].tolist(), strict=True):
                    scores[name].append(value)
        positive = sum(scores["happy"]) + sum(scores["surprise"])
        negative = sum(scores["angry"]) + sum(scores["disgust"]) + sum(scores["fear"]) + sum(scores["sad"])
        expected = "interested" if positive > negative else "not interested" if positive < negative else "neutral"
        assert students["verdict"][row] == (expected if scores["happy"] else "insufficient")


@given(sessions(), st.sampled_from(sorted(STRATEGIES)))
def test_every_student_has_a_row_in_every_window_and_all_faces_are_counted(session: Drawn, strategy: str) -> None:
    frames, frame, student, emotions, scorable = session
    settings = Settings(strategy=strategy, window=2.0)
    given = evidence(
        np.arange(frames) / 5,
        frame / 5,
        student,
        emotions,
        quality=0.5,
        scorable=scorable,
        duration=frames / 5,
    )
    students, class_ = judge(given, settings)
    names = sorted(set(student[student >= 0].tolist()))
    windows = -(-frames // 10)
    assert list(students) == STUDENT_COLUMNS
    assert set(class_) == CLASS_COLUMNS
    assert list(zip(students["window"], students["student"], strict=True)) == [
        (window, name) for window in range(windows) for name in names
    ]
    assert students["faces"].sum() == (student >= 0).sum() == class_["faces"].sum()
    assert students["scorable"].sum() == ((student >= 0) & scorable).sum() == class_["scorable"].sum()
    verdicts = ("interested", "neutral", "not_interested", "insufficient")
    counts = np.sum([class_[name] for name in verdicts], axis=0)
    assert counts.tolist() == [len(names)] * windows == class_["students"].tolist()
    seen = students["scorable"] > 0
    assert np.isfinite(students["balance"]).tolist() == seen.tolist() == np.isfinite(students["margin"]).tolist()
    assert (np.abs(students["balance"][seen]) <= 1).all()
    assert ((students["margin"][seen] > 0) & (students["margin"][seen] <= 2)).all()
    assert ((students["coverage"] >= 0) & (students["coverage"] <= 1)).all()


def test_a_student_away_has_a_row_without_faces() -> None:
    students, class_ = lesson({0: [GLAD] * 100, 1: [GLAD] * 50 + [None] * 50})
    row = {name: column[3] for name, column in students.items()}
    assert (row["window"], row["student"], row["verdict"]) == (1, 1, "insufficient")
    assert (row["frames"], row["faces"], row["scorable"], row["coverage"]) == (50, 0, 0, 0)
    assert np.isnan(row["balance"])
    assert class_["insufficient"].tolist() == [0, 1]


def test_windows_are_half_open_and_the_last_one_ends_with_the_session() -> None:
    # 0.1 s windows at 10 frames/s: floating point puts 0.3 / 0.1 under 3.
    students, class_ = lesson({0: [GLAD] * 12}, rate=10.0, window=0.1, seconds=1.15)
    assert students["frames"].tolist() == [1] * 12
    assert class_["stop"][-1] == 1.15
    np.testing.assert_array_equal(class_["start"][1:], class_["stop"][:-1])


@pytest.mark.parametrize("claimed", [0.0, 7.0, 20.0])
def test_a_header_that_lies_about_the_duration_costs_no_frame(claimed: float) -> None:
    _, class_ = lesson({0: [GLAD] * 60}, seconds=claimed)  # 12 s of frames
    assert class_["scorable"].sum() == 60
    assert len(class_["window"]) == 2


def test_a_session_without_faces_has_windows_and_no_students() -> None:
    students, class_ = lesson({0: [None] * 100})
    assert len(students["verdict"]) == 0
    assert class_["verdict"].tolist() == ["insufficient"] * 2
    assert class_["students"].tolist() == [0, 0]


def test_a_session_without_frames_has_nothing() -> None:
    students, class_ = lesson({0: []})
    assert len(students["window"]) == len(class_["window"]) == 0


def test_a_frame_counts_once_for_the_coverage_whatever_the_faces_in_it() -> None:
    given = evidence(
        np.arange(10) / 5, np.array([0.0, 0.0, 0.2]), np.zeros(3, np.int64), np.stack([GLAD] * 3), duration=2.0
    )
    students, _ = judge(given, Settings())
    assert students["scorable"].tolist() == [3]
    assert students["coverage"].tolist() == [0.2]


def test_a_face_that_no_network_scored_is_seen_but_not_scorable() -> None:
    unscored = np.full(7, np.nan, np.float32)
    students, _ = lesson({0: [GLAD] * 25 + [unscored] * 25})
    assert (students["faces"][0], students["scorable"][0], students["coverage"][0]) == (50, 25, 0.5)
    assert students["verdict"][0] == "interested"


def test_the_class_weighs_students_equally_whatever_their_faces() -> None:
    glad = {student: [GLAD] * 10 + [None] * 40 for student in (0, 1)}
    students, class_ = lesson({**glad, 2: [SAD] * 50})
    np.testing.assert_allclose(class_["balance"][0], students["balance"].mean())
    assert class_["verdict"][0] == "interested"
    assert [class_[name][0] for name in ("interested", "neutral", "not_interested", "insufficient")] == [2, 0, 1, 0]


def test_a_class_of_which_too_few_students_can_be_judged_has_no_verdict() -> None:
    away = {student: [GLAD] * 2 + [None] * 48 for student in range(1, 11)}
    _, class_ = lesson({0: [GLAD] * 50, **away})
    assert class_["verdict"].tolist() == ["insufficient"]
    assert class_["interested"].tolist() == [1]


def test_weighted_counts_a_face_by_its_quality() -> None:
    emotions = np.stack([GLAD, SAD, SAD])
    times, quality = np.arange(3) / 5, np.array([0.9, 0.4, 0.4])
    given = evidence(times, times, np.zeros(3, np.int64), emotions, quality=quality, duration=0.6)
    balances = {name: judge(given, Settings(strategy=name))[0]["balance"][0] for name in STRATEGIES}
    assert balances["weighted"] > 0 > max(balances["sum"], balances["dominant"])


REST, DOUR, WEARY = face(sad=0.7, happy=0.02), face(sad=0.8, happy=0.02), face(sad=0.9)
RESTING = [
    # a face that looks sad at rest, 4 minutes long: the resting level makes it neutral
    ([REST, DOUR, REST, DOUR, DOUR] * 240, "not interested", "neutral"),
    # the same, too short to know the student's resting face
    ([REST, DOUR, REST, DOUR, DOUR] * 100, "not interested", "not interested"),
    # sad all session long and hardly ever at rest: nothing is known of the resting face
    ([REST, *[WEARY] * 9] * 120, "not interested", "not interested"),
]


@pytest.mark.parametrize(("mood", "off", "on"), RESTING)
def test_the_resting_level_is_taken_off_where_it_is_known_and_never_makes_a_sad_student_neutral(
    mood: Mood, off: str, on: str
) -> None:
    for baseline, verdict in ((False, off), (True, on)):
        students, _ = lesson({0: mood}, baseline=baseline)
        assert set(students["verdict"].tolist()) == {verdict}
    plain = [lesson({0: mood}, strategy="sum", baseline=on)[0]["balance"].tolist() for on in (False, True)]
    assert plain[0] == plain[1]


def test_who_looks_as_most_do_at_rest_is_judged_without_a_resting_level() -> None:
    usual = shuffled((face(sad=0.4, happy=0.06), 60), (GLAD, 20), (SAD, 20)) * 12
    with_level, without = (lesson({0: usual}, baseline=on)[0]["balance"].tolist() for on in (True, False))
    assert with_level == without


def test_dominant_is_how_long_each_emotion_was_the_strongest() -> None:
    students, _ = lesson({0: [face(happy=0.6)] * 30 + [face(sad=0.9)] * 10 + [CALM] * 10}, strategy="dominant")
    assert (students["positive"][0], students["negative"][0], students["balance"][0]) == (30, 10, 0.5)


@pytest.mark.parametrize("strategy", ["weighted", "attention"])
def test_a_lesson_of_thirty_students_is_judged_within_two_seconds(strategy: str) -> None:
    rng = np.random.default_rng(3)
    frames, students = 15_000, 30  # 50 minutes at 5 frames/s
    n = frames * students
    times = np.arange(frames) / 5
    emotions = rng.dirichlet(np.ones(7), n).astype(np.float32)
    face_time, student = np.repeat(times, students), np.tile(np.arange(students), frames)
    corner = rng.normal(0, 1, (n, 2)) + 50 * student[:, None]
    boxes, (yaw, pitch) = np.hstack([corner, corner + 40]), rng.normal(0, 5, (2, n))
    to_first, section = np.tile(np.eye(2, 3), (frames, 1, 1)), np.zeros(frames, np.int64)
    begun = time.process_time()
    poses = HeadPoses.of(
        boxes, yaw, pitch, np.repeat(np.arange(frames), students), to_first=to_first, section=section
    )
    cues = BehaviouralCues.of(poses, student, face_time, times, 20.0)
    shown = cues.windows(windows_of(times, 10.0, 3000.0), times, students)
    given = evidence(
        times,
        face_time,
        student,
        emotions,
        quality=rng.random(n, np.float32),
        scorable=rng.random(n) > 0.2,
        duration=3000.0,
        cues=cues,
    )
    rows, _ = judge(given, Settings(strategy=strategy))
    assert time.process_time() - begun < 2
    assert len(rows["window"]) == len(shown["facing"]) == 300 * students


@pytest.fixture(scope="module")
def woman(shared: Path) -> tuple[np.ndarray, np.ndarray, Faces]:
    """One woman who first cries, then smiles: times of the frames, times of the faces, and the faces."""
    with Video(shared / "footage/one_person.mp4") as video:
        seen = list(FeatureExtractor(Settings(sample_rate=2.0)).segments(video))
    faces = Faces.concatenate([segment.faces for segment in seen])
    pts, times = (np.concatenate([segment.frames[name] for segment in seen]) for name in ("pts", "time"))
    return times, times[np.searchsorted(pts, faces.pts)], faces


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_woman_who_cries_and_then_smiles_is_first_not_interested_and_last_interested(
    woman: tuple[np.ndarray, np.ndarray, Faces], strategy: str
) -> None:
    times, face_time, faces = woman
    settings = Settings(window=5.0, strategy=strategy)
    given = evidence(
        times,
        face_time,
        np.zeros(len(faces), np.int64),
        faces.scores,
        quality=faces.quality,
        scorable=faces.scorable,
        duration=19.7,
    )
    students, class_ = judge(given, settings)
    assert len(students["verdict"]) == 4
    assert (students["verdict"][0], students["verdict"][-1]) == ("not interested", "interested")
    assert (class_["verdict"][0], class_["verdict"][-1]) == ("not interested", "interested")
    assert (students["coverage"] > 0.9).all()
