"""Scores faces with any ONNX network that classifies images; its metadata describe input and output."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import NetworkError, UsageError
from engine.faces import Class, Classes
from engine.settings import Settings
from engine.vision.custom.onnx_file import MOST_BYTES, fault_of
from engine.vision.custom.spec import read_spec
from engine.vision.networks import Network, read_metadata
from engine.vision.quality import CUES, cue_values, cue_width
from engine.vision.scorers import LARGEST, SMALLEST, CropFormat, Crops, Floats, score_faces

#: Faces that are prepared at once, and that go through the network at once: more of them are slower.
_BATCH, _BLOCK = 64, 8
_PREFIX = "classpulse."
_EXAMPLE = 'such as [["attentive", "positive"], ["bored", "negative"], ["other", "ignored"]]'


def make_classifier(settings: Settings) -> OnnxClassifier:
    """The scorer `onnx`: the network in the file `settings.scorer_model`."""
    if settings.scorer_model is None:
        raise UsageError("the scorer onnx needs a network: name its file with --scorer-model")
    spec = None if settings.scorer_spec is None else Path(settings.scorer_spec)
    return OnnxClassifier(Path(settings.scorer_model), settings.device, spec)


class OnnxClassifier:
    """The network in an ONNX file.

    Its input is (n, channels, size, size) or (n, size, size, channels), float32 or uint8, with 1 channel for grey
    and 3 for colours; its first output is (n, k). The rest stands in the model's metadata (`metadata_props`):

    * `classpulse.classes`: JSON, a list of [name, polarity], one for each of the k outputs. Required.
    * `classpulse.output`: `probabilities` (the default), or `logits`, to which a softmax is applied.
    * `classpulse.mean`, `classpulse.std`: a number, or JSON with one for each channel; a float32 network is given
      (pixel - mean) / std of pixels from 0 to 255. By default 0 and 255, so 0 to 1. A uint8 one is given pixels.
    * `classpulse.order`: of three channels, `rgb` (the default) or `bgr`.
    * `classpulse.margin`: around the face's box on each side, as a share of its width; by default the settings'.
    * `classpulse.also`: JSON, an object of cues (`engine.vision.quality.CUES`), each with a list of k weights; two
      such lists, the second for its size, where it is an angle. Cues times weights are added to the logits.
    * `classpulse.size`: of the crop in px, where the input's size is not fixed.

    With `spec`, a file that says the same (`engine.vision.custom.spec`), the network's own metadata are not read. A
    network may also be for one face at a time; then n is 1.

    Raises UsageError in one line for a file that does not say this or does not keep to it, and NetworkError for one
    that the device does not run.
    """

    def __init__(self, path: Path, device: str = "cpu", spec: Path | None = None) -> None:
        self._path = path
        data = self._data()
        self.fingerprint = hashlib.sha256(data).hexdigest()
        if spec is None:
            self._metadata = {
                name.removeprefix(_PREFIX): value
                for name, value in read_metadata(path.absolute()).items()
                if name.startswith(_PREFIX)
            }
        else:
            self._metadata = read_spec(spec)
            self.fingerprint += f", {spec.name} {hashlib.sha256(json.dumps(self._metadata).encode()).hexdigest()}"
        self.classes = self._classes()
        self._network = Network(path.absolute(), device=device, block=_BLOCK)
        size, channels = self._input()
        margin = self._number("margin", None)
        self.crops = CropFormat(size, channels == 3, margin)
        self._reversed = self._choice("order", ("rgb", "bgr")) == "bgr"
        self._logits = self._choice("output", ("probabilities", "logits")) == "logits"
        self._mean, self._std = self._per_channel("mean", 0.0, channels), self._per_channel("std", 255.0, channels)
        if not (self._std > 0).all():
            raise self._wrong(f"{_PREFIX}std is {self._metadata['std']}; expected numbers above 0")
        self.cues, self._cue_weights = self._also()
        self._try_out()

    def score(self, crops: Crops, measured: Mapping[str, Floats] | None = None) -> Floats:
        """See `Scorer.score`; `measured` is required where the file has `cues`."""
        if self.cues and measured is None:
            raise ValueError(f"{self._path} needs to be told {', '.join(self.cues)} of each face")
        parts = [self._run(crops[start : start + _BATCH]) for start in range(0, len(crops), _BATCH)]
        y = np.concatenate(parts) if parts else np.empty((0, len(self.classes)), np.float32)
        if measured is not None and self.cues:
            y += cue_values(measured, self.cues) @ self._cue_weights
        return _softmax(y) if self._logits else y

    def _run(self, crops: Crops) -> Floats:
        """The network's output (n, k) as it is."""
        x = crops if self.crops.colour else crops[..., None]
        if self._reversed:
            x = x[..., ::-1]
        if self._network.dtype != np.uint8:
            x = ((x - self._mean) / self._std).astype(np.float32, copy=False)
        if self._channels_first:
            x = x.transpose(0, 3, 1, 2)
        x = np.ascontiguousarray(x)
        if self._single:
            return np.concatenate([self._network(x[place : place + 1])[0] for place in range(len(x))])
        return self._network(x)[0]

    # -- what the file says

    def _data(self) -> bytes:
        """The file's bytes, if it may be run."""
        try:
            if self._path.stat().st_size > MOST_BYTES:
                raise self._wrong(f"it has more than {MOST_BYTES >> 20} MiB")
            data = self._path.read_bytes()
        except OSError as error:
            raise UsageError(
                f"cannot read the scorer's network {self._path}: {error.strerror}; name another with --scorer-model"
            ) from error
        if fault := fault_of(data):
            raise self._wrong(fault)
        return data

    def _classes(self) -> Classes:
        text = self._metadata.get("classes")
        if text is None:
            raise self._wrong(f"its metadata has no {_PREFIX}classes; add JSON {_EXAMPLE}")
        try:
            return Classes(tuple(Class(str(name), polarity) for name, polarity in json.loads(text)))
        except (ValueError, TypeError) as error:
            raise self._wrong(f"{_PREFIX}classes in its metadata: {error}; expected JSON {_EXAMPLE}") from error

    def _input(self) -> tuple[int, int]:
        """Size and channels of its input."""
        shape = self._network.shape
        self._channels_first = len(shape) == 4 and shape[1] in (1, 3)
        channels = shape[1 if self._channels_first else 3] if len(shape) == 4 else None
        height, width = (shape[2:] if self._channels_first else shape[1:3]) if len(shape) == 4 else (0, 0)
        if channels not in (1, 3) or height != width or shape[0] not in (None, 1):
            axes = tuple("any" if length is None else length for length in shape)
            raise self._wrong(
                f"its input has the shape {axes}; expected (any, channels, size, size) or "
                "(any, size, size, channels) with 1 or 3 channels and any number of faces, or one"
            )
        size = height if height is not None else self._number("size", None)
        if size is None:
            raise self._wrong(f"the size of its input is not fixed, and its metadata has no {_PREFIX}size")
        if not SMALLEST <= size <= LARGEST:
            raise self._wrong(f"its input is {size:g} px wide; possible are {SMALLEST} to {LARGEST} px")
        colour = self._metadata.get("colour")
        if colour is not None and (colour == "grey") != (channels == 1):
            raise self._wrong(f"its input has {channels} channels, but its colour is said to be {colour}")
        self._single = shape[0] == 1
        return int(size), channels

    def _number(self, name: str, default: float | None) -> float | None:
        text = self._metadata.get(name)
        try:
            return default if text is None else float(text)
        except ValueError as error:
            raise self._wrong(f"{_PREFIX}{name} is {text!r}; expected a number") from error

    def _choice(self, name: str, choices: tuple[str, ...]) -> str:
        value = self._metadata.get(name, choices[0])
        if value not in choices:
            raise self._wrong(f"{_PREFIX}{name} is {value!r}; expected {' or '.join(choices)}")
        return value

    def _per_channel(self, name: str, default: float, channels: int) -> Floats:
        text = self._metadata.get(name)
        try:
            values = np.asarray(default if text is None else json.loads(text), np.float32)
            return np.broadcast_to(values, (channels,))
        except (ValueError, TypeError) as error:
            raise self._wrong(f"{_PREFIX}{name} is {text!r}; expected a number, or one a channel") from error

    def _also(self) -> tuple[tuple[str, ...], Floats]:
        """Names of the cues, and the weights (c, k) of `cue_values`."""
        text = self._metadata.get("also", "{}")
        expected = f"expected JSON of cues ({', '.join(CUES)}), each with lists of {len(self.classes)} weights"
        try:
            stated: dict[str, Any] = json.loads(text)
            names = tuple(stated)
            weights = np.asarray([row for rows in stated.values() for row in rows], np.float32)
        except (ValueError, TypeError, AttributeError) as error:
            raise self._wrong(f"{_PREFIX}also is {text[:80]!r}; {expected}") from error
        if not names:
            return (), np.zeros((0, len(self.classes)), np.float32)
        known = all(name in CUES and len(stated[name]) == cue_width(name) for name in names)
        if not known or weights.shape[1:] != (len(self.classes),) or not np.isfinite(weights).all():
            raise self._wrong(f"{_PREFIX}also is {text[:80]!r}; {expected}")
        if not self._logits:
            raise self._wrong(f"{_PREFIX}also adds to logits, but its output is not said to be logits")
        return names, weights

    def _try_out(self) -> None:
        """One black face: whether what comes out is what the metadata says."""
        size, colour, _ = self.crops
        try:
            black = np.zeros((1, size, size, 3) if colour else (1, size, size), np.uint8)
            score_faces(self, black, dict.fromkeys(CUES, np.zeros(1, np.float32)))
        except NetworkError as error:
            remedy = "" if self._logits else f"; if they are logits, set {_PREFIX}output to logits in its metadata"
            raise self._wrong(f"{error}{remedy}") from error

    def _wrong(self, reason: str) -> UsageError:
        return UsageError(f"{self._path}: not a scorer's network: {reason}")


def _softmax(logits: Any) -> Floats:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    scores: Floats = powers / powers.sum(axis=1, keepdims=True)
    return scores
