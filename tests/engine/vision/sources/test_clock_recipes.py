"""The clocks of benchmarks/recipes: every frame at its time, and no file is said to end sooner than it does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.recipes import clocks
from benchmarks.recipes.recipe import RECIPES, Recipe
from engine import analyze
from engine.settings import Settings
from engine.vision.sources.video import Video

OF_CLOCKS = [recipe for recipe in RECIPES.values() if getattr(recipe.make, "func", None) in vars(clocks).values()]
BLIND = Settings(sample_rate=2, min_face=400, expression=False)


@pytest.mark.parametrize("recipe", OF_CLOCKS, ids=lambda recipe: recipe.name)
def test_every_frame_is_at_its_time_to_the_end(tmp_path: Path, shared: Path, recipe: Recipe) -> None:
    del shared  # the lesson is there
    path = tmp_path / recipe.name
    recipe.make(path)
    with Video(path, Settings(**recipe.settings)) as video:
        times = [frame.time for frame in video.frames(None)]
        assert len(times) == recipe.frames
        assert times[-1] == pytest.approx(recipe.last, abs=0.003)
        assert video.duration == pytest.approx(times[-1] + times[1], abs=0.005)
        assert [warning.code for warning in video.warnings] == list(recipe.warnings)


@pytest.mark.parametrize(
    "name", ["start10.mkv", "longer_sound.mkv", "longer_sound.mp4", "held.mp4", "edited_end.mp4"]
)
def test_a_whole_file_does_not_break_off(tmp_path: Path, shared: Path, name: str) -> None:
    del shared
    path = tmp_path / name
    RECIPES[name].make(path)
    assert analyze(path, tmp_path / "a.db", settings=BLIND).warnings == ()


@pytest.mark.parametrize("name", ["longer_sound.mkv", "shorter_sound.mkv"])
def test_a_file_that_is_cut_off_does(tmp_path: Path, shared: Path, name: str) -> None:
    del shared
    path = tmp_path / name
    RECIPES[name].make(path)
    os.truncate(path, path.stat().st_size // 2)
    (warning,) = analyze(path, tmp_path / "a.db", settings=BLIND).warnings
    assert "it breaks off after" in warning
