"""How many people each of two detectors sees in a few frames of a recording: which of them is the one for it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from engine.errors import UsageError
from engine.settings import Settings
from engine.vision.detection import Detector, Image
from engine.vision.detectors import open_detector
from engine.vision.sources.protocol import FrameSource, SourceWarning
from engine.vision.sources.registry import open_source

#: `Settings.detector` that is replaced by one of the two below before anything is detected.
AUTO = "auto"
USUAL, BACK_ROWS = "mtcnn", "retinaface"
#: Frames that are looked at, and how many times as many people BACK_ROWS must see to be the one for the recording.
FRAMES, MORE = 12, 1.2
#: How many guided frames of USUAL take as long as a frame of a check, and the share of the analysis that a check
#: nobody asked for may take: a full scan takes 5 to 6 times as long as a guided one (`make bench-guided`).
FRAME_COST, SHARE = 12, 0.02
#: Lowest score of a face that counts: weaker ones are for trackers.
SURE = 0.8


@dataclass(frozen=True)
class SpotCheck:
    """The mean number of people in `frames` frames, as each detector sees them."""

    usual: float
    back_rows: float
    frames: int

    @property
    def better(self) -> str:
        """The detector for the recording."""
        return BACK_ROWS if self.back_rows > 0 and self.back_rows >= MORE * self.usual else USUAL

    def __str__(self) -> str:
        return (
            f"{BACK_ROWS} sees about {self.back_rows:.0f} people and {USUAL} {self.usual:.0f} "
            f"in {self.frames} frames of it"
        )


def check(location: Path, settings: Settings) -> SpotCheck:
    """Both detectors over FRAMES frames spread evenly over the recording at `location`.

    Where the recording states no duration these are its first ones, a second apart. Deterministic. Raises what
    opening the source and the detectors does.
    """
    detectors = [open_detector(dataclasses.replace(settings, detector=name)) for name in (USUAL, BACK_ROWS)]
    seen = [0, 0]
    frames = 0
    with open_source(location, settings) as source:  # one of its own: the session's counts what is damaged
        starts = [(i + 0.5) / FRAMES * source.duration for i in range(FRAMES)] if source.duration else [0.0]
        if not source.seekable:
            starts = [0.0]
        for start in starts:
            rate = settings.sample_rate if len(starts) > 1 else 1.0
            for frame in islice(source.frames(rate, start), FRAMES // len(starts)):
                frames += 1
                for i, detector in enumerate(detectors):
                    seen[i] += _sure(detector, frame.image)
    usual, back_rows = (count / max(frames, 1) for count in seen)
    return SpotCheck(usual, back_rows, frames)


def _sure(detector: Detector, image: Image) -> int:
    return int((detector.detect(image).scores >= SURE).sum())


def choose(location: Path, settings: Settings) -> Settings:
    """The settings with the detector that a check finds better in place of AUTO, and what it found as `spot_check`.

    Raises UsageError for weights, of which it would not be known for which detector they are.
    """
    if settings.detector != AUTO:
        return settings
    if settings.detector_weights is not None:
        raise UsageError("--detector auto chooses between detectors without --detector-weights; leave them out")
    found = check(location, settings)
    return dataclasses.replace(settings, detector=found.better, spot_check=str(found))


def advice(source: FrameSource, frames: int, settings: Settings) -> list[SourceWarning]:
    """What was chosen by a check, or would be better for a recording of which `frames` frames were analysed.

    Without AUTO there is a check only where it takes less than SHARE of what the analysis does.
    """
    if settings.spot_check is not None:
        text = f"{source.path}: analysed with {settings.detector}, as {settings.spot_check}"
        return [SourceWarning("detector", text)]
    usual = settings.engine == "classpulse" and settings.detector == USUAL
    if not usual or SHARE * frames < FRAMES * FRAME_COST:
        return []
    found = check(source.path, settings)
    if found.better == USUAL:
        return []
    return [SourceWarning("detector", f"{source.path}: {found}; try --detector {AUTO}")]
