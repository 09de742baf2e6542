"""Pass 1: a pure function of (source, segment, settings) to the segment's sampled frames and its scored faces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple, cast

import cv2
import numpy as np
import numpy.typing as npt

from engine.arrays import inside_squares
from engine.faces import FER, LOGLIK, Faces
from engine.settings import SEGMENT_SECONDS, Settings
from engine.vision.appearance import LENGTH, describe
from engine.vision.detection import Detections, Detector, Image, RegionsOfInterest
from engine.vision.detectors import open_detector
from engine.vision.expression import CROP_SIZE, FerScorer, crop_faces
from engine.vision.guided import DetectionScheduler
from engine.vision.layout import Layout, Thumbnail, blockiness, describe_layout, thumbnail, unexplained_share
from engine.vision.moods.fusion import FusedScorer
from engine.vision.moods.schedule import ReadingSchedule
from engine.vision.motion import estimate_motion, small_grey
from engine.vision.quality import Quality, measure
from engine.vision.scorers import CropFormat, Crops, Floats, Scorer, open_scorer, score_faces
from engine.vision.sources.protocol import Frame, FrameSource

OnFrame = Callable[[Frame, Detections], None]
Ticks = npt.NDArray[np.int64]
#: Two frames further apart than this, s, or than two samples, are not compared: the camera's motion is unknown.
MAX_MOTION_GAP = 2.0
UNKNOWN = np.full((2, 3), np.nan)
#: What quality is measured on, whatever the scorer is given.
MEASURED = CropFormat(CROP_SIZE)


class Sampled(NamedTuple):
    """A sampled frame with its grey image, in full size and reduced."""

    frame: Frame
    grey: Image
    small: Image
    scale: float
    """Size of `small` as a share of the frame's."""
    thumbnail: Thumbnail


class View(NamedTuple):
    """What the camera shows in a frame, apart from faces."""

    motion: npt.NDArray[np.float64]
    """(2, 3) of the camera since the frame before; NaN where unknown."""
    unexplained: float
    """Share of the picture that this does not explain; NaN where no frame is shortly before."""
    layout: Layout
    blockiness: float
    """See `engine.vision.layout.blockiness`; NaN for all but one frame a second."""


@dataclass(frozen=True, eq=False)
class Segment:
    """The result of pass 1 for one segment."""

    number: int
    frames: dict[str, npt.NDArray[Any]]
    """Columns `pts` (ticks), `time` (s), `faces` (how many), `camera_a`, `_b`, `_x`, `_y` and `unexplained` (see
    the table `frames`; NaN where unknown) `layout` (bytes) and `blockiness`, a row for every sampled frame."""
    faces: Faces


