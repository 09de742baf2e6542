"""Drawn faces as the networks see them: found where they are, and read as scripted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest

from classpulse.simulation.canvas import Canvas
from classpulse.simulation.face import Pose, draw_face
from classpulse.simulation.lesson import VERDICT_OF, Lesson
from classpulse.simulation.person import HAPPY, MOODS, NEUTRAL, Identity, between, play
from classpulse.simulation.render import Renderer
from engine.faces import EMOTIONS, NEGATIVE, POSITIVE
from engine.vision.expression import FerScorer, crop_faces
from engine.vision.mtcnn.cascade import Mtcnn
from tracking.association import iou as overlap

PLAYED = ("happy", "surprise", "angry", "sad")


@dataclass(frozen=True)
class Seen:
    """Every drawn face: its mood, height, IoU with the face found there and that one's balance."""

    mood: npt.NDArray[np.str_]
    height: npt.NDArray[np.float64]
    iou: npt.NDArray[np.float64]
    balance: npt.NDArray[np.float64]
    invented: int
    """Faces found where there is none."""

    @property
    def found(self) -> npt.NDArray[np.bool_]:
        return self.iou > 0.4


@pytest.fixture(scope="module")
def seen() -> Seen:
    """Two frames of each of eight rooms of twelve, faces from 27 to 95 px, every mood as often as any other."""
    detector, scorer = Mtcnn(), FerScorer()
    rows: list[tuple[str, float, float, float]] = []
    invented = 0
    positive, negative = ([EMOTIONS.index(name) for name in names] for names in (POSITIVE, NEGATIVE))
    for seed in range(60, 64):
        for width, height in ((520, 292), (1120, 630)):
            moods = tuple(tuple(np.roll(PLAYED, student).tolist()) for student in range(12))
            renderer = Renderer(Lesson(seed=seed, width=width, height=height, mood_seconds=1, moods=moods))
            for number in (12, 37):
                frame = renderer.frame(number)
                boxes = detector.detect(frame.image).boxes
                emotions = scorer.score(crop_faces(frame.image, boxes)).astype(float)
                good, bad = emotions[:, positive].sum(axis=1), emotions[:, negative].sum(axis=1)
                iou = overlap(frame.boxes.astype(float), boxes.astype(float))
                best = iou.argmax(axis=1)
                invented += int((iou.max(axis=0) < 0.3).sum())
                rows += zip(
                    frame.mood,
                    frame.boxes[:, 3] - frame.boxes[:, 1],
                    iou.max(axis=1),
                    ((good - bad) / (good + bad))[best],
                    strict=True,
                )
    moods_of, heights, overlaps, balances = (np.array(column) for column in zip(*rows, strict=True))
    return Seen(moods_of, heights, overlaps, balances, invented)


def test_the_faces_are_of_the_sizes_that_are_promised(seen: Seen) -> None:
    assert 24 <= seen.height.min() < 30
    assert 90 < seen.height.max() <= 100


def test_mtcnn_finds_the_faces(seen: Seen) -> None:
    assert seen.found.mean() >= 0.97
    assert seen.invented == 0


def test_the_true_boxes_are_where_mtcnn_sees_them(seen: Seen) -> None:
    assert seen.iou[seen.found].mean() > 0.85


@pytest.mark.parametrize("mood", PLAYED)
def test_fer_reads_the_mood(seen: Seen, mood: str) -> None:
    balance = seen.balance[seen.found & (seen.mood == mood)]
    right = balance > 0.1 if VERDICT_OF[mood] == "interested" else balance < -0.1
    assert right.mean() >= 0.90


@pytest.mark.parametrize(
    ("pose", "moved"), [(Pose(yaw=0.5), (1, 0)), (Pose(yaw=-0.5), (-1, 0)), (Pose(pitch=0.8), (0, 1))]
)
def test_features_follow_the_turned_head(pose: Pose, moved: tuple[int, int]) -> None:
    """The dark nostrils move the way the head turns."""

    def nostrils(pose: Pose) -> npt.NDArray[np.float64]:
        sprite = draw_face(Identity.from_seed(0), NEUTRAL, 40, pose)
        where = Canvas(40, np.random.default_rng(0))
        area = (np.abs(where.x) < 0.6) & (np.abs(where.y - 0.5) < 0.3)
        darkness = np.where(area, np.clip(sprite.image[area].mean() * 0.75 - sprite.image.mean(axis=2), 0, None), 0)
        middle = [(darkness * where.x).sum() / darkness.sum(), (darkness * where.y).sum() / darkness.sum()]
        return np.array(middle, np.float64)

    shift = nostrils(pose) - nostrils(Pose())
    assert np.dot(shift, moved) > 0.05


def test_an_identity_is_its_seed() -> None:
    first, again, other = (Identity.from_seed(seed) for seed in (7, 7, 8))
    assert vars(first).keys() == vars(again).keys()
    for name, value in vars(first).items():
        np.testing.assert_array_equal(value, getattr(again, name))
    assert not np.array_equal(first.skin, other.skin)


def test_large_faces_play_milder_than_small_ones() -> None:
    assert between(NEUTRAL, HAPPY, 0) == NEUTRAL
    assert between(NEUTRAL, HAPPY, 1) == HAPPY
    for mood in ("happy", "surprise", "angry"):
        small, large = (abs(play(mood, height).brow_inner - NEUTRAL.brow_inner) for height in (24, 100))
        assert large < small <= abs(MOODS[mood].brow_inner - NEUTRAL.brow_inner)
