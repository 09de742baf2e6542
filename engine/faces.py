"""Faces: the one record that passes between detection, tracking, judging, report and page; a row a face.

Its columns have the names of the database's columns, save that those which belong together are one array: x1, y1,
x2 and y2 are `boxes_xyxy`, the class scores are `scores`. `columns()` and `from_columns()` are the one place where
one becomes the other.

The rule of dtypes. What is measured is float32, stored (rounded to the column's decimals) and passed. Whatever
adds up, compares or takes a median begins with `exact()`: float64, each number as the database shows it (0.1, where
the float32 is 0.10000000149), so that no sum depends on whether the rows were stored in between. Timestamps in
ticks and numbers of tracks and students are int64, seconds float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from enum import IntFlag
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

import numpy as np
import numpy.typing as npt

from engine.arrays import log_ramp, pack_rows, unpack_appearance, unpack_landmarks

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

Polarity = Literal["positive", "neutral", "negative", "ignored"]
POLARITIES: tuple[Polarity, ...] = get_args(Polarity)
#: Fewest and most classes that a scorer may tell apart.
FEWEST_CLASSES, MOST_CLASSES = 2, 12
#: What a window is where no class prevails (engine/verdicts/scale.py).
NO_VERDICT = ("insufficient", "divided")


@dataclass(frozen=True)
class Class:
    """What a scorer can say of a face."""

    name: str
    polarity: Polarity
    """Which side of the balance its score counts for; `ignored` for neither, nor for neutral."""


@dataclass(frozen=True)
class Classes:
    """All that a scorer tells apart, in the order of its scores. Raises ValueError for what cannot be judged by."""

    members: tuple[Class, ...]

    def __post_init__(self) -> None:
        if not FEWEST_CLASSES <= len(self.members) <= MOST_CLASSES:
            raise ValueError(f"{len(self.members)} classes; expected {FEWEST_CLASSES} to {MOST_CLASSES}")
        if len(set(self.names)) < len(self.names):
            raise ValueError(f"classes {', '.join(self.names)}: each name must stand once")
        if not self.polar and set(self.names) & set(NO_VERDICT):
            raise ValueError(
                f"a class without polarity cannot be called {' or '.join(NO_VERDICT)}: these say that no class is"
            )
        for member in self.members:
            if not member.name.strip():
                raise ValueError("a class has no name")
            if member.polarity not in POLARITIES:
                raise ValueError(
                    f"class {member.name} has polarity {member.polarity!r}; expected {', '.join(POLARITIES)}"
                )

    def __len__(self) -> int:
        return len(self.members)

    @classmethod
    def of(cls, names: Iterable[str], polarities: Iterable[Any]) -> Self:
        """Of columns; `polarities` are strings."""
        return cls(tuple(Class(str(name), polarity) for name, polarity in zip(names, polarities, strict=True)))

    def rows(self) -> list[tuple[str, str]]:
        """Name and polarity of each, as the database's table `classes` has them."""
        return [(member.name, member.polarity) for member in self.members]

    @property
    def polar(self) -> bool:
        """Whether there is a positive or a negative class, so that a balance means something."""
        return any(member.polarity in ("positive", "negative") for member in self.members)

    @property
    def names(self) -> tuple[str, ...]:
        """In the order of the scores."""
        return tuple(member.name for member in self.members)

    def with_polarity(self, polarity: Polarity) -> tuple[str, ...]:
        """The names of the classes of that polarity."""
        return tuple(member.name for member in self.members if member.polarity == polarity)

    def places(self, polarity: Polarity) -> list[int]:
        """The columns of `scores` of that polarity."""
        return [place for place, member in enumerate(self.members) if member.polarity == polarity]

    @property
    def by_polarity(self) -> tuple[str, ...]:
        """The names as people read them: positive, neutral, negative, ignored; within one by order of score."""
        return tuple(name for polarity in POLARITIES for name in self.with_polarity(polarity))


#: The classes of FER's network, in its order (fer 25.10, `FER._get_labels`).
FER = Classes(
    (
        Class("angry", "negative"),
        Class("disgust", "negative"),
        Class("fear", "negative"),
        Class("happy", "positive"),
        Class("sad", "negative"),
        Class("surprise", "positive"),
        Class("neutral", "neutral"),
    )
)
EMOTIONS, POSITIVE, NEGATIVE = FER.names, FER.with_polarity("positive"), FER.with_polarity("negative")


class Condition(IntFlag):
    """What is wrong with the light in which a face was taken; a face may have several (`Faces.conditions`)."""

    DARK = 1
    BRIGHT = 2
    NOISY = 4


#: The columns of a box, px.
EDGES = ("x1", "y1", "x2", "y2")
#: As in the image: the first eye is the one nearer to the left edge of a face that looks at the camera.
LANDMARKS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")

