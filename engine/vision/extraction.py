"""Pass 1: a pure function of (video, segment, settings) to the segment's sampled frames and its scored faces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple, cast

import cv2
import numpy as np
import numpy.typing as npt

from engine.arrays import inside_squares
from engine.faces import EMOTIONS, Faces
from engine.settings import SEGMENT_SECONDS, Settings
from engine.vision.appearance import LENGTH, describe
from engine.vision.detectors import open_detector
from engine.vision.expression import Crops, FerScorer, Scorer, crop_faces
from engine.vision.guided import Guide
from engine.vision.motion import estimate_motion, small_grey
from engine.vision.mtcnn.cascade import Detections, Detector
from engine.vision.quality import measure
from engine.vision.sources.video import Frame, Video

OnFrame = Callable[[Frame, Detections], None]
Ticks = npt.NDArray[np.int64]
Image = npt.NDArray[np.uint8]
#: Two frames further apart than this, s, or than two samples, are not compared: how the camera moved is unknown.
MOTION_REACH = 2.0
UNKNOWN = np.full((2, 3), np.nan)


class Sampled(NamedTuple):
    """A sampled frame with its grey image, as large and small."""

    frame: Frame
    grey: Image
    small: Image
    scale: float
    """Size of `small` as a share of the frame's."""


@dataclass(frozen=True, eq=False)
class Segment:
    """What pass 1 saw in one segment."""

    number: int
    frames: dict[str, npt.NDArray[Any]]
    """Columns `pts` (ticks), `time` (s), `faces` (how many) and `camera_a`, `_b`, `_x` and `_y` (see the table
    `frames`; NaN where unknown), a row for every sampled frame."""
    faces: Faces


class Seer:
    """The detector and the scorer that `settings` ask for, loaded once and used for any number of segments."""

    def __init__(self, settings: Settings) -> None:
        cv2.setNumThreads(1)  # its threads wait by spinning; other cores have Seers of their own
        self.settings = settings
        self.detector, self.scorer = _networks(settings)

    def segments(
        self, video: Video, first: int = 0, stop: int | None = None, on_frame: OnFrame | None = None
    ) -> Iterator[Segment]:
        """See segments `first`, `first` + 1, ... up to `stop` (left out), or to where the video ends.

        A segment in which nothing was sampled (a gap in the recording) comes as one without frames. `on_frame`
        is told of every frame as soon as its faces are found.
        """
        frames = video.frames(
            self.settings.sample_rate,
            start=max(first * SEGMENT_SECONDS - self._reach, 0),
            stop=None if stop is None else stop * SEGMENT_SECONDS,
        )
        return self.over(frames, first, on_frame)

    def over(self, frames: Iterable[Frame], first: int = 0, on_frame: OnFrame | None = None) -> Iterator[Segment]:
        """The same over frames in order of time; those before segment `first` only tell how the camera moved."""
        due = first
        for number, group in groupby(_in_pairs(frames), key=_segment_of):
            if number < first:
                continue
            for skipped in range(due, number):
                yield self.see(skipped, (), on_frame)
            yield self.see(number, group, on_frame)
            due = number + 1

    def see(
        self,
        number: int,
        pairs: Iterable[tuple[Sampled | None, Sampled]],
        on_frame: OnFrame | None = None,
    ) -> Segment:
        """See the frames of segment `number`, each given after the one before it, also that of another segment."""
        pts: list[int] = []
        times: list[float] = []
        found: list[Detections] = []
        crops: list[Crops] = []
        looks: list[Image] = []
        motion: list[npt.NDArray[np.float64]] = []
        second = -1
        # Begun anew with every segment, whose first frame is looked at in full: segments share nothing.
        guide = Guide(self.settings.min_face) if self.settings.scan == "guided" else None
        for before, now in pairs:
            frame = now.frame
            pts.append(frame.pts)
            times.append(frame.time)
            hints = guide.hints(frame.time, before and before.small, now.small, now.scale) if guide else None
            found.append(_outside(self.detector.detect(frame.image, hints), self.settings.exclude))
            boxes = found[-1].boxes
            crops.append(crop_faces(now.grey, boxes, self.settings.crop_margin))
            # One look a second is enough to tell clothes apart.
            new_second, second = int(frame.time) != second, int(frame.time)
            looks.append(describe(frame.image, boxes) if new_second else np.zeros((len(boxes), LENGTH), np.uint8))
            near = before is not None and frame.time - before.frame.time <= self._reach
            motion.append(_motion(before, now, boxes) if before and near else UNKNOWN)
            if guide:
                guide.saw(frame.time, found[-1], motion[-1])
            if on_frame:
                on_frame(frame, found[-1])
        counts = np.fromiter(map(len, found), np.int64)
        ticks = np.array(pts, np.int64)
        affines = np.array(motion).reshape(-1, 2, 3)
        columns = {
            "pts": ticks,
            "time": np.array(times, np.float64),
            "faces": counts,
            "camera_a": affines[:, 0, 0],
            "camera_b": affines[:, 1, 0],
            "camera_x": affines[:, 0, 2],
            "camera_y": affines[:, 1, 2],
        }
        return Segment(number, columns, self._faces(ticks, counts, found, crops, looks))

    @property
    def _reach(self) -> float:
        rate = self.settings.sample_rate
        return MOTION_REACH if rate is None else max(MOTION_REACH, 2 / rate)

    def _faces(
        self, pts: Ticks, counts: Ticks, found: list[Detections], crops: list[Crops], looks: list[Image]
    ) -> Faces:
        if not counts.sum():
            return Faces.empty()
        boxes = np.concatenate([detections.boxes for detections in found])
        landmarks = np.concatenate([detections.landmarks for detections in found])
        every_crop = np.concatenate(crops)
        measured = measure(every_crop, boxes, landmarks, self.settings)
        return Faces(
            pts=np.repeat(pts, counts),
            face=np.arange(len(boxes)) - np.repeat(np.cumsum(counts) - counts, counts),
            boxes_xyxy=boxes,
            score=np.concatenate([detections.scores for detections in found]),
            landmarks=landmarks,
            scores=self._scores(every_crop),
            appearance=np.concatenate(looks),
            **vars(measured),
        )

    def _scores(self, crops: Crops) -> npt.NDArray[np.float32]:
        if self.scorer is None:
            return np.full((len(crops), len(EMOTIONS)), np.nan, np.float32)
        return self.scorer.score(crops)


