"""What of a machine its rows may depend on: the processor's arithmetic, versions, networks, precision."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform as python_platform
from functools import cache
from typing import Any

from engine.runtime import platform
from engine.settings import Precision
from engine.vision.networks import checksums

#: The packages that decode, work on images and run networks.
PACKAGES = ("av", "classpulse", "numpy", "onnxruntime-gpu", "opencv-python", "opencv-python-headless", "openvino")


@cache
def fingerprint(precision: Precision) -> str:
    """The fingerprint of this machine as JSON: machines with the same one find the same faces, to the last bit.

    `precision` is that of the settings. Networks of the user's own are not in it: sessions have those.
    """
    networks = json.dumps(checksums(), sort_keys=True).encode()
    content: dict[str, Any] = {
        "architecture": python_platform.machine(),
        "processor": platform.vector_flags(),
        "precision": precision,
        "versions": _versions(),
        "networks": hashlib.sha256(networks).hexdigest(),
    }
    return json.dumps(content, sort_keys=True)


def differences(mine: str, other: str) -> list[str]:
    """In words, in what two fingerprints differ: `openvino 2026.0 here, 2025.4 there`."""
    here, there = json.loads(mine), json.loads(other)
    found = []
    if here["architecture"] != there["architecture"]:
        found.append(f"processor {here['architecture']} here, {there['architecture']} there")
    for name, flags in (("here", set(here["processor"])), ("there", set(there["processor"]))):
        common = set(here["processor"]) & set(there["processor"])
        if flags - common:
            found.append(f"the processor {name} alone has {' '.join(sorted(flags - common))}")
    if here["precision"] != there["precision"]:
        found.append(f"precision {here['precision']} here, {there['precision']} there")
    for package in sorted({*here["versions"], *there["versions"]}):
        versions = [each["versions"].get(package, "none") for each in (here, there)]
        if versions[0] != versions[1]:
            found.append(f"{package} {versions[0]} here, {versions[1]} there")
    if here["networks"] != there["networks"]:
        found.append("other networks")
    return found


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
