"""Pass 1 depends on nothing but the video, the segment and the settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classpulse.simulation.render import Renderer
from classpulse.simulation.truth import Truth
from engine.settings import Settings
from engine.vision import networks
from engine.vision.appearance import LENGTH
from engine.vision.expression import crop_faces
from engine.vision.extraction import FeatureExtractor, Segment
from engine.vision.guided import DetectionScheduler
from engine.vision.sources.video import Video
from tests.drawn import FRAMES, LESSON, SEGMENTS, SETTINGS
from tests.engine.synthetic import write_video


@pytest.fixture(scope="module")
def extractor() -> FeatureExtractor:
    return FeatureExtractor(SETTINGS)


@pytest.fixture(scope="module")
def in_order(extractor: FeatureExtractor, recording: Path) -> list[Segment]:
    """All segments of the lesson, seen one after the other."""
    with Video(recording) as video:
        return list(extractor.segments(video))


def assert_same(one: Segment, other: Segment) -> None:
    assert one.number == other.number
    for mine, its in ((one.frames, other.frames), (one.faces.columns(), other.faces.columns())):
        assert mine.keys() == its.keys()
        for name in mine:
            np.testing.assert_array_equal(mine[name], its[name], err_msg=name)


def test_segments_of_the_lesson(in_order: list[Segment]) -> None:
    assert [segment.number for segment in in_order] == list(range(SEGMENTS))
    for segment in in_order:
        frames, faces = segment.frames, segment.faces
        assert set(np.floor(frames["time"] / 10)) == {segment.number}
        assert (np.diff(frames["pts"]) > 0).all()
        # Faces stand in the order of their frames, numbered from 0 in each, and every frame knows how many.
        assert frames["faces"].sum() == len(faces) > 0
        np.testing.assert_array_equal(faces.pts, np.repeat(frames["pts"], frames["faces"]))
        np.testing.assert_array_equal(faces.face, np.concatenate([np.arange(n) for n in frames["faces"]]))
    assert sum(len(segment.frames["pts"]) for segment in in_order) == FRAMES


@pytest.mark.parametrize("number", [3, 1, 0])
def test_a_segment_alone_is_the_same_as_in_order(
    extractor: FeatureExtractor, recording: Path, in_order: list[Segment], number: int
) -> None:
    with Video(recording) as video:
        (alone,) = extractor.segments(video, number, number + 1)
    assert_same(alone, in_order[number])


def test_new_networks_see_the_same(recording: Path, in_order: list[Segment]) -> None:
    with Video(recording) as video:
        (again,) = FeatureExtractor(SETTINGS).segments(video, 2, 3)
    assert_same(again, in_order[2])


def test_batches_score_as_single_faces_do(
    extractor: FeatureExtractor, recording: Path, in_order: list[Segment]
) -> None:
    """Faces of several frames are scored in one batch: whatever else is in it must not matter."""
    with Video(recording) as video:
        frame = next(video.frames(SETTINGS.sample_rate, start=20))
    found = extractor.detector.detect(
        frame.image, DetectionScheduler(SETTINGS.min_face).regions(frame.time)
    )  # a segment's first frame
    assert extractor.scorer is not None
    scores = extractor.scorer.score(crop_faces(frame.image, found.boxes, SETTINGS.crop_margin))
    stored = in_order[2].faces
    here = stored.pts == frame.pts
    np.testing.assert_array_equal(stored.boxes_xyxy[here], found.boxes)
    np.testing.assert_allclose(stored.scores[here], scores, atol=1e-5)


def test_faces_of_the_lesson_are_where_they_were_drawn(drawn: tuple[Path, Truth], in_order: list[Segment]) -> None:
    _, truth = drawn
    for segment in in_order:
        for pts, time, n in zip(*(segment.frames[name] for name in ("pts", "time", "faces")), strict=True):
            true = truth.boxes[np.isclose(truth.time, time)]
            boxes = segment.faces.boxes_xyxy[segment.faces.pts == pts]
            assert len(true) == LESSON.students
            centres = (boxes[:, :2] + boxes[:, 2:]) / 2
            inside = (true[None, :, :2] < centres[:, None]) & (centres[:, None] < true[None, :, 2:])
            # Each box has its centre in one true face, and no two in the same.
            assert inside.all(axis=2).sum(axis=1).tolist() == [1] * n
            assert inside.all(axis=2).sum(axis=0).max() == 1


def test_the_camera_stood_still(in_order: list[Segment]) -> None:
    """Motion is known in all frames but the recording's first, also across segments."""
    a, b, x, y = (np.concatenate([s.frames[f"camera_{name}"] for s in in_order]) for name in "abxy")
    assert np.isnan(a).tolist() == [True] + [False] * (FRAMES - 1)
    np.testing.assert_allclose(a[1:], 1, atol=0.002)
    np.testing.assert_allclose(np.stack([b, x, y])[:, 1:], 0, atol=0.5)


