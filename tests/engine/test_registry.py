"""The registry of implementations: own ones, other packages' through entry points, and its errors in one line."""

from __future__ import annotations

import sys
from collections import OrderedDict
from fractions import Fraction
from pathlib import Path

import pytest

from engine.errors import UsageError
from engine.registry import Registry
from engine.version import __version__

GROUP = "classpulse.test_things"


@pytest.fixture
def registry() -> Registry[object]:
    own = {
        "second": "collections:OrderedDict",
        "first": "fractions:Fraction",
        "needy": "nowhere_installed:Thing",
    }
    return Registry("thing", GROUP, own, documentation="docs/things.md")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def install(site: Path, package: str, entries: str, module: str = "") -> None:
    """As pip would install a package with one module and these entry points."""
    info = site / f"{package.replace('-', '_')}-2.5.dist-info"
    info.mkdir()
    (site / f"{package.replace('-', '_')}.py").write_text(module, "utf-8")
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 2.5\n", "utf-8")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{entries}\n", "utf-8")


def test_own_implementations_are_listed_in_their_order_and_loaded_by_name(registry: Registry[object]) -> None:
    assert registry.names() == ["second", "first", "needy"]
    assert registry.load("first") is Fraction
    assert registry.load("second") is OrderedDict
    assert registry.origin("first") == f"classpulse {__version__}"


def test_other_packages_come_after_the_own_ones_and_are_named_with_their_version(
    registry: Registry[object], site: Path
) -> None:
    install(site, "extra-things", "zebra = extra_things:Zebra\nape = extra_things:Ape", "Zebra, Ape = 7, 8")
    assert registry.names() == ["second", "first", "needy", "ape", "zebra"]
    assert registry.load("ape") == 8
    assert registry.load("zebra") == 7
    assert registry.origin("zebra") == "extra-things 2.5"


def test_nothing_is_imported_before_it_is_asked_for(registry: Registry[object], site: Path) -> None:
    install(site, "lazy-things", "lazy = lazy_things:Lazy", "Lazy = 1")
    assert registry.names()[-1] == "lazy"
    assert registry.origin("lazy") == "lazy-things 2.5"
    assert "lazy_things" not in sys.modules
    registry.load("lazy")
    assert "lazy_things" in sys.modules


def test_another_package_cannot_take_over_an_own_name(registry: Registry[object], site: Path) -> None:
    install(site, "thief-things", "first = thief_things:Thief", "Thief = 1")
    assert registry.names() == ["second", "first", "needy"]
    assert registry.load("first") is Fraction


def check_one_line(registry: Registry[object], name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        registry.load(name)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_status == 2


def test_an_unknown_name_is_answered_with_what_is_available(registry: Registry[object], site: Path) -> None:
    install(site, "more-things", "other = more_things:Other")
    message = r"^unknown thing 'frist'; available: second, first, needy, other \(see docs/things\.md\)$"
    check_one_line(registry, "frist", message)
    with pytest.raises(UsageError, match=message):
        registry.origin("frist")


def test_two_packages_of_one_name_are_an_error_and_never_the_first(registry: Registry[object], site: Path) -> None:
    install(site, "one-things", "same = one_things:Same", "Same = 1")
    install(site, "two-things", "same = two_things:Same", "Same = 2")
    check_one_line(
        registry, "same", r"^one-things 2\.5 and two-things 2\.5 both register a thing 'same'; uninstall"
    )


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        ("", r"AttributeError: .*no attribute 'Broken'"),
        ("import numppy", r"ModuleNotFoundError: No module named 'numppy'\); install the package numppy$"),
        ("raise KeyError('a\\nb')", r"KeyError: .*; reinstall broken-things 2\.5$"),
        ("def f(:", r"SyntaxError: .*; reinstall broken-things 2\.5$"),
    ],
    ids=["attribute", "module", "any", "syntax"],
)
def test_what_cannot_be_loaded_is_one_line_with_the_package_and_the_remedy(
    registry: Registry[object], site: Path, module: str, reason: str
) -> None:
    sys.modules.pop("broken_things", None)
    install(site, "broken-things", "broken = broken_things:Broken", module)
    check_one_line(registry, "broken", rf"^cannot load the thing 'broken' of broken-things 2\.5 \({reason}")


def test_an_own_one_whose_library_is_missing_says_which(registry: Registry[object]) -> None:
    check_one_line(registry, "needy", r"classpulse .*install the package nowhere_installed$")


def test_an_error_of_the_project_passes_unchanged(registry: Registry[object], site: Path) -> None:
    module = "from engine.errors import NetworkError\nraise NetworkError('the file is damaged; copy it again')"
    install(site, "failing-things", "failing = failing_things:Failing", module)
    with pytest.raises(RuntimeError, match=r"^the file is damaged; copy it again$"):
        registry.load("failing")