class FeatureExtractor:
    """The detector and the scorer that `settings` name, loaded once and used for any number of segments."""

    def __init__(self, settings: Settings) -> None:
        cv2.setNumThreads(1)  # its threads wait by spinning; other cores run their own extractors
        self.settings = settings
        self.detector, self.scorer = _open_detector(settings), _open_scorer(settings)
        self.classes = self.scorer.classes if self.scorer else FER
        self.fused = self.scorer.fused if isinstance(self.scorer, FusedScorer) else None

    def segments(
        self, source: FrameSource, first: int = 0, stop: int | None = None, on_frame: OnFrame | None = None
    ) -> Iterator[Segment]:
        """Process segments `first`, `first` + 1, ... up to `stop` (exclusive), or to the end of the source.

        A segment in which nothing was sampled (a gap in the recording) is left out. `on_frame` is called for every
        frame as soon as its faces are detected.
        """
        frames = source.frames(
            self.settings.sample_rate,
            start=max(first * SEGMENT_SECONDS - self._max_gap, 0),
            stop=None if stop is None else stop * SEGMENT_SECONDS,
        )
        return self.from_frames(frames, first, on_frame)

    def from_frames(
        self, frames: Iterable[Frame], first: int = 0, on_frame: OnFrame | None = None
    ) -> Iterator[Segment]:
        """The same for frames in order of time; those before segment `first` only serve to measure motion."""
        for number, group in groupby(_in_pairs(frames), key=_segment_of):
            if number >= first:
                yield self.extract(number, group, on_frame)

    def extract(
        self,
        number: int,
        pairs: Iterable[tuple[Sampled | None, Sampled]],
        on_frame: OnFrame | None = None,
    ) -> Segment:
        """Process the frames of segment `number`, each paired with the previous one, also of another segment."""
        pts: list[int] = []
        times: list[float] = []
        detections: list[Detections] = []
        crops: list[Crops] = []
        scorer_crops: list[Crops] = []
        appearance: list[Image] = []
        due: list[npt.NDArray[np.bool_]] = []
        views: list[View] = []
        second = -1
        # A new one for each segment, whose first frame is scanned in full: segments share nothing.
        scheduler = DetectionScheduler(self.settings.min_face) if self.settings.scan == "guided" else None
        schedule = ReadingSchedule() if self.fused else None
        for previous, current in pairs:
            frame = current.frame
            pts.append(frame.pts)
            times.append(frame.time)
            regions = _regions(scheduler, previous, current) if scheduler else None
            faces = _without_excluded(self.detector.detect(frame.image, regions), self.settings.exclude)
            detections.append(faces)
            due.append(schedule.due(frame.time, faces.boxes) if schedule else np.zeros(len(faces), np.bool_))
            crops.append(crop_faces(current.grey, faces.boxes, self.settings.crop_margin))
            if self._scorer_format:
                scorer_crops.append(self._crop(current, faces.boxes, self._scorer_format))
            # Once a second is enough to distinguish clothes, and to know how blocky the picture is.
            new_second, second = int(frame.time) != second, int(frame.time)
            appearance.append(
                describe(frame.image, faces.boxes) if new_second else np.zeros((len(faces), LENGTH), np.uint8)
            )
            near = previous is not None and frame.time - previous.frame.time <= self._max_gap
            blocky = blockiness(current.grey) if new_second else np.nan
            views.append(_view(previous if near else None, current, faces.boxes, blocky))
            if scheduler:
                scheduler.update(frame.time, faces, views[-1].motion, views[-1].layout)
            if on_frame:
                on_frame(frame, faces)
        counts = np.fromiter(map(len, detections), np.int64)
        ticks = np.array(pts, np.int64)
        columns = {"pts": ticks, "time": np.array(times, np.float64), "faces": counts, **_view_columns(views)}
        segment_faces = self._faces(ticks, counts, detections, crops, scorer_crops or crops, appearance, due)
        return Segment(number, columns, segment_faces)

    @property
    def _max_gap(self) -> float:
        rate = self.settings.sample_rate
        return MAX_MOTION_GAP if rate is None else max(MAX_MOTION_GAP, 2 / rate)

    @property
    def _scorer_format(self) -> CropFormat | None:
        """The format of the scorer's crops; None if it is that of the crops that quality is measured on."""
        crop_format = self.scorer.crops if self.scorer else MEASURED
        return (
            None if crop_format in (MEASURED, MEASURED._replace(margin=self.settings.crop_margin)) else crop_format
        )

    def _crop(self, current: Sampled, boxes: npt.NDArray[np.float32], crop_format: CropFormat) -> Crops:
        margin = self.settings.crop_margin if crop_format.margin is None else crop_format.margin
        image = current.frame.image if crop_format.colour else current.grey
        return crop_faces(image, boxes, margin, crop_format.size, colour=crop_format.colour)

    def _faces(
        self,
        pts: Ticks,
        counts: Ticks,
        detections: list[Detections],
        crops: list[Crops],
        scorer_crops: list[Crops],
        appearance: list[Image],
        due: list[npt.NDArray[np.bool_]],
    ) -> Faces:
        if not counts.sum():
            return Faces.empty(self.classes)
        boxes = np.concatenate([each.boxes for each in detections])
        landmarks = np.concatenate([each.landmarks for each in detections])
        measured = measure(np.concatenate(crops), boxes, landmarks, self.settings)
        scores, loglik = self._scores(np.concatenate(scorer_crops), np.concatenate(due), measured)
        return Faces(
            pts=np.repeat(pts, counts),
            face=np.arange(len(boxes)) - np.repeat(np.cumsum(counts) - counts, counts),
            boxes_xyxy=boxes,
            score=np.concatenate([each.scores for each in detections]),
            landmarks=landmarks,
            scores=scores,
            loglik=loglik,
            appearance=np.concatenate(appearance),
            classes=self.classes,
            **vars(measured),
        )

    def _scores(self, crops: Crops, due: npt.NDArray[np.bool_], measured: Quality) -> tuple[Floats, Floats]:
        """Scores and log-likelihoods; NaN where there are none. Both networks read the faces that are `due`."""
        if isinstance(self.scorer, FerScorer):
            scores, loglik = self.scorer.read(crops)
            if self.fused is not None:
                loglik[due] = self.fused(crops[due])
            return scores, loglik
        loglik = np.full((len(crops), len(LOGLIK)), np.nan, np.float32)
        if self.scorer is None:
            return np.full((len(crops), len(self.classes)), np.nan, np.float32), loglik
        return score_faces(self.scorer, crops, vars(measured)), loglik


