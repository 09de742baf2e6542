"""Frames that no sample needs are not decoded, and that changes no sample."""

from __future__ import annotations

import random
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest

import engine.vision.sources.packets
from engine.vision.sources.video import Video
from tests.engine.synthetic import write_video
from tests.engine.vision.sources.clips import (
    KINDS,
    NTSC,
    contents,
    moving_texture,
    numbers,
    wreck,
)


class Read(Protocol):
    def __call__(
        self, video: Video, rate: float | None, start: float = 0, stop: float | None = None
    ) -> list[tuple[int, float, bytes]]: ...


@pytest.fixture
def decoded_whole(monkeypatch: pytest.MonkeyPatch) -> Read:
    """`decoded_whole(video, rate)`: its contents with every picture decoded."""

    def decoded(
        video: Video, rate: float | None, start: float = 0, stop: float | None = None
    ) -> list[tuple[int, float, bytes]]:
        with monkeypatch.context() as patch:
            patch.setattr(engine.vision.sources.packets.SkippablePackets, "skips", lambda *_: False)
            patch.setattr(engine.vision.sources.packets.SkippablePackets, "first_missed", lambda *_: None)
            return contents(video, rate, start, stop)

    return decoded


@pytest.mark.parametrize("kind", KINDS)
def test_sparing_changes_no_sample(tmp_path: Path, kind: str, decoded_whole: Read) -> None:
    how, _ = KINDS[kind]
    video = Video(write_video(tmp_path / kind, range(150), images=moving_texture(150), time_base=NTSC, **how))
    for rate in (0.5, 5, 11.3, 29.97):
        assert contents(video, rate) == decoded_whole(video, rate)
        assert contents(video, rate, 2.1, 4.2) == decoded_whole(video, rate, 2.1, 4.2)


@pytest.mark.parametrize("seed", range(4))
def test_sparing_changes_no_sample_of_variable_footage(tmp_path: Path, seed: int, decoded_whole: Read) -> None:
    chance = random.Random(seed)
    ticks = np.cumsum([chance.choice([1, 17, 40, 400]) for _ in range(200)]).tolist()
    options = {"g": "30", "bf": str(seed), "b-pyramid": chance.choice(["none", "normal"])}
    images = moving_texture(200)
    video = Video(
        write_video(tmp_path / "a.mp4", ticks, images=images, time_base=Fraction(1, 1000), options=options)
    )
    assert contents(video, 5) == decoded_whole(video, 5)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_sparing_changes_no_sample_of_damaged_footage(
    tmp_path: Path, codec: str, seed: int, decoded_whole: Read
) -> None:
    chance = random.Random(seed)
    options = {"g": "25", "bf": "3", "sc_threshold": "0"}
    path = write_video(tmp_path / "a.mp4", range(150), images=moving_texture(150), codec=codec, options=options)
    wreck(path, chance.sample(range(1, 150), 12))
    video = Video(path)
    for rate in (5, 2, 11):
        sampled, whole = contents(video, rate), decoded_whole(video, rate)
        assert [pts for pts, *_ in sampled] == [pts for pts, *_ in whole]


def test_half_of_the_pictures_need_not_be_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = 0
    decode = Video._decode

    def counted(*arguments: Any) -> Iterator[Any]:
        nonlocal decoded
        for frame in decode(*arguments):
            decoded += 1
            yield frame

    path = write_video(tmp_path / "a.mp4", range(150), options={"bf": "3", "b-adapt": "0"})
    video = Video(path)
    monkeypatch.setattr(Video, "_decode", counted)
    assert numbers(video, 5) == list(range(0, 150, 5))
    assert decoded < 0.65 * 150
