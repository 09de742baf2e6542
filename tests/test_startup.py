"""What is imported to start with: nothing costly before it is used, and the public API all the same."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from types import ModuleType

import pytest

import classpulse
import engine
from engine.sessions.analysis import analyze
from engine.sessions.session import Session, find
from engine.settings import Settings
from engine.version import __version__

#: Packages that cost more than 50 ms each: networks, decoder, images, statistics, tables, databases, terminals.
COSTLY = {
    "openvino",
    "av",
    "cv2",
    "scipy",
    "filterpy",
    "pandas",
    "pyarrow",
    "sqlalchemy",
    "alembic",
    "rich",
    "jinja2",
}


def loaded(code: str) -> set[str]:
    """The modules that a fresh interpreter has after `code`."""
    script = f"import json, sys\n{code}\nprint(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr.splitlines()[-1]))


def test_import_classpulse_loads_no_other_package() -> None:
    assert loaded("import classpulse") & (COSTLY | {"numpy", "engine.settings", "storage"}) == set()


def test_help_of_the_command_line_loads_nothing_costly() -> None:
    help_shown = "sys.argv = ['classpulse', '--help']\nimport cli\ntry: cli.main()\nexcept SystemExit: pass"
    assert loaded(help_shown) & (COSTLY | {"numpy", "storage"}) == set()


@pytest.mark.parametrize(
    ("module", "pixels"), [("engine.sessions.session", {"cv2", "av"}), ("engine.sessions.analysis", set())]
)
def test_what_a_session_does_not_need_is_not_loaded(module: str, pixels: set[str]) -> None:
    found = loaded(f"import {module}")
    assert {"sqlalchemy", "storage.store"} <= found, "what it does need"
    assert found & ({"scipy", "filterpy", "openvino", "alembic", "rich", "matplotlib"} | pixels) == set()


def test_tracking_loads_no_filter_before_there_is_a_track() -> None:
    assert loaded("import tracking.sort, tracking.identity, tracking.live") & COSTLY == set()
    born = "import numpy, tracking.kalman\ntracking.kalman.BoxFilter(numpy.array([0.0, 0, 10, 10]))"
    assert "filterpy.kalman" in loaded(born)


@pytest.mark.parametrize("package", [classpulse, engine])
def test_public_names_are_the_ones_in_the_modules(package: ModuleType) -> None:
    assert sorted(package.__all__) == ["Session", "Settings", "__version__", "analyze", "find"]
    # classpulse's own are the engine's, with sessions that show themselves in notebooks.
    own = package is classpulse
    assert (inspect.unwrap(package.analyze) is analyze, package.analyze is analyze) == (True, not own)
    assert (inspect.unwrap(package.find) is find, package.find is find) == (True, not own)
    assert (issubclass(package.Session, Session), package.Session is Session) == (True, not own)
    assert package.Settings is Settings
    assert package.__version__ == __version__
    assert set(package.__all__) <= set(dir(package))


@pytest.mark.parametrize("package", [classpulse, engine])
def test_other_names_are_refused_as_python_does(package: ModuleType) -> None:
    with pytest.raises(AttributeError, match=f"module '{package.__name__}' has no attribute 'analyse'"):
        _ = package.analyse
    with pytest.raises(ImportError, match="analyse"):
        exec(f"from {package.__name__} import analyse")


def test_a_lazy_name_is_looked_up_once() -> None:
    found = loaded("import engine; assert 'Session' not in vars(engine); engine.Session; engine.Session.info")
    assert "engine.sessions.session" in found
    assert engine.Session is vars(engine)["Session"]


def public() -> dict[str, object]:
    """Everything that a reader of `help(classpulse)` is told of: the functions, the classes and their methods."""
    names = {name: getattr(classpulse, name) for name in classpulse.__all__ if name != "__version__"}
    for owner in ("Session", "Settings"):
        names |= {
            f"{owner}.{name}": member
            for name, member in inspect.getmembers(names[owner], callable)
            if not name.startswith("_")
        }
    return names


@pytest.mark.parametrize(("name", "member"), public().items(), ids=public())
def test_public_docstrings_are_whole_sentences(name: str, member: object) -> None:
    text = inspect.getdoc(member) or ""
    assert text, f"{name} has no docstring"
    assert text.split("\n\n")[0].rstrip().endswith((".", ":")), name


def test_analyze_explains_every_argument_and_error() -> None:
    text = inspect.getdoc(analyze) or ""
    for argument in set(inspect.signature(analyze).parameters) - {"db", "source", "on_progress"}:
        assert f"`{argument}`" in text or f"`{argument}." in text, argument
    assert "`db`" in text
    assert {"SourceError", "StorageError", "UsageError"} <= set(re.findall(r"\w+Error", text))


@pytest.mark.parametrize("method", ["students", "verdicts", "class_verdicts", "judgements"])
def test_docstring_of_a_table_names_columns_that_it_has(method: str, analysed: Session) -> None:
    text = inspect.getdoc(getattr(Session, method)) or ""
    told = set(
        re.findall(
            r"\b(?:label|name|first|last|tracks|faces|verdict|balance|margin|coverage|strategy|settings)\b", text
        )
    )
    assert len(told) >= 3
    assert told <= set(getattr(analysed, method)().columns)
