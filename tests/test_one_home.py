"""One rule, one home: literals that must stand once, found by walking the syntax of every module."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from classpulse.report import figures, palette
from engine.faces import EMOTIONS
from engine.sessions.students import UNCERTAIN_LINK
from engine.verdicts import scale

ROOT = Path(__file__).parents[1]
PACKAGES = ("classpulse", "engine", "tracking", "storage")
#: Migrations write databases as they were, so their words do not follow later changes.
FROZEN = ROOT / "storage" / "migrations"


def modules() -> list[Path]:
    found = [ROOT / "cli.py", *(path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))]
    return [path for path in found if FROZEN not in path.parents]


@cache
def nodes(path: Path) -> list[ast.AST]:
    """The nodes of a module, but for its docstrings and other sentences that stand alone."""
    return nodes_of(path.read_text("utf-8"))


def nodes_of(source: str) -> list[ast.AST]:
    """The nodes of a source text; of an f-string the whole alone, not its fixed texts."""
    tree = ast.parse(source)
    left_out = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)} & {
        id(node) for node in ast.walk(tree) if isinstance(node, ast.Constant | ast.JoinedStr)
    }
    left_out |= {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    return [node for node in ast.walk(tree) if id(node) not in left_out]


def homes(holds: Callable[[ast.AST], bool]) -> list[str]:
    """The modules that have such a literal, each as often as it has one."""
    return [str(path.relative_to(ROOT)) for path in modules() for node in nodes(path) if holds(node)]


def strings(node: ast.AST) -> tuple[str, ...]:
    """The strings of a tuple, list, set or of the keys of a dict, in order."""
    items = node.keys if isinstance(node, ast.Dict) else getattr(node, "elts", [])
    if not isinstance(node, ast.Dict | ast.Tuple | ast.List | ast.Set):
        return ()
    return tuple(item.value for item in items if isinstance(item, ast.Constant) and isinstance(item.value, str))


def text_of(node: ast.AST | None) -> str:
    """A string, or the fixed text of an f-string with {} for its values, and {:02d} for those with a format."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
        return node.value if isinstance(node.value, str) else node.value.decode("latin-1")
    if isinstance(node, ast.FormattedValue):
        return f"{{{text_of(node.format_spec)}}}"
    return "".join(map(text_of, node.values)) if isinstance(node, ast.JoinedStr) else ""


def matching(pattern: str) -> Callable[[ast.AST], bool]:
    return lambda node: re.search(pattern, text_of(node)) is not None


def test_the_walk_sees_a_second_home() -> None:
    """What the other tests rely on: a copy of any kind is found, and a sentence about it is not one."""
    source = '"""S{:02d}"""\na = f"S{n:02d}"\nb = ("x", "y")\nc = {"x": 1, "y": 2}\nd = b"SQLite"\n'
    found = nodes_of(source)
    assert [text_of(node) for node in found if text_of(node).startswith("S")] == ["S{02d}", "SQLite"]
    assert [strings(node) for node in found if strings(node)] == [("x", "y")] * 2


def test_the_order_of_verdicts_has_one_home_on_each_floor() -> None:
    """storage, which imports nothing of the engine, checks rows against the same names."""
    found = homes(lambda node: {"interested", "neutral", "not interested"} <= set(strings(node)))
    engine = [path for path in found if not path.startswith("storage/")]
    assert engine == ["engine/verdicts/scale.py"]
    (storage,) = set(found) - set(engine)
    assert f"VERDICTS = {scale.VERDICTS}".replace("'", '"') in (ROOT / storage).read_text("utf-8")


def test_signs_and_columns_of_verdicts_follow_from_their_order() -> None:
    assert homes(lambda node: text_of(node) == "+o-.") == ["engine/verdicts/scale.py"]
    assert homes(lambda node: {"interested", "not_interested", "insufficient"} <= set(strings(node))) == []


