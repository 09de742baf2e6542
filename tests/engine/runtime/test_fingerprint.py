"""Fingerprints of machines: what they have, and in what two differ."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.runtime import platform
from engine.runtime.fingerprint import differences, fingerprint
from engine.vision.networks import checksums

CPUINFO = (
    "processor\t: 0\nflags\t\t: fpu sse2 smep avx2 amx_bf16 sme2 smap sse4_1\n\nprocessor\t: 1\nflags\t: none\n"
)


def test_fingerprint_has_what_rows_depend_on() -> None:
    content = json.loads(fingerprint("f32"))
    assert content["precision"] == "f32"
    assert {"openvino", "av", "numpy", "classpulse"} <= set(content["versions"])
    assert len(content["networks"]) == 64
    assert content["networks"] not in checksums().values()
    assert fingerprint("auto") != fingerprint("f32")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, []),
        ({"precision": "auto"}, ["precision f32 here, auto there"]),
        ({"architecture": "arm"}, ["processor x86 here, arm there"]),
        ({"processor": ["avx2", "amx_bf16"]}, ["the processor there alone has amx_bf16"]),
        ({"processor": []}, ["the processor here alone has avx2"]),
        ({"versions": {"openvino": "2", "av": "1"}}, ["av none here, 1 there", "openvino 1 here, 2 there"]),
        ({"networks": "cd"}, ["other networks"]),
    ],
)
def test_what_differs_between_two_machines_is_said(change: dict[str, Any], said: list[str]) -> None:
    mine = {
        "architecture": "x86",
        "processor": ["avx2"],
        "precision": "f32",
        "versions": {"openvino": "1"},
        "networks": "ab",
    }
    assert differences(json.dumps(mine), json.dumps(mine | change)) == said


def test_vector_instructions_are_those_of_the_first_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpuinfo").write_text(CPUINFO, "utf-8")
    monkeypatch.setattr(platform, "CPU_INFO", tmp_path / "cpuinfo")
    assert platform.vector_flags() == ["amx_bf16", "avx2", "sme2", "sse2", "sse4_1"]
    monkeypatch.setattr(platform, "CPU_INFO", tmp_path / "none")  # as on macOS and Windows
    monkeypatch.setattr("platform.processor", lambda: "arm")
    assert platform.vector_flags() == ["arm"]
