"""How much a face's emotion scores can mean: its size, its sharpness and where its head points."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from engine.arrays import log_ramp
from engine.faces import Condition, size_grade
from engine.settings import Settings
from engine.vision.scorers import Crops, Floats

#: The five landmarks of a head that faces the camera, in units of the distance from eyes to mouth; x to the image's
#: right, y down, z away from the camera. x and y are the medians of MTCNN's landmarks on FER2013's frontal faces;
#: the nose's depth is the one with which its turned faces look most like turns of one rigid head.
_HEAD = np.array([(-0.47, 0, 0), (0.47, 0, 0), (0, 0.53, -0.45), (-0.38, 1, 0), (0.38, 1, 0)])
_UNPROJECT = np.linalg.pinv(_HEAD - _HEAD.mean(axis=0))

#: Where sharpness is worth 0 and where 1, in between by its logarithm. On blurred faces of FER2013 the network's
#: accuracy runs along this line from little better than guessing to its best (docs/verdicts.md).
_SHARPNESS = (0.003, 0.1)

#: Mean grey level under which a crop is dark, and share of levels of 250 and more over which it is bright: 1 in 100
#: of FER2013's faces is either.
_DARK, _CLIPPED, _CLIPPED_FROM = 45.0, 0.25, 250
#: Deviation of the noise over that of the grey levels, from which on a crop is noisy: no face of FER2013 is, and
#: seven in ten with noise of 4 to 32 levels are.
_NOISY = 0.1
#: Removes whatever is linear in a picture's rows or columns; the deviation of what is left of noise is 6 times its
#: own (Immerkaer 1996, "Fast noise variance estimation").
_RESIDUAL = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_GAIN = 6.0
#: Side, px, at which noise is measured: a crop is enlarged, and its noise with it.
_NOISE_SIDE = 48
#: The median of the size of normal deviations, in standard ones.
_MEDIAN = 0.6745


#: What a scorer may be told of a face beside its crop, by the columns of Quality; and which of it are angles.
CUES = ("yaw", "pitch", "roll", "sharpness", "quality")
_ANGLES = ("yaw", "pitch", "roll")


@dataclass(frozen=True, eq=False)
class Quality:
    """The quality of n faces, under the names of the columns of Faces."""

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
    conditions: npt.NDArray[np.int64]
    """(n,) a `Condition` each."""
    scorable: npt.NDArray[np.bool_]
    """(n,)"""


def measure(
    crops: Crops, boxes: npt.NDArray[np.floating], landmarks: npt.NDArray[np.floating], settings: Settings
) -> Quality:
    """Measure n faces from their crops (n, 64, 64), boxes (n, 4) in px and landmarks (n, 5, 2) in px.

    `quality` is min(size, sharpness) * cos(yaw) * cos(pitch) * cos(roll)^2. Size and sharpness both say how much
    detail of the network's input, so the smaller of them counts, not both. Away from the camera the network's
    advantage over guessing falls with the cosine of the angle, and with the square of the cosine of the roll.
    A face is `scorable` if its shorter side is at least `scorable_size` px and its quality at least
    `scorable_quality`.
    """
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    side = np.minimum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    sharp = sharpness(crops)
    yaw, pitch, roll = head_pose(landmarks)
    frontal = np.cos(np.radians(yaw)) * np.cos(np.radians(pitch)) * np.cos(np.radians(roll)) ** 2
    # A head that points away from the camera, or hangs upside down, is worth nothing.
    frontal = np.where((np.abs(yaw) < 90) & (np.abs(roll) < 90), frontal, 0)
    quality = (np.minimum(size_grade(side), sharp) * frontal).astype(np.float32)
    scorable = (side >= settings.scorable_size) & (quality >= settings.scorable_quality)
    return Quality(sharp, yaw, pitch, roll, quality, conditions(crops), scorable)


def cue_values(measured: Mapping[str, npt.NDArray[np.floating]], names: Iterable[str]) -> Floats:
    """(n, c) the cues with these `names`, each a column (n,) of `measured`.

    An angle is two columns, itself and its size: a head that is turned away to either side is not one that is
    turned to the left.
    """
    columns = [
        column
        for name in names
        for column in ((measured[name], np.abs(measured[name])) if name in _ANGLES else (measured[name],))
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def cue_width(name: str) -> int:
    """How many columns of `cue_values` a cue is."""
    return 2 if name in _ANGLES else 1


def sharpness(crops: Crops) -> Floats:
    """How much detail crops (n, 64, 64) show: (n,) in [0, 1], whatever their brightness and contrast.

    The variance of the Laplacian (Pech-Pacheco et al. 2000, "Diatom autofocusing in brightfield microscopy") over
    the variance of the grey levels. It is taken from the network's crop, so that a small face,
    a face out of focus and a face in motion count by the same measure.
    """
    deviations = np.empty((len(crops), 2), np.float32)
    # Crop by crop, as whatever is as large as all of them costs more to make than to compute with.
    for deviation, crop in zip(deviations, crops, strict=True):
        laplacian = cv2.Laplacian(crop, cv2.CV_16S)[1:-1, 1:-1]
        deviation[:] = _deviation(laplacian), _deviation(crop)
    # Plus one grey level of contrast: a crop of a single grey is not sharp.
    variances = deviations * deviations
    return log_ramp(variances[:, 0] / (variances[:, 1] + 1), *_SHARPNESS)


def conditions(crops: Crops) -> npt.NDArray[np.int64]:
    """(n,) a `Condition` of each of crops (n, 64, 64): dark, bright, noisy, any of these, or 0.

    Noise is told from detail by the median of what a second difference in both directions leaves: edges are few,
    and noise is everywhere. What counts is how much of the contrast it is.
    """
    found = np.zeros(len(crops), np.int64)
    for place, crop in enumerate(crops):
        mean, deviation = cv2.meanStdDev(crop)
        clipped = np.count_nonzero(crop >= _CLIPPED_FROM) / crop.size
        noise = _noise(crop) / (float(deviation[0, 0]) + 1)
        found[place] = (
            Condition.DARK * (float(mean[0, 0]) < _DARK)
            | Condition.BRIGHT * (clipped > _CLIPPED)
            | Condition.NOISY * (noise > _NOISY)
        )
    return found


def _noise(crop: npt.NDArray[np.uint8]) -> float:
    """Its standard deviation, grey levels."""
    small = cv2.resize(crop, (_NOISE_SIDE, _NOISE_SIDE), interpolation=cv2.INTER_AREA)
    size = np.abs(cv2.filter2D(small, cv2.CV_16S, _RESIDUAL)[1:-1, 1:-1]).ravel()
    return float(np.partition(size, size.size // 2)[size.size // 2]) / _MEDIAN / _GAIN


def _deviation(values: npt.NDArray[Any]) -> float:
    return float(cv2.meanStdDev(values)[1][0, 0])


def head_pose(landmarks: npt.NDArray[np.floating]) -> tuple[Floats, Floats, Floats]:
    """Yaw, pitch and roll, each (n,) in degrees, of heads with landmarks (n, 5, 2) in px.

    Yaw and pitch say where the face points: (0, 0) at the camera, positive yaw to the image's right, positive
    pitch upwards. Roll is the turn around that direction, positive clockwise in the image. The rotation is the
    closed-form one of a scaled orthographic camera (the POS step of DeMenthon and Davis 1995, "Model-based object
    pose in 25 lines of code") for a generic head; people's proportions differ, so compare a student with the
    student's own usual pose rather than with zero.
    """
    points = np.asarray(landmarks, np.float64).reshape(-1, 5, 2)
    points = points - points.mean(axis=1, keepdims=True)
    # Two rows of the scaled rotation; the nearest pair of orthonormal rows takes the scale out.
    rows = np.einsum("nip,ki->npk", points, _UNPROJECT)
    u, _, v = np.linalg.svd(rows, full_matrices=False)
    rotation = u @ v
    right = rotation[:, :, 0]
    facing_x, facing_y = -rotation[:, 0, 2], -rotation[:, 1, 2]
    depth = np.cross(rotation[:, 0], rotation[:, 1])
    facing_z = -depth[:, 2]
    yaw = np.arctan2(facing_x, -facing_z)
    pitch = np.arcsin(np.clip(-facing_y, -1, 1))
    # The head's right, along and across the level line of a head with this yaw and pitch.
    level = right[:, 0] * np.cos(yaw) + depth[:, 0] * np.sin(yaw)
    upright = np.cos(pitch)
    tilt = right[:, 1] / np.where(upright > 1e-6, upright, 1)
    roll = np.arctan2(tilt, level)
    return _degrees(yaw), _degrees(pitch), _degrees(roll)


def _degrees(angle: npt.NDArray[np.float64]) -> Floats:
    return np.degrees(angle).astype(np.float32)