#: Digits after the point that the database keeps of each array (a test holds this against storage/schema).
DECIMALS = {"boxes_xyxy": 2, "score": 4, "scores": 4, "sharpness": 4, "yaw": 0, "pitch": 0, "roll": 0, "quality": 4}
DECIMALS |= {"loglik": 3}
#: The columns of `loglik`.
LOGLIK = ("loglik_positive", "loglik_neutral", "loglik_negative")
#: Columns that stand in other tables: the time of the frame, and the student of the track.
_ELSEWHERE = ("time", "student")
_INTS = ("pts", "face", "track", "student", "conditions")


def _absent() -> Any:
    return None


@dataclass(frozen=True, eq=False)
class Faces:
    """n faces of any number of frames; every array has n rows, in order of (pts, face).

    `pts` is the frame's media timestamp in ticks of the source's time base: together with `face`, the place of the
    face within its frame (0, 1, ...), it names the row. Pixels are those of the upright source picture. `time`,
    `track` and `student` exist from pass 2 on. A reader loads only the columns that it needs; access to another one
    raises an AttributeError that names it. Raises ValueError for an array of another
    shape or dtype than expected.
    """

    pts: Ints
    """(n,) media timestamp of the frame, in ticks."""
    face: Ints = field(default_factory=_absent)
    """(n,) 0, 1, ... within the frame."""
    boxes_xyxy: Floats = field(default_factory=_absent)
    """(n, 4) x1, y1, x2, y2, px."""
    score: Floats = field(default_factory=_absent)
    """(n,) the detector's, in [0, 1]."""
    landmarks: Floats = field(default_factory=_absent)
    """(n, 5, 2) x, y in px, in the order of LANDMARKS."""
    scores: Floats = field(default_factory=_absent)
    """(n, k) in the order of `classes`; each row sums to 1. NaN where the face was not scored."""
    loglik: Floats = field(default_factory=_absent)
    """(n, 3) logarithms of how likely such a face is if positive, neutral, negative, up to a constant of each face;
    NaN where FER's network did not read it (engine/vision/moods)."""
    sharpness: Floats = field(default_factory=_absent)
    """(n,) in [0, 1]."""
    yaw: Floats = field(default_factory=_absent)
    """(n,) degrees, positive to the image's right."""
    pitch: Floats = field(default_factory=_absent)
    """(n,) degrees, positive upwards."""
    roll: Floats = field(default_factory=_absent)
    """(n,) degrees, positive clockwise in the image."""
    quality: Floats = field(default_factory=_absent)
    """(n,) in [0, 1]."""
    conditions: Ints = field(default_factory=_absent)
    """(n,) a `Condition` each; -1 where it was not measured, as in rows of older versions."""
    scorable: npt.NDArray[np.bool_] = field(default_factory=_absent)
    """(n,)"""
    appearance: npt.NDArray[np.uint8] = field(default_factory=_absent)
    """(n, d) for any d: clothes and hair, nothing of the face (engine/vision/appearance.py); all 0 for none."""
    time: Doubles = field(default_factory=_absent)
    """(n,) s, of the frame."""
    track: Ints = field(default_factory=_absent)
    """(n,) -1 for none."""
    student: Ints = field(default_factory=_absent)
    """(n,) -1 for none."""
    classes: Classes = FER
    """The classes of the columns of `scores`."""

    def __post_init__(self) -> None:
        n = len(self.pts)
        shapes: dict[str, tuple[int | None, ...]] = {
            "boxes_xyxy": (n, 4),
            "landmarks": (n, len(LANDMARKS), 2),
            "scores": (n, len(self.classes)),
            "loglik": (n, len(LOGLIK)),
            "appearance": (n, None),
        }
        for name in _ARRAYS:
            array = self.__dict__[name]
            if array is None:
                object.__delattr__(self, name)  # so that no code computes with None
                continue
            expected = shapes.get(name, (n,))
            if len(array.shape) != len(expected) or any(
                size not in (None, actual) for size, actual in zip(expected, array.shape, strict=True)
            ):
                allowed = str(expected).replace("None", "any")
                raise ValueError(f"{name} has shape {array.shape}, expected {allowed}")
            if array.dtype != _dtype(name):
                raise ValueError(f"{name} has dtype {array.dtype}, expected {_dtype(name)}")

    if not TYPE_CHECKING:  # a type checker would assume every attribute

        def __getattr__(self, name: str) -> Any:
            # Only reached where there is no such attribute.
            if name in _ARRAYS:
                raise AttributeError(f"these faces were read without {name}; name it where they are read")
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __len__(self) -> int:
        return len(self.pts)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The loaded arrays, by name."""
        return {name: self.__dict__[name] for name in _ARRAYS if name in self.__dict__}

    def exact(self, name: str) -> Doubles:
        """A measured array as float64, each number as the database keeps it; NaN stays."""
        rounded: Doubles = np.round(getattr(self, name).astype(np.float64), DECIMALS[name])
        return rounded

    def take(self, rows: npt.NDArray[np.bool_] | Ints | slice) -> Self:
        """The faces of `rows`, a mask (n,) or indices, in that order."""
        return type(self)(**{name: array[rows] for name, array in self.arrays().items()}, classes=self.classes)

    def having(self, **arrays: npt.NDArray[Any]) -> Self:
        """The same faces with these arrays, in place of or beside what they have."""
        return type(self)(**(self.arrays() | arrays), classes=self.classes)

    @classmethod
    def empty(cls, classes: Classes = FER) -> Self:
        """No faces, with every column of pass 1."""
        shapes = {"boxes_xyxy": (0, 4), "landmarks": (0, len(LANDMARKS), 2), "scores": (0, len(classes))}
        shapes |= {"appearance": (0, 0), "loglik": (0, len(LOGLIK))}
        names = [name for name in _ARRAYS if name not in ("time", "track", "student")]
        return cls(**{name: np.empty(shapes.get(name, 0), _dtype(name)) for name in names}, classes=classes)

    @classmethod
    def concatenate(cls, parts: Iterable[Self], classes: Classes = FER) -> Self:
        """All faces of `parts`, in their order; `classes` are those of no faces at all.

        Raises ValueError for parts of other columns or classes than the first has.
        """
        parts = [part for part in parts if len(part)]
        if not parts:
            return cls.empty(classes)
        first = parts[0]
        for part in parts:
            if part.classes != first.classes:
                raise ValueError(f"faces with classes {part.classes.names}, expected {first.classes.names}")
            if part.arrays().keys() != first.arrays().keys():
                raise ValueError(f"faces with columns {list(part.arrays())}, expected {list(first.arrays())}")
        joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in first.arrays()}
        return cls(**joined, classes=first.classes)

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """The rows as columns of the database's table `faces`: a dict of (n,) arrays.

        `landmarks` becomes n byte strings, ten little-endian float32 each: x, y of the five points; `appearance`
        one of d bytes each, or None.
        """
        columns: dict[str, npt.NDArray[Any]] = {}
        for name, array in self.arrays().items():
            if name in _SEVERAL:
                columns |= {column: array[:, i] for i, column in enumerate(_SEVERAL[name](self.classes))}
            elif name == "appearance":
                described = array.any(axis=1)
                blobs = np.full(len(self), None)
                blobs[described] = pack_rows(array[described])
                columns[name] = blobs
            elif name == "landmarks":
                columns[name] = pack_rows(array)
            elif name not in _ELSEWHERE:
                columns[name] = array
        return columns

    @classmethod
    def from_columns(cls, columns: Mapping[str, npt.ArrayLike], classes: Classes = FER) -> Self:
        """The inverse of `columns()`, for any subset of them, and `time` and `student`; NULL scores become NaN.

        Columns of bytes may be unpacked already (see `UNPACK`).
        """
        arrays: dict[str, npt.NDArray[Any]] = {}
        for name in _ARRAYS:
            if name in _SEVERAL:
                parts = [column for column in _SEVERAL[name](classes) if column in columns]
                if parts:
                    array = np.empty((len(np.asarray(columns[parts[0]])), len(parts)), np.float32)
                    for i, column in enumerate(parts):
                        array[:, i] = columns[column]
                    arrays[name] = array
            elif name in columns:
                read: npt.NDArray[Any] = np.asarray(columns[name])
                arrays[name] = UNPACK[name](read) if read.dtype == object else read.astype(_dtype(name), copy=False)
        return cls(**arrays, classes=classes)


#: The arrays of `Faces`, in its order.
_ARRAYS = tuple(each.name for each in fields(Faces) if each.name != "classes")


def _dtype(name: str) -> np.dtype[Any]:
    dtypes = {"scorable": np.bool_, "appearance": np.uint8, "time": np.float64}
    return np.dtype(np.int64 if name in _INTS else dtypes.get(name, np.float32))


def database_columns(names: Iterable[str], classes: Classes = FER) -> list[str]:
    """The database's columns of arrays of `Faces`."""
    return [column for name in names for column in (_SEVERAL[name](classes) if name in _SEVERAL else (name,))]


def score_columns(classes: Classes) -> tuple[str, ...]:
    """The database's columns of the class scores, in order."""
    return tuple(f"score_{number}" for number in range(1, len(classes) + 1))


_SEVERAL: dict[str, Callable[[Classes], tuple[str, ...]]] = {
    "boxes_xyxy": lambda _: EDGES,
    "scores": score_columns,
    "loglik": lambda _: LOGLIK,
}
#: Functions that turn a column of byte strings into an array.
UNPACK: dict[str, Callable[[npt.NDArray[np.object_]], npt.NDArray[Any]]] = {
    "landmarks": unpack_landmarks,
    "appearance": unpack_appearance,
}

#: Shorter side of a face, px, of grade 0 and of grade 1; between them the grade is linear in its logarithm. On
#: shrunk faces of FER2013 the network's accuracy runs along this line (docs/verdicts.md).
SIZE_RAMP = (8.0, 28.0)


def size_grade(side: npt.NDArray[np.floating]) -> Floats:
    """(n,) in [0, 1]: detail of faces by the shorter side (n,) of their boxes, px."""
    return log_ramp(side, *SIZE_RAMP)
