"""Scorer: the protocol of expression classifiers, and the registry of the installed ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from engine.errors import NetworkError, UsageError
from engine.faces import FER, Classes
from engine.registry import Registry
from engine.settings import Settings
from engine.vision.networks import checksums

Crops = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

#: The committed networks of the scorers that have them, by which a session is known again. The layer `moods` is not
#: among them: sessions that began without it go on, and their first faces have no log-likelihoods.
_OWN_NETWORKS = {"fer": ("fer", "moods"), "fused": ("fer", "moods", "faceapi", "fusion")}
#: Sides of crops, px.
SMALLEST, LARGEST = 16, 512
#: How far from 1 the scores of one face may add up.
SUM_TOLERANCE = 1e-3


class CropFormat(NamedTuple):
    """How a scorer wants faces to be cut out: squares around the centre of the face's box."""

    size: int = 64
    """Side of the crop, px, 16 to 512."""
    colour: bool = False
    """Whether crops are RGB, (n, size, size, 3); else they are grey, (n, size, size)."""
    margin: float | None = None
    """Margin on each side as a share of the box's width; None: that of the settings (`crop_margin`, 0.15)."""


class Scorer(Protocol):
    """Classifies expressions: a score for each face and class. Any class with these four members is a scorer.

    A scorer is made once for each process and called for many batches of faces, never by several threads at once.
    A face's scores must not depend on the other faces of the batch: segments of a recording are processed in any
    order, by any process, and must give the same rows.

    A scorer may have one more member, `cues`: names out of `engine.vision.quality.CUES`. It is then called as
    `score(crops, measured)`, with an array (n,) of each cue by its name.

    Another package offers one through an entry point of the group `classpulse.scorers`: a name, and a callable that
    takes the session's `engine.settings.Settings` and returns the scorer (docs/extending.md). From the settings it
    may read `scorer_model` (the path that `--scorer-model` gave, or None) and `device`. Wrong settings are an
    `engine.errors.UsageError`, in one line.
    """

    @property
    def classes(self) -> Classes:
        """The classes in the order of their scores, each with its polarity: `positive` and `negative` are the two
        sides of the balance, `neutral` is neither, and `ignored` counts as if it were not there. They are stored
        with the session, and the strategies judge by the polarities, never by the names."""
        ...

    @property
    def crops(self) -> CropFormat:
        """How `score` wants faces to be cut out."""
        ...

    @property
    def fingerprint(self) -> str:
        """What distinguishes this scorer from others of its name, such as the sha256 of its weights, or its package
        and version. It is stored with the session, and another one does not resume it."""
        ...

    def score(self, crops: Crops) -> Floats:
        """Score n faces, uint8 0 to 255, (n, size, size) grey or (n, size, size, 3) RGB as `crops` asks.

        Returns (n, k) float32 in the order of `classes`, each row from 0 to 1 and with a sum of 1; n may be 0.
        """
        ...


Factory = Callable[[Settings], Scorer]

SCORERS: Registry[Factory] = Registry(
    "scorer",
    "classpulse.scorers",
    {
        "fer": "engine.vision.expression:make_fer",
        "fused": "engine.vision.moods.fusion:make_fused",
        "onnx": "engine.vision.custom.classifier:make_classifier",
    },
)
"""What is registered is called with the session's Settings and returns a Scorer."""


def open_scorer(settings: Settings) -> Scorer | None:
    """The scorer that `settings.scorer` names, ready to be used; None where faces are not to be scored.

    Raises UsageError for an unknown name, for a network that is missing or cannot be used, and for one that asks
    for impossible crops; NetworkError where its network does not run.
    """
    if not settings.expression:
        return None
    scorer = SCORERS.load(settings.scorer)(settings)
    size, _, margin = scorer.crops
    if not (SMALLEST <= size <= LARGEST and (margin is None or 0 <= margin <= 1)):
        raise UsageError(
            f"the scorer {settings.scorer} asks for crops of {size} px with a margin of {margin}; "
            f"possible are {SMALLEST} to {LARGEST} px and 0 to 1"
        )
    return scorer


def describe_scorer(settings: Settings) -> tuple[Classes, dict[str, str]]:
    """The classes of the session's scores, and the fingerprint of its scorer by name (none without a scorer).

    Raises what `open_scorer` does, so that an analysis that could not continue does not begin.
    """
    if not settings.expression or settings.engine == "reference":
        return FER, {}
    if settings.scorer in _OWN_NETWORKS:  # without loading them
        no_model(settings)
        return FER, {name: checksums()[name] for name in _OWN_NETWORKS[settings.scorer]}
    scorer = open_scorer(settings)
    assert scorer
    return scorer.classes, {f"scorer {settings.scorer}": scorer.fingerprint}


def score_faces(scorer: Scorer, crops: Crops, measured: Mapping[str, Floats] | None = None) -> Floats:
    """`scorer.score(crops)`, checked: NetworkError for another shape, or for rows that do not add up to 1.

    `measured` are the columns of `engine.vision.quality.Quality`, for a scorer that asks for some of them.
    """
    cues: tuple[str, ...] = getattr(scorer, "cues", ())
    score: Callable[..., Floats] = scorer.score
    told = ({name: (measured or {})[name] for name in cues},) if cues else ()
    scores = np.asarray(score(crops, *told), np.float32)
    expected = (len(crops), len(scorer.classes))
    if scores.shape != expected:
        raise NetworkError(
            f"the scorer gave scores of shape {scores.shape} for {len(crops)} faces and the {len(scorer.classes)} "
            f"classes {', '.join(scorer.classes.names)}; expected {expected}"
        )
    sums = scores.sum(axis=1)
    if not (np.abs(sums - 1) <= SUM_TOLERANCE).all() or (scores < 0).any():
        wrong = int(np.argmax((np.abs(sums - 1) > SUM_TOLERANCE) | ~np.isfinite(sums) | (scores < 0).any(axis=1)))
        raise NetworkError(
            f"the scorer gave a face the scores {[round(float(score), 4) for score in scores[wrong]]}; expected "
            "shares from 0 to 1 that add up to 1"
        )
    return scores


def no_model(settings: Settings) -> None:
    """Raise UsageError if a network is given to a scorer that has its own."""
    given = {"--scorer-model": settings.scorer_model, "--scorer-spec": settings.scorer_spec}
    for option, path in given.items():
        if path is not None:
            raise UsageError(
                f"the scorer {settings.scorer} has a network of its own; leave out {option} {path}, or choose "
                "--scorer onnx"
            )
