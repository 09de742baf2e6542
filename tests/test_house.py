"""The house: how large its modules and rooms are, and which rooms of the engine import which."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("classpulse", "engine", "tracking", "storage")
#: Lines of a module, and of a file of tests: what is longer is two.
MODULE_LINES, TEST_LINES = 400, 450
#: Modules in a room of the engine, its `__init__` apart.
ROOM_MODULES = 16
#: Kinds of arrows between the rooms of the engine: (importing room, imported room).
ROOM_ARROWS = 8


def _lines(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


def _rooms() -> list[Path]:
    return [folder for folder in sorted((ROOT / "engine").iterdir()) if (folder / "__init__.py").exists()]


def test_no_module_is_two_rooms() -> None:
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    assert files
    assert {str(path.relative_to(ROOT)): _lines(path) for path in files if _lines(path) > MODULE_LINES} == {}


def test_no_file_of_tests_is_two() -> None:
    files = list((ROOT / "tests").rglob("*.py"))
    assert {str(path.relative_to(ROOT)): _lines(path) for path in files if _lines(path) > TEST_LINES} == {}


def test_no_room_of_the_engine_is_a_barn() -> None:
    rooms = {room.name: [path for path in room.glob("*.py") if path.name != "__init__.py"] for room in _rooms()}
    assert {"sessions", "verdicts", "vision", "runtime"} <= set(rooms)
    assert {name: len(modules) for name, modules in rooms.items() if len(modules) > ROOM_MODULES} == {}


@pytest.fixture(scope="module")
def graph() -> Any:
    grimp = pytest.importorskip("grimp", reason="no grimp here (it comes with import-linter, of the extra dev)")
    sys.path.insert(0, str(ROOT))
    try:
        return grimp.build_graph(*PACKAGES, cache_dir=None)
    finally:
        sys.path.remove(str(ROOT))


def _room_of(module: str) -> str:
    """engine.sessions for engine.sessions.names; engine for what every room uses."""
    parts = module.split(".")
    return ".".join(parts[:2]) if (ROOT / "engine" / parts[1]).is_dir() else "engine"


def test_few_kinds_of_arrows_lie_between_the_rooms_of_the_engine(graph: Any) -> None:
    arrows = {
        (_room_of(importer), _room_of(imported))
        for importer in graph.modules
        if importer.startswith("engine.")
        for imported in graph.find_modules_directly_imported_by(importer)
        if imported.startswith("engine.")
    }
    assert len({arrow for arrow in arrows if arrow[0] != arrow[1]}) <= ROOM_ARROWS


def test_no_modules_import_each_other_in_a_circle(graph: Any) -> None:
    """Every module that imports itself over others, by however many steps."""
    circular = {
        module
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
        if graph.chain_exists(importer=imported, imported=module)
    }
    assert circular == set()
