"""Shots, from layouts that are made up: which changes are a boundary, and where it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tracking.camera import IDENTITY
from tracking.shots import Shots, find_shots, unit_layouts

Floats = npt.NDArray[np.float64]

RATE = 5
UNKNOWN = np.full((2, 3), np.nan)
BLANK = np.zeros(72)


def view(seed: int) -> Floats:
    """(72,) a layout of its own."""
    return np.random.default_rng(seed).normal(0, 30, 72)


A, B, C = view(1), view(2), view(3)


@dataclass
class Film:
    """Columns of frames, to which stretches are added."""

    rate: float = RATE
    layouts: list[Floats] = field(default_factory=list)
    share: list[float] = field(default_factory=list)
    motion: list[Floats] = field(default_factory=list)
    faces: list[int] = field(default_factory=list)

    def add(
        self,
        layout: Floats,
        seconds: float,
        share: float = 0.1,
        first: float = 0.95,
        motion: Floats = IDENTITY,
        faces: int = 7,
    ) -> Film:
        """So many seconds of a view, unexplained in its first frame, and nearly explained after it."""
        for i in range(round(seconds * self.rate)):
            self.layouts.append(layout)
            self.share.append(share if i else first)
            self.motion.append(motion if i else UNKNOWN)
            self.faces.append(faces)
        return self

    def fade(self, before: Floats, after: Floats, weights: Sequence[float], share: float = 0.4) -> Film:
        for weight in weights:
            self.add((1 - weight) * before + weight * after, 1 / self.rate, first=share)
        return self

    def shots(self, **changes: Any) -> Shots:
        times = np.arange(len(self.layouts)) / self.rate
        layouts = np.array(self.layouts).clip(-127, 127).astype(np.int8)
        return find_shots(times, self.share, self.motion, layouts, self.faces, size=(640, 360), **changes)


def test_similarities_are_products_of_unit_layouts() -> None:
    units = unit_layouts(np.array([[3, 4], [0, 0], [-4, 3]], np.int8))
    assert units.tolist() == pytest.approx(np.array([[0.6, 0.8], [0, 0], [-0.8, 0.6]]))


@pytest.mark.parametrize("rate", [1, 2, 5, 12, 25])
def test_a_hard_cut_and_a_switch_and_back(rate: int) -> None:
    shots = Film(rate).add(A, 4).add(B, 4).add(A, 4).shots()
    assert shots.start.tolist() == [0, 4 * rate, 8 * rate]
    assert np.flatnonzero(shots.breaks).tolist() == [4 * rate, 8 * rate]
    assert not shots.fading.any()
    assert shots.of_frame.tolist() == [0] * 4 * rate + [1] * 4 * rate + [2] * 4 * rate


def test_a_fade_begins_a_shot_in_its_middle_and_its_frames_are_of_no_track() -> None:
    shots = Film().add(A, 4).fade(A, B, (0.3, 0.6)).add(B, 4, first=0.2).shots()
    assert shots.start.tolist() == [0, 21]
    assert np.flatnonzero(shots.fading).tolist() == [20, 21]
    assert np.flatnonzero(shots.breaks).tolist() == [20, 21, 22]


def test_a_fade_through_black() -> None:
    film = Film().add(A, 4).add(BLANK, 0.6).add(B, 4)
    assert film.shots().start.tolist() == [0, 23]
    assert len(Film().add(A, 4).add(BLANK, 6).add(A, 4).shots()) == 1  # the lens was covered


def test_a_flash_a_bump_and_somebody_before_the_lens_are_none() -> None:
    assert len(Film().add(A, 4).add(B, 0.2).add(A, 4).shots()) == 1
    assert len(Film().add(A, 4).add(B, 0.4, share=0.9).add(A, 4).shots()) == 1
    assert len(Film().add(A, 4).add(B, 2, faces=0).add(A, 4).shots()) == 1
    assert len(Film().add(A, 4).add(B, 2, faces=2).add(A, 4).shots()) == 3  # another camera
    assert len(Film().add(A, 4).add(B, 2, faces=0).add(C, 4).shots()) == 3
    assert len(Film().add(A, 4).add(B, 4, faces=0).add(A, 4).shots()) == 3


def test_a_picture_that_the_frame_before_explains_is_no_cut() -> None:
    """The layout changes, as where half the picture is dark; and the picture does, but the layout stays."""
    assert len(Film().add(A, 4, share=0.03).add(B, 4, share=0.03, first=0.03).shots()) == 1
    assert len(Film().add(A, 4).add(A + 0.4 * B, 4).shots()) == 1


@pytest.mark.parametrize(("rate", "expected"), [(5, 2), (2, 1)])
def test_between_frames_far_apart_the_layout_may_change_more(rate: float, expected: int) -> None:
    """Two layouts of a similarity of 0.65."""
    other = 0.65 * A / np.linalg.norm(A) + (1 - 0.65**2) ** 0.5 * B / np.linalg.norm(B)
    assert len(Film(rate).add(A, 4).add(other * 250, 4).shots()) == expected


def test_a_pan_is_no_fade() -> None:
    """The same slow change, while the camera moves, while it zooms, and while it stands."""
    for step, scale, expected in ((40, 1.0, 1), (0, 1.05, 1), (2, 1.0, 2)):
        film = Film().add(A, 4)
        motion = np.array([[scale, 0.0, step + 320 * (1 - scale)], [0.0, scale, 180 * (1 - scale)]])
        for weight in (0.2, 0.4, 0.6, 0.8):
            film.fade(A, B, (weight,))
            film.motion[-1] = motion
        film.add(B, 4, first=0.2)
        film.motion[24] = motion
        assert len(film.shots()) == expected


def test_a_fade_of_what_stays_explained_is_none() -> None:
    assert (
        len(
            Film()
            .add(A, 4, share=0.03)
            .fade(A, B, (0.3, 0.6), share=0.03)
            .add(B, 4, share=0.03, first=0.03)
            .shots()
        )
        == 1
    )


def test_two_cuts_in_as_many_frames_are_one() -> None:
    """At two frames a second, the frame in a fade is like neither side."""
    shots = Film(2).add(A, 4).add(C, 0.5).add(B, 4).shots()
    assert shots.start.tolist() == [0, 9]
    assert np.flatnonzero(shots.fading).tolist() == [8]


def test_the_clock_breaks_tracks_and_begins_no_shot() -> None:
    shots = Film().add(A, 4).shots(jumps=(2.0, 99.0))
    assert len(shots) == 1
    assert np.flatnonzero(shots.breaks).tolist() == [10]


def test_a_recording_of_which_nothing_is_known_is_one_shot() -> None:
    unknown = np.full(9, np.nan)
    shots = find_shots(
        np.arange(9.0), unknown, np.full((9, 2, 3), np.nan), np.zeros((9, 0)), np.ones(9), size=(1, 1)
    )
    assert len(shots) == 1
    assert not shots.fading.any()
    assert not shots.breaks.any()
    assert len(Shots.one(0).of_frame) == len(Shots.one(0).fading) == 0
