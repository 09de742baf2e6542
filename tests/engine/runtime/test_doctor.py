"""The doctor notices a decoder that does not give what was encoded."""

from __future__ import annotations

from typing import Any, Literal

import av
import pytest

from engine.runtime import doctor
from engine.vision.sources.video import Video


def test_a_working_decoder_gives_every_frame_in_its_colour() -> None:
    check = doctor._decoder()
    assert check.good, check.result
    assert check.result == "5 of 5 drawn frames decoded, in their colours"


def test_a_release_of_pyav_without_an_argument_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """As PyAV 19 did with `metadata_errors`."""
    real = av.open

    def broken(file: str, mode: Literal["r", "w"] = "r", **options: Any) -> Any:
        if options:
            raise TypeError("open() got an unexpected keyword argument 'metadata_errors'")
        return real(file, mode)

    monkeypatch.setattr(av, "open", broken)
    check = doctor._decoder()
    assert not check.good
    assert check.result == (
        "cannot decode a drawn clip (TypeError: open() got an unexpected keyword argument 'metadata_errors'); "
        "install another version of av"
    )


@pytest.mark.parametrize("fault", ["fewer frames", "wrong colours"])
def test_frames_that_are_missing_or_wrong_are_shown(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    real = Video.frames

    def faulty(self: Video, *arguments: Any) -> Any:
        frames = list(real(self, *arguments))
        if fault == "fewer frames":
            return iter(frames[:-1])
        frames[2].image[...] = frames[2].image[..., ::-1]  # BGR
        return iter(frames)

    monkeypatch.setattr(Video, "frames", faulty)
    check = doctor._decoder()
    assert not check.good
    assert "expected [[200, 60, 60], [60, 180, 60], [60, 60, 200]" in check.result
