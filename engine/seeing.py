"""Pass 1: a pure function of (video, segment, settings) to the segment's sampled frames and its scored faces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.detection import Detections, Detector, Mtcnn
from engine.expression import Crops, FerScorer, Scorer, crop_faces
from engine.faces import Faces
from engine.quality import measure
from engine.settings import SEGMENT_SECONDS, Settings
from engine.video import Frame, Video

OnFrame = Callable[[Frame, Detections], None]
Ticks = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Segment:
    """What pass 1 saw in one segment."""

    number: int
    frames: dict[str, npt.NDArray[Any]]
    """Columns `pts` (ticks), `time` (s) and `faces` (how many), a row for every sampled frame."""
    faces: Faces


class Seer:
    """The detector and the scorer that `settings` ask for, loaded once and used for any number of segments."""

    def __init__(self, settings: Settings) -> None:
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
            start=first * SEGMENT_SECONDS,
            stop=None if stop is None else stop * SEGMENT_SECONDS,
        )
        due = first
        for number, group in groupby(frames, key=lambda frame: int(frame.time // SEGMENT_SECONDS)):
            for skipped in range(due, number):
                yield self.see(skipped, (), on_frame)
            yield self.see(number, group, on_frame)
            due = number + 1

    def see(self, number: int, frames: Iterable[Frame], on_frame: OnFrame | None = None) -> Segment:
        """See the frames of segment `number`, which share nothing with those of any other."""
        pts: list[int] = []
        times: list[float] = []
        found: list[Detections] = []
        crops: list[Crops] = []
        for frame in frames:
            pts.append(frame.pts)
            times.append(frame.time)
            found.append(self.detector.detect(frame.image))
            crops.append(crop_faces(frame.image, found[-1].boxes, self.settings.crop_margin))
            if on_frame:
                on_frame(frame, found[-1])
        counts = np.fromiter(map(len, found), np.int64)
        ticks = np.array(pts, np.int64)
        columns = {"pts": ticks, "time": np.array(times, np.float64), "faces": counts}
        return Segment(number, columns, self._faces(ticks, counts, found, crops))

    def _faces(self, pts: Ticks, counts: Ticks, found: list[Detections], crops: list[Crops]) -> Faces:
        if not counts.sum():
            return Faces.empty()
        boxes = np.concatenate([detections.boxes for detections in found])
        landmarks = np.concatenate([detections.landmarks for detections in found])
        every_crop = np.concatenate(crops)
        measured = measure(every_crop, boxes, landmarks, self.settings)
        return Faces(
            pts=np.repeat(pts, counts),
            face=np.arange(len(boxes)) - np.repeat(np.cumsum(counts) - counts, counts),
            boxes=boxes,
            score=np.concatenate([detections.scores for detections in found]),
            landmarks=landmarks,
            emotions=self.scorer.score(every_crop),
            **vars(measured),
        )


def _networks(settings: Settings) -> tuple[Detector, Scorer]:
    if settings.engine == "reference":
        from engine.reference import ReferenceDetector, ReferenceScorer

        return ReferenceDetector(settings.min_face, settings.thresholds), ReferenceScorer()
    return Mtcnn(settings.min_face, settings.thresholds, device=settings.device), FerScorer(settings.device)
