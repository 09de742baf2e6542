"""What a network from elsewhere takes and gives, in a TOML file beside it: `--scorer-spec`."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from engine.errors import UsageError

_EXAMPLE = 'such as classes = ["attentive", "bored"]'
_COLOURS = ("grey", "rgb", "bgr")
#: Keys with a value that stands in the metadata as it is.
_PLAIN = ("size", "margin", "output")
_KEYS = ("classes", "polarity", "colour", "range", "mean", "std", *_PLAIN)


def read_spec(path: Path) -> dict[str, str]:
    """The metadata that the file stands for, without their prefix (see `OnnxClassifier`).

    `range = [low, high]` is what pixels from 0 to 255 become; classes without `polarity` are neutral. Raises
    UsageError in one line.
    """
    try:
        stated = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}; name another with --scorer-spec") from error
    except ValueError as error:  # also of its encoding
        raise UsageError(f"{path}: not a TOML file in UTF-8 ({error})") from error
    try:
        return _metadata(stated)
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from error


def _metadata(stated: dict[str, Any]) -> dict[str, str]:
    for key in stated:
        if key not in _KEYS:
            raise ValueError(f"unknown key {key!r}; available: {', '.join(_KEYS)}")
    names, polarity = stated.get("classes"), stated.get("polarity", {})
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"it has no list of classes, {_EXAMPLE}")
    if not isinstance(polarity, dict):
        raise ValueError(
            f"polarity is {polarity!r}; expected a table of classes, such as polarity.bored = 'negative'"
        )
    for name in polarity:
        if name not in names:
            raise ValueError(f"polarity of an unknown class {name!r}; the classes are {', '.join(names)}")
    metadata = {"classes": json.dumps([[name, polarity.get(name, "neutral")] for name in names])}
    metadata |= {key: str(stated[key]) for key in _PLAIN if key in stated}
    colour = stated.get("colour", "grey")
    if colour not in _COLOURS:
        raise ValueError(f"colour is {colour!r}; expected {', '.join(_COLOURS)}")
    metadata |= {"colour": colour} | ({} if colour == "grey" else {"order": colour})
    return metadata | _scaling(stated)


def _scaling(stated: dict[str, Any]) -> dict[str, str]:
    """The mean and deviation of pixels."""
    if "range" not in stated:
        return {key: json.dumps(stated[key]) for key in ("mean", "std") if key in stated}
    if "mean" in stated or "std" in stated:
        raise ValueError("it has both range and mean or std; keep one of them")
    try:
        low, high = map(float, stated["range"])
        if not low < high:
            raise ValueError
    except (TypeError, ValueError):
        raise ValueError(f"range is {stated['range']!r}; expected two numbers, such as [0, 1]") from None
    scale = 255 / (high - low)
    return {"mean": json.dumps(-low * scale), "std": json.dumps(scale)}