def _in_pairs(frames: Iterable[Frame]) -> Iterator[tuple[Sampled | None, Sampled]]:
    """Each frame after the one before it."""
    before = None
    for frame in frames:
        grey = cast(Image, cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY))
        now = Sampled(frame, grey, *small_grey(grey))
        yield before, now
        before = now


def _segment_of(pair: tuple[Sampled | None, Sampled]) -> int:
    return int(pair[1].frame.time // SEGMENT_SECONDS)


def _outside(found: Detections, squares: tuple[tuple[float, float, float], ...]) -> Detections:
    """Those whose middle lies in none of the `squares`, (x, y, side) px."""
    outside = ~inside_squares(found.boxes, squares)
    return Detections(found.boxes[outside], found.scores[outside], found.landmarks[outside])


def _motion(before: Sampled, now: Sampled, boxes: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """(2, 3) from the frame before to this one, whose faces are `boxes`.

    Measured backwards and inverted: where the faces were in the frame before, the segment need not know.
    """
    back = estimate_motion(now.small, before.small, boxes, scale=now.scale)
    return np.linalg.inv(np.vstack([back, [0, 0, 1]]))[:2] if np.isfinite(back).all() else UNKNOWN


def _networks(settings: Settings) -> tuple[Detector, Scorer | None]:
    """The scorer is None, and nothing of it is loaded, where faces are not to be scored."""
    if settings.engine == "reference":
        from engine.vision.reference import ReferenceDetector, ReferenceScorer

        detector = ReferenceDetector(settings.min_face, settings.thresholds)
        return detector, ReferenceScorer() if settings.expression else None
    scorer = FerScorer(settings.device) if settings.expression else None
    return open_detector(settings), scorer