def test_pages_have_the_verdicts_in_the_same_order() -> None:
    script = (ROOT / "classpulse/report/static/report.js").read_text("utf-8")
    assert f"const VERDICTS = {json.dumps(list(scale.VERDICTS))};" in script
    assert f"const INSUFFICIENT = {figures.INSUFFICIENT};" in script
    assert f"const FIRST_KIND = {figures.FIRST_KIND};" in script


def test_the_classes_of_fers_network_have_one_home() -> None:
    """In any order; the demo's script of moods is no copy, since it has five of the seven."""
    assert homes(lambda node: set(strings(node)) >= set(EMOTIONS)) == []


def test_a_link_is_uncertain_under_one_score() -> None:
    names = homes(
        lambda node: (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Constant)
            and node.value.value == UNCERTAIN_LINK
            and re.search("LINK|DOUBT|CERTAIN", ast.unparse(node.targets[0])) is not None
        )
    )
    assert names == ["engine/sessions/students.py"]
    assert f"weakest_link < {UNCERTAIN_LINK}" in (ROOT / "storage/queries.sql").read_text("utf-8")


@pytest.mark.parametrize(
    ("pattern", "home"),
    [
        (r"^S\{02d\}", "engine/sessions/students.py"),  # the label of a student
        (r"^\[SsPp\]", "engine/sessions/students.py"),  # names that read like one
        (r"^no student \{", "engine/sessions/students.py"),
        (r"several students are called", "engine/sessions/students.py"),
        (r"^invalid time \{", "engine/times.py"),
        (r"^\{\}:\{02\}:\{\}$", "engine/times.py"),  # 1:02:03
        (r"^\.part(ial)?$", "engine/outputs.py"),
        (r"^never overwritten|which is never overwritten", "engine/outputs.py"),
        (r"^%Y-%m-%dT", "engine/sessions/lifecycle.py"),  # when a recording was made
    ],
)
def test_a_rule_that_is_needed_twice_is_imported(pattern: str, home: str) -> None:
    assert homes(matching(pattern)) == [home]


def test_colours_of_verdicts_stand_in_the_style_sheet_alone() -> None:
    css = (ROOT / "classpulse/report/static/report.css").read_text("utf-8")
    light, dark = css.split("@media", 2)[:2]
    assert len(set(palette.rgb().values())) == len(scale.VERDICTS)
    for red, green, blue in palette.rgb().values():
        colour = f"#{red:02x}{green:02x}{blue:02x}"
        assert light.count(colour) == 1
        assert css.count(colour) == 1, "a print takes the colours of the light page"
        written = {colour, f"({red}, {green}, {blue})"}
        copies = [path for path in modules() if any(text in path.read_text("utf-8") for text in written)]
        assert copies == []
    assert not set(re.findall(r"#[0-9a-f]{6}", light)) & set(re.findall(r"#[0-9a-f]{6}", dark))


def test_only_one_module_puts_a_file_in_the_place_of_another() -> None:
    """Uploads, which get a name that is free, apart."""
    renames = homes(
        lambda node: (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("replace", "rename")
            and ast.unparse(node.func.value) in ("partial", "part", "os")
        )
    )
    assert set(renames) - {path for path in renames if path.startswith("storage/")} == {
        "engine/outputs.py",
        "classpulse/web/videos.py",
    }


def test_the_present_time_is_written_in_one_way() -> None:
    writes = re.compile(r"\.now\([^)]*\)\s*\.(isoformat|strftime)")
    assert [str(path.relative_to(ROOT)) for path in modules() if writes.search(path.read_text("utf-8"))] == [
        "storage/store.py"
    ]


def test_a_browser_writes_a_time_in_one_way() -> None:
    """Scripts of the page use the report's."""
    scripts = [
        path for path in sorted((ROOT / "classpulse").rglob("*.js")) if "/ 3600" in path.read_text("utf-8")
        and "vendor" not in path.parts
    ]  # fmt: skip
    assert [path.name for path in scripts] == ["report.js"]
