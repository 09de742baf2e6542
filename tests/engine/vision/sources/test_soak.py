"""Recordings damaged at random are read, or refused in one line, and every frame is accounted for."""

from __future__ import annotations

import pytest

from benchmarks import soak


def test_fifty_damaged_recordings(capfd: pytest.CaptureFixture[str]) -> None:
    """`make bench-soak` does 500."""
    assert soak.main(50, seed=4) == 0, capfd.readouterr().out


@pytest.mark.parametrize(
    ("number", "seed"),
    [
        pytest.param(325, 1, id="one timestamp of another hour"),
        pytest.param(9, 1, id="joined within a group of pictures"),
        pytest.param(127, 1, id="blocks in another order"),
        pytest.param(162, 2, id="colours of no kind that there is"),
        pytest.param(228, 3, id="a stream that begins later"),
    ],
)
def test_what_once_went_wrong(number: int, seed: int, capfd: pytest.CaptureFixture[str]) -> None:
    assert soak.main(1, seed, number) == 0, capfd.readouterr().out
