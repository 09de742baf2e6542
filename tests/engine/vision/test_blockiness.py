"""How blocky compression has made a picture: re-encoded footage, drawn lessons, and numbers by hand."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest
from av.video.stream import VideoStream

from classpulse.simulation.lesson import demo_lesson
from classpulse.simulation.render import frames
from engine.sessions.tracking import TOO_BLOCKY
from engine.vision.layout import blockiness
from tests.drawn import LESSON

Grey = npt.NDArray[np.uint8]


def read(path: Path, step: int = 25) -> list[Grey]:
    """Every so many frames of a video, grey."""
    with av.open(str(path)) as container:
        return [
            np.asarray(frame.to_ndarray(format="gray"), np.uint8)
            for frame in islice(container.decode(video=0), 0, 100, step)
        ]


def encoded(path: Path, copy: Path, bits: int, codec: str = "libx264") -> Path:
    """The first 4 s of a video at so many bits per second."""
    with av.open(str(path)) as source, av.open(str(copy), "w") as target:
        stream = source.streams.video[0]
        out = target.add_stream(codec, rate=stream.average_rate)
        assert isinstance(out, VideoStream)
        out.width, out.height, out.pix_fmt = stream.width // 2 * 2, stream.height // 2 * 2, "yuv420p"
        out.bit_rate = bits
        out.options = {"maxrate": str(bits), "bufsize": str(bits), "preset": "veryfast"}
        for frame in islice(source.decode(stream), 100):
            target.mux(out.encode(frame.reformat(out.width, out.height, "yuv420p")))
        target.mux(out.encode(None))
    return copy


def typical(images: Sequence[Grey]) -> float:
    return float(np.median([blockiness(image) for image in images]))


def test_steps_by_hand() -> None:
    """Within blocks a step of 1 from pixel to pixel, between them of 3, in both directions."""
    ramp = np.arange(96) + 2 * (np.arange(96) // 8)
    image = (ramp[:, None] + ramp[None, :]).clip(0, 255).astype(np.uint8)[:80, :80]
    assert blockiness(image) == pytest.approx(3.0, abs=0.01)
    assert blockiness(image[3:, 3:][:72, :72]) < 1  # no block begins at the edge
    sideways = (ramp[:, None] + np.arange(96)[None, :]).clip(0, 255).astype(np.uint8)[:80, :80]
    assert blockiness(sideways) == pytest.approx(3.0**0.5, abs=0.01)


def test_what_cannot_be_measured() -> None:
    assert np.isnan(blockiness(np.full((480, 640), 90, np.uint8)))
    assert np.isnan(blockiness(np.random.default_rng(0).integers(0, 255, (63, 640), np.uint8)))
    noise = np.random.default_rng(0).integers(0, 255, (480, 640), np.uint8)
    assert blockiness(noise) == pytest.approx(1.0, abs=0.02)


def test_drawn_lessons_are_not_blocky() -> None:
    for lesson in (LESSON, demo_lesson()):
        images = [cv2.cvtColor(drawn.image, cv2.COLOR_RGB2GRAY) for drawn in islice(frames(lesson), 3)]
        assert max(map(blockiness, images)) < 1.1  # type: ignore[arg-type]


def test_blocks_of_jpeg(shared: Path) -> None:
    image = read(shared / "footage" / "students.mp4")[0]
    found = [blockiness(_jpeg(image, quality)) for quality in (90, 75, 5)]
    assert found == sorted(found)
    assert found[1] < 1.3
    assert found[2] > TOO_BLOCKY


def _jpeg(image: Grey, quality: int) -> Grey:
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
    assert decoded is not None
    return np.asarray(decoded, np.uint8)


@pytest.mark.parametrize("name", ["students.mp4", "one_person.mp4", "walking_1080p.mp4"])
def test_recordings_as_they_come_are_not_blocky(shared: Path, name: str) -> None:
    assert typical(read(shared / "footage" / name)) < 1.15


@pytest.mark.slow
@pytest.mark.parametrize("name", ["students.mp4", "walking_1080p.mp4"])
def test_a_bit_rate_at_which_no_face_is_found_is_too_blocky(shared: Path, tmp_path: Path, name: str) -> None:
    path = shared / "footage" / name
    found = [typical(read(encoded(path, tmp_path / f"{bits}.mp4", bits))) for bits in (1_500_000, 200_000, 45_000)]
    assert found == sorted(found)
    assert found[0] < 1.3
    assert found[2] > TOO_BLOCKY
