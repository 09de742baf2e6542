"""Opens the detector that settings name: one of the two that come along, or one of another installed package."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import cast

from engine.errors import UsageError
from engine.settings import Settings
from engine.vision.mtcnn.cascade import Detector, Mtcnn
from engine.vision.networks import checksums

#: Where other packages say which detectors they have: a name, and a function from settings to a detector.
#: docs/detectors.md shows one.
GROUP = "classpulse.detectors"


def open_detector(settings: Settings) -> Detector:
    """The detector that `settings.detector` names, ready to be used.

    Raises UsageError for an unknown name, and for weights that are missing, wrong, or given to a detector without
    any; NetworkError where its network does not run.
    """
    own = _OWN.get(settings.detector)
    if own:
        return own(settings)
    entry = _entry_point(settings.detector)
    try:
        make = cast(Callable[[Settings], Detector], entry.load())
    except (ImportError, AttributeError) as error:
        raise UsageError(
            f"the detector {entry.name} of {_origin(entry)} cannot be loaded ({error}); install that package again"
        ) from error
    return make(settings)


def fingerprints(settings: Settings) -> dict[str, str]:
    """What tells this detector from others of its name: the sha256 of each of its networks, by name.

    Without weights of its own, a detector of another package has that package's name and version. Raises what
    `open_detector` does, so that nothing begins that could not go on.
    """
    if settings.detector == "mtcnn":
        _no_weights(settings)
        return {name: sha256 for name, sha256 in checksums().items() if name != "fer"}
    open_detector(settings)
    if settings.detector_weights is None:
        return {settings.detector: _origin(_entry_point(settings.detector))}
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


def names() -> list[str]:
    """The detectors that are installed: the own ones, then those of other packages."""
    return [*_OWN, *sorted({entry.name for entry in entry_points(group=GROUP)} - set(_OWN))]


def _mtcnn(settings: Settings) -> Detector:
    _no_weights(settings)
    sieve = settings.precision == "auto"
    return Mtcnn(settings.min_face, settings.thresholds, device=settings.device, sieve=sieve)


def _yunet(settings: Settings) -> Detector:
    from engine.vision.yunet import REMEDY, YuNet

    return YuNet(read_weights(settings, REMEDY), settings.min_face, name=str(settings.detector_weights))


_OWN: dict[str, Callable[[Settings], Detector]] = {"mtcnn": _mtcnn, "yunet": _yunet}


def _no_weights(settings: Settings) -> None:
    if settings.detector_weights is not None:
        raise UsageError(
            f"the detector {settings.detector} has weights of its own; leave out --detector-weights "
            f"{settings.detector_weights}, or choose another with --detector"
        )


def _entry_point(name: str) -> EntryPoint:
    found = entry_points(group=GROUP, name=name)
    if not found:
        raise UsageError(f"no detector is called {name!r}; there are {', '.join(names())} (see docs/detectors.md)")
    return next(iter(found))


def _origin(entry: EntryPoint) -> str:
    """The package that an entry point comes from, and its version."""
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value