def test_a_pan_is_measured(extractor: FeatureExtractor, tmp_path: Path) -> None:
    """Frames at 8, 9, 10 and 11 s, 6 px further to the right each time, and one after a long gap."""
    wide = np.tile(Renderer(LESSON).frame(0).image, (1, 2, 1))
    images = [wide[:, 6 * i : 6 * i + LESSON.width].copy() for i in range(5)]
    path = write_video(tmp_path / "pan.mp4", (0, 8, 9, 10, 14), images=images, time_base=Fraction(1))
    with Video(path) as video:
        first, second = extractor.segments(video)
        (alone,) = extractor.segments(video, 1, 2)
    for segment, x in ((first, [np.nan, np.nan, -6]), (second, [-6, np.nan])):
        np.testing.assert_allclose(segment.frames["camera_x"], x, atol=0.3)
        np.testing.assert_allclose(segment.frames["camera_y"], np.array(x) * 0, atol=0.3)
    assert_same(alone, second)


def test_looks_and_blocks_are_measured_once_a_second(recording: Path) -> None:
    with Video(recording) as video:
        (segment,) = FeatureExtractor(Settings(sample_rate=2, min_face=40)).segments(video, 3)
    looked = segment.faces.appearance.any(axis=1)
    seconds = segment.frames["time"][np.searchsorted(segment.frames["pts"], segment.faces.pts)]
    np.testing.assert_array_equal(looked, seconds % 1 == 0)
    assert segment.faces.appearance.shape == (len(segment.faces), LENGTH)
    assert 0 < looked.sum() < len(segment.faces)
    measured = np.isfinite(segment.frames["blockiness"])
    np.testing.assert_array_equal(measured, segment.frames["time"] % 1 == 0)


def test_every_frame_is_told_as_soon_as_it_is_seen(
    extractor: FeatureExtractor, recording: Path, in_order: list[Segment]
) -> None:
    told: list[tuple[int, int]] = []
    with Video(recording) as video:
        for segment in extractor.segments(video, 2, 3, lambda frame, found: told.append((frame.pts, len(found)))):
            assert told == list(zip(segment.frames["pts"], segment.frames["faces"], strict=True))


def test_segments_without_a_frame_are_left_out(extractor: FeatureExtractor, tmp_path: Path) -> None:
    """Frames at 0, 1, 35 and 36 s: nothing of segments 1 and 2."""
    face = Renderer(LESSON).frame(0).image
    path = write_video(tmp_path / "gap.mp4", (0, 1, 35, 36), images=[face] * 4, time_base=Fraction(1))
    with Video(path) as video:
        segments = list(extractor.segments(video))
        (alone,) = extractor.segments(video, 3, 4)
    assert [segment.number for segment in segments] == [0, 3]
    assert [len(segment.frames["pts"]) for segment in segments] == [2, 2]
    assert [len(segment.faces) for segment in segments] == [8, 8]
    assert_same(alone, segments[1])