def _in_pairs(frames: Iterable[Frame]) -> Iterator[tuple[Sampled | None, Sampled]]:
    """Each frame with the one before it."""
    previous = None
    for frame in frames:
        grey = cast(Image, cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY))
        small, scale = small_grey(grey)
        current = Sampled(frame, grey, small, scale, thumbnail(small))
        yield previous, current
        previous = current


def _segment_of(pair: tuple[Sampled | None, Sampled]) -> int:
    return int(pair[1].frame.time // SEGMENT_SECONDS)


def _without_excluded(faces: Detections, squares: tuple[tuple[float, float, float], ...]) -> Detections:
    """The faces whose centre lies in none of the `squares`, (x, y, side) px."""
    return faces[~inside_squares(faces.boxes, squares)]


def _regions(scheduler: DetectionScheduler, previous: Sampled | None, current: Sampled) -> RegionsOfInterest:
    if previous is None:
        return scheduler.regions(current.frame.time)
    thumbnails = previous.thumbnail, current.thumbnail
    return scheduler.regions(current.frame.time, previous.small, current.small, current.scale, thumbnails)


def _view(previous: Sampled | None, current: Sampled, boxes: npt.NDArray[np.float32], blocky: float) -> View:
    """What is measured of the frame after `previous`, whose faces are `boxes`, and which is as `blocky` as that."""
    layout = describe_layout(current.thumbnail)
    if previous is None:
        return View(UNKNOWN, np.nan, layout, blocky)
    motion = _motion(previous, current, boxes)
    height, width = current.grey.shape
    share = unexplained_share(previous.thumbnail, current.thumbnail, motion, (width, height))
    return View(motion, share, layout, blocky)


def _view_columns(views: list[View]) -> dict[str, npt.NDArray[Any]]:
    """The columns of the table `frames` that `views`, one a frame, become."""
    affines = np.array([view.motion for view in views]).reshape(-1, 2, 3)
    layouts = np.empty(len(views), np.object_)
    layouts[:] = [view.layout.tobytes() if view.layout.any() else None for view in views]
    return {
        "camera_a": affines[:, 0, 0],
        "camera_b": affines[:, 1, 0],
        "camera_x": affines[:, 0, 2],
        "camera_y": affines[:, 1, 2],
        "unexplained": np.array([view.unexplained for view in views], np.float64),
        "layout": layouts,
        "blockiness": np.array([view.blockiness for view in views], np.float64),
    }


def _motion(previous: Sampled, current: Sampled, boxes: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """(2, 3) from the previous frame to the current one, whose faces are `boxes`.

    Measured backwards and inverted, so that a segment need not know the faces of the previous one.
    """
    back = estimate_motion(current.small, previous.small, boxes, scale=current.scale)
    return np.linalg.inv(np.vstack([back, [0, 0, 1]]))[:2] if np.isfinite(back).all() else UNKNOWN


def _open_scorer(settings: Settings) -> Scorer | None:
    """The scorer that the settings ask for, the original where `engine` does; None where faces are not scored."""
    if settings.expression and settings.engine == "reference":
        from engine.vision.reference import ReferenceScorer

        return ReferenceScorer()
    return open_scorer(settings)


def _open_detector(settings: Settings) -> Detector:
    if settings.engine == "reference":
        from engine.vision.reference import ReferenceDetector

        return ReferenceDetector(settings.min_face, settings.thresholds)
    return open_detector(settings)
