"""No face is left in the picture behind the seats."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import cv2
import numpy as np

from classpulse.report import page
from classpulse.report.backdrop import backdrop, coarse
from classpulse.report.excluded import FACE_PIXELS
from engine import Session
from engine.vision.mtcnn.cascade import Mtcnn
from engine.vision.sources.video import Video
from tests.pictures import Image, decoded


def picture_at(address: str) -> Image:
    return decoded(base64.b64decode(address.removeprefix("data:image/png;base64,")))


def test_a_face_is_left_with_few_pixels() -> None:
    image = np.zeros((360, 640, 3), np.uint8)
    assert coarse(image, 50).shape == (22, 38, 3)
    assert coarse(image, FACE_PIXELS).shape == image.shape
    assert coarse(image, 4000).shape == (1, 1, 3)


def test_no_detector_finds_a_face(recording: Path) -> None:
    with Video(recording) as video:
        frame = next(video.frames(None))
        detector = Mtcnn(min_face=12)
        assert len(detector.detect(frame.image)) == 4
        picture = picture_at(backdrop(recording, frame.time, 54, np.empty((0, 4))))
        assert picture.shape[0] < 40
        enlarged = cv2.resize(picture, (640, 360), interpolation=cv2.INTER_CUBIC)
        for shown in (picture, np.asarray(enlarged, np.uint8)):
            assert len(detector.detect(shown)) == 0


def test_picture_is_shown_only_where_it_is_asked_for(analysed: Session, recording: Path) -> None:
    assert "data:image" not in page.section("seats", analysed)
    html = page.section("seats", analysed, picture=True)
    found = re.search(r'<image href="(data:image/png;base64,[^"]+)"', html)
    assert found
    assert picture_at(found[1]).shape[1] < 80


def test_picture_of_a_video_that_is_gone(analysed: Session, recording: Path) -> None:
    moved = recording.rename(recording.with_name("moved.mp4"))
    try:
        html = page.section("seats", analysed, picture=True)
    finally:
        moved.rename(recording)
    assert "data:image" not in html
    assert "The video is missing" in html