def test_resuming_within_a_gap_begins_after_it(extractor: FeatureExtractor, tmp_path: Path) -> None:
    face = Renderer(LESSON).frame(0).image
    path = write_video(tmp_path / "gap.mp4", (0, 1, 35), images=[face] * 3, time_base=Fraction(1))
    with Video(path) as video:
        assert [segment.number for segment in extractor.segments(video, 2)] == [3]


def test_frames_without_faces_are_kept(extractor: FeatureExtractor, tmp_path: Path) -> None:
    path = write_video(tmp_path / "grey.mp4", images=[np.full((90, 160, 3), 128, np.uint8)] * 30)
    with Video(path) as video:
        (segment,) = extractor.segments(video)
    assert segment.frames["faces"].tolist() == [0, 0]
    assert len(segment.faces) == 0


def test_settings_reach_the_detector(recording: Path) -> None:
    """The lesson's faces are 54 px high: a detector for larger ones finds none."""
    with Video(recording) as video:
        (segment,) = FeatureExtractor(Settings(sample_rate=1, min_face=150)).segments(video, 3)
    assert len(segment.frames["pts"]) == 2
    assert len(segment.faces) == 0


def test_without_expression_the_same_faces_are_seen_and_nothing_of_the_emotion_network_is_opened(
    recording: Path, in_order: list[Segment], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    read = networks._read

    def noted(name: str | Path) -> bytes:
        opened.append(str(name))
        return read(name)

    monkeypatch.setattr(networks, "_read", noted)
    with Video(recording) as video:
        (segment,) = FeatureExtractor(
            dataclasses.replace(SETTINGS, expression=False, strategy="attention")
        ).segments(video, 2, 3)
    assert sorted(set(opened)) == ["onet", "pnet", "pnet_sparse", "rnet"]
    assert np.isnan(segment.faces.scores).all()
    for name, scored in in_order[2].faces.arrays().items():
        if name in ("scores", "loglik"):
            assert np.isnan(getattr(segment.faces, name)).all()
        else:
            np.testing.assert_array_equal(getattr(segment.faces, name), scored)


def test_precision_reaches_the_networks(recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In f32 nothing is in bf16 or 8 bits, whatever the processor has; a full scan finds the same faces."""
    asked = []
    openvino = networks._openvino

    def noted(
        name: str, data: bytes, threads: int, precision: str, block: int, largest: Sequence[float], *, trunk: bool
    ) -> Any:
        asked.append("8 bits" if largest else precision)
        return openvino(name, data, threads, precision, block, largest, trunk=trunk)

    monkeypatch.setattr(networks, "_openvino", noted)
    full = dataclasses.replace(SETTINGS, scan="full")
    with Video(recording) as video:
        (plain,) = FeatureExtractor(dataclasses.replace(full, precision="f32")).segments(video, 3)
        assert set(asked) == {"f32"}
        (prefiltered,) = FeatureExtractor(full).segments(video, 3)
    assert ("bf16" in asked) == ("8 bits" in asked) == networks.has_bf16()
    assert_same(plain, prefiltered)


def test_two_networks_read_each_face_once_a_second_and_one_reads_all(recording: Path) -> None:
    """At two frames a second every other face, in each segment from its first frame on."""
    settings = Settings(sample_rate=2, min_face=40, scorer="fused")
    with Video(recording) as video:
        (segment,) = FeatureExtractor(settings).segments(video, 1, 2)
        (alone,) = FeatureExtractor(dataclasses.replace(settings, scorer="fer")).segments(video, 1, 2)
    faces = segment.faces
    assert np.isfinite(faces.loglik).all()
    assert np.isfinite(alone.faces.loglik).all()
    read = (faces.loglik != alone.faces.loglik).any(axis=1)
    seconds = np.repeat(segment.frames["time"], segment.frames["faces"]) % 1
    np.testing.assert_array_equal(read, seconds < 0.25)
    assert 0 < read.sum() < len(read)
    np.testing.assert_array_equal(alone.faces.scores, faces.scores)
