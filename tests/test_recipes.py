"""The table of recordings as people have them: every recipe has a name of its own, and there are enough of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_modules_of_recipes_load_together() -> None:
    """In a process of their own, since they register themselves; no recipe is made."""
    code = (
        "import importlib, benchmarks.recipes.__main__ as table\n"
        "for module in table.MODULES: importlib.import_module(f'benchmarks.recipes.{module}')\n"
        "print(len(table.RECIPES))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 60
