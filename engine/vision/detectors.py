"""Opens the detector that settings name: one that comes along, or one of another installed package."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from engine.errors import UsageError
from engine.registry import Registry
from engine.settings import Settings
from engine.vision.detection import Detector
from engine.vision.mtcnn.cascade import Mtcnn
from engine.vision.networks import checksums

Factory = Callable[[Settings], Detector]

DETECTORS: Registry[Factory] = Registry(
    "detector",
    "classpulse.detectors",
    {
        "mtcnn": "engine.vision.detectors:make_mtcnn",
        "retinaface": "engine.vision.detectors:make_retinaface",
        "yunet": "engine.vision.detectors:make_yunet",
    },
)
"""What is registered is called with the session's Settings and returns a Detector."""


#: The committed networks of the detectors that have some.
COMMITTED = {"mtcnn": ("pnet", "pnet_sparse", "rnet", "onet"), "retinaface": ("retinaface",)}


def open_detector(settings: Settings) -> Detector:
    """The detector that `settings.detector` names, ready to be used.

    Raises UsageError for an unknown name, and for weights that are missing, wrong, or given to a detector without
    any; NetworkError where its network does not run.
    """
    return DETECTORS.load(settings.detector)(settings)


def fingerprints(settings: Settings) -> dict[str, str]:
    """What distinguishes this detector from others of its name: the sha256 of each of its networks, by name.

    Without weights of its own, a detector of another package has that package's name and version. Raises what
    `open_detector` does, so that an analysis that could not continue does not begin.
    """
    if settings.detector in COMMITTED:
        _no_weights(settings)
        return {name: checksums()[name] for name in COMMITTED[settings.detector]}
    open_detector(settings)
    if settings.detector_weights is None:
        return {settings.detector: DETECTORS.origin(settings.detector)}
    return {settings.detector: hashlib.sha256(read_weights(settings)).hexdigest()}


def read_weights(settings: Settings, remedy: str = "name the file with --detector-weights") -> bytes:
    """The bytes of `settings.detector_weights`; UsageError with the `remedy` where there are none."""
    if settings.detector_weights is None:
        raise UsageError(f"the detector {settings.detector} needs its weights: {remedy}")
    try:
        return Path(settings.detector_weights).read_bytes()
    except OSError as error:
        raise UsageError(
            f"cannot read the weights {settings.detector_weights}: {error.strerror}; {remedy}"
        ) from error


def make_mtcnn(settings: Settings) -> Detector:
    """MTCNN over the networks that come with the package."""
    _no_weights(settings)
    prefilter = settings.precision == "auto"
    return Mtcnn(settings.min_face, settings.thresholds, device=settings.device, prefilter=prefilter)


def make_retinaface(settings: Settings) -> Detector:
    """RetinaFace over the network that comes with the package."""
    from engine.vision.retinaface.detector import RetinaFace

    _no_weights(settings)
    return RetinaFace(settings.min_face, device=settings.device, fast=settings.precision == "auto")


def make_yunet(settings: Settings) -> Detector:
    """YuNet over the user's weights."""
    from engine.vision.yunet import REMEDY, YuNet

    return YuNet(read_weights(settings, REMEDY), settings.min_face, name=str(settings.detector_weights))


def _no_weights(settings: Settings) -> None:
    if settings.detector_weights is not None:
        raise UsageError(
            f"the detector {settings.detector} has weights of its own; leave out --detector-weights "
            f"{settings.detector_weights}, or choose another with --detector"
        )
