"""The documents: every command block in them runs, every command is documented, every link leads somewhere."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import cv2
import numpy as np
import pandas as pd
import pytest

import cli
from classpulse import Session
from engine.faces import EMOTIONS, FER
from engine.sessions.formats import boris, eaf, textgrid
from engine.sessions.formats.tiers import Annotation, Tier
from storage.queries import query
from tests.classpulse.commands.conftest import command_group, start
from tests.faces import write_faces
from tests.seated import write_seated

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
DOCUMENTS = [README, *sorted((ROOT / "docs").glob("*.md"))]
COMMANDS = command_group().commands
#: Run by tests of their own, which install what they are about.
OWN_TESTS = {"extending.md", "formats.md"}

#: What has happened before a document's first command: as commands, in a folder with the recordings that it names.
BEFORE = {
    "identities.md": ["classpulse analyze monday.mp4 tuesday.mp4"],
    "privacy.md": [
        "classpulse analyze monday.mp4",
        "classpulse roster monday.mp4 --room B12 --seat S01=Ada",
    ],
    "report-and-page.md": ['classpulse analyze monday.mp4 tuesday.mp4 --name "Physics 8b"'],
    "sql.md": [
        'classpulse analyze lecture.mp4 --name "Physics 8b"',
        'classpulse mark "Physics 8b" "group work" --at 5 --until 15',
    ],
    "validation.md": ['classpulse judge "Physics 8b" --strategy sum --window 10'],
    "verdicts.md": ["classpulse analyze lecture.mp4"],
    "responsible-use.md": ["classpulse analyze lecture.mp4"],
    "measured.md": ["classpulse analyze lecture.mp4"],
}


def blocks(document: Path, language: str) -> list[str]:
    """The text of the document's blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", document.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def commands(document: Path) -> list[str]:
    """Every line of the document's shell blocks, without its comment."""
    lines = [re.sub(r"(^|\s+)#.*", "", line) for block in blocks(document, "sh") for line in block.splitlines()]
    return [line for line in lines if line.strip()]


def named(document: Path) -> list[list[str]]:
    """Every `classpulse ...` in a shell block or between backticks, as words."""
    inline = re.findall(r"`(classpulse [^`]+)`", document.read_text("utf-8"))
    words = [shlex.split(line) for line in [*inline, *commands(document)]]
    return [line for line in words if Path(line[0]).name == "classpulse"]


@pytest.fixture
def folder(recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with the drawn lesson as several recordings, photos and codes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CLASSPULSE_DB", raising=False)
    shutil.copy(recording, "lecture.mp4")
    return tmp_path


def prepare(folder: Path, recording: Path, document: Path) -> None:
    """The recordings and files that the document's commands name."""
    text = document.read_text("utf-8")
    for place, name in enumerate(("monday", "tuesday", "friday")):
        if f"{name}.mp4" in text:
            # A box that players pass over makes it another recording.
            spare = (8 + place).to_bytes(4, "big") + b"free" + bytes(place)
            (folder / f"{name}.mp4").write_bytes(recording.read_bytes() + spare)
    if "analyze photos" in text:
        (folder / "photos").mkdir()
        for place in range(3):
            cv2.imwrite(str(folder / "photos" / f"{place}.png"), np.full((90, 160, 3), 40 * place, np.uint8))
    if "train labels.csv --images" in text:
        write_faces(folder)
    if document.name == "effects.md":
        write_seated(folder / "classpulse.db", name="Physics 8b")
    if "codes.csv" in text:
        people = tuple((f"P{place}", (60 + 80 * place, 240, 40), (0, 120)) for place in range(6))
        labels = write_seated(folder / "classpulse.db", people, name="Physics 8b").students()["label"]
        rows = [
            f"{coder},{label},{start},30,{code}"
            for coder in ("Ada", "Ben")
            for label in labels
            for start, code in ((0, "interested"), (30, "not interested"), (60, "neutral"))
        ]
        (folder / "codes.csv").write_text("\n".join(["coder,student,start,length,code", *rows]), "utf-8")


def write_coded(folder: Path) -> None:
    """A session, and one coder's codes of it in each format."""
    session = write_seated(folder / "classpulse.db", name="Physics 8b", classes=FER)
    labels = session.students()["label"][:3]
    coded = [
        Tier(f"Ada@{label}", (Annotation(0, 30, "interested"), Annotation(30, 60, "neutral"))) for label in labels
    ]
    (folder / "codes.eaf").write_bytes(eaf.write(coded, "lecture.mp4", {}))
    (folder / "codes.TextGrid").write_text(textgrid.write(coded, 120.0), "utf-8")
    subjects = [tier._replace(student=label) for tier, label in zip(coded, labels, strict=True)]
    project = boris.write(subjects, "lecture.mp4", 120.0, {"code": ["interested", "neutral"]}, "codes")
    (folder / "codes.boris").write_text(project.replace('"classpulse"', '"Ada"'), "utf-8")
    table = pd.DataFrame({"student": labels, "start": 0, "length": 30, "code": "interested"})
    table.to_excel(folder / "codes.xlsx", index=False, engine="xlsxwriter")


def serve(words: list[str]) -> None:
    """A server starts, answers once where it says that it listens, and ends at Ctrl-C."""
    process = start(*words, "--port", "0")
    try:
        assert process.stdout
        line = process.stdout.readline().decode()
        address = re.search(r"http://\S+", line)
        assert address, line
        assert urlopen(address[0], timeout=60).status == 200
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


@pytest.fixture
def execute(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Runs one command line of a document."""

    def run(line: str) -> None:
        words = [
            part
            for word in shlex.split(line)
            for part in (sorted(map(str, Path().glob(word))) if "*" in word else [word])
        ]
        program, *arguments = words
        if program == "make":
            makefile = (ROOT / "Makefile").read_text("utf-8")
            assert re.search(rf"^{arguments[0]}:", makefile, re.MULTILINE), line
        elif program in ("pip", "pipx"):
            extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
            assert set(",".join(re.findall(r"\[([\w,]+)\]", line)).split(",")) - {""} <= set(extras), line
        elif Path(program).name != "classpulse":
            assert program in ("apt-get", "createdb"), f"a program that no test knows: {line}"
        elif arguments[0] in ("serve", "browse"):
            serve(arguments)
        else:
            monkeypatch.setattr(sys, "argv", ["classpulse", *arguments])
            on_interrupt = signal.getsignal(signal.SIGINT)
            with pytest.raises(SystemExit) as ended:
                cli.main()
            signal.signal(signal.SIGINT, on_interrupt)
            assert ended.value.code == 0, f"{line}\n{capsys.readouterr().err}"

    return run


RUN = [path for path in DOCUMENTS if path.name not in OWN_TESTS and blocks(path, "sh")]


@pytest.mark.parametrize("document", RUN, ids=lambda path: path.name)
def test_every_command_block_runs(
    document: Path, folder: Path, recording: Path, execute: Callable[[str], None], request: pytest.FixtureRequest
) -> None:
    prepare(folder, recording, document)
    lines = commands(document)
    weights = "face_detection_yunet_2026may.onnx"
    if any(weights in line for line in lines):
        shared: Path = request.getfixturevalue("shared")
        shutil.copy(shared / "eval" / "yunet_2026may.onnx", weights)
    for line in [*BEFORE.get(document.name, []), *lines]:
        if "postgresql://" in line:
            line = re.sub(r"postgresql://\S+", request.getfixturevalue("postgres_url"), line)
        execute(line)


def test_every_format_has_an_example_that_runs(
    folder: Path, recording: Path, execute: Callable[[str], None]
) -> None:
    document = ROOT / "docs" / "formats.md"
    write_coded(folder)
    execute('classpulse mark "Physics 8b" "group work" --at 60')
    examples = re.findall(r"`(classpulse export [^`]+)`", document.read_text("utf-8"))
    assert len(examples) >= 11
    for example in examples:
        execute(example)
    execute('classpulse unmark "Physics 8b" --all')
    for line in commands(document):
        if not line.startswith("pip"):
            execute(line)


def test_the_readme_in_python_gives_tables_with_rows(folder: Path) -> None:
    (block,) = blocks(README, "python")
    names: dict[str, object] = {}
    exec(block, names)
    expressions = [line.split("  #")[0] for line in block.splitlines() if line.startswith("session.")]
    assert len(expressions) >= 4
    for expression in expressions:
        table = eval(expression, names)
        assert isinstance(table, pd.DataFrame), expression
        assert len(table), expression


def test_the_readme_promises_columns_that_there_are(analysed: Session) -> None:
    promised = {
        "verdicts": ("verdict", "balance", "margin", "coverage", "scorable"),
        "students": ("label", "first", "last", "tracks", "faces", "coverage"),
        "faces": ("time", "student", "x1", "y1", "x2", "y2", *EMOTIONS, "quality"),
    }
    for method, columns in promised.items():
        assert f"session.{method}()" in README.read_text("utf-8")
        assert set(columns) <= set(getattr(analysed, method)())


def test_the_readme_asks_sql_that_works(analysed: Session) -> None:
    for text in blocks(README, "sql"):
        query(analysed.database, text)


def test_the_readme_can_be_read_in_a_few_minutes() -> None:
    assert len(README.read_bytes()) < 12_000
    assert "docs/report.png" in README.read_text("utf-8")
    assert "Art. 5(1)(f)" in README.read_text("utf-8")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_and_options_that_are_named_exist(document: Path) -> None:
    for _, name, *words in (line for line in named(document) if len(line) > 1):
        if name.startswith("-"):
            continue
        assert name in COMMANDS, f"{document.name} names `classpulse {name}`"
        options = {way for parameter in COMMANDS[name].params for way in parameter.opts} | {"--help", "--debug"}
        given = {word for word in words if re.fullmatch(r"--?[a-z][a-z-]*", word)}
        assert given <= options, f"{document.name} names `classpulse {name} {given - options}`"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name: str) -> None:
    assert re.search(rf"classpulse {name}\b", (ROOT / "docs" / "commands.md").read_text("utf-8"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_make_targets_that_are_named_exist(document: Path) -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    text = document.read_text("utf-8")
    quoted = "\n".join([*blocks(document, "sh"), *re.findall(r"`[^`]*`", text)])
    for target in re.findall(r"\bmake ([a-z-]+)", quoted):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{document.name} names `make {target}`"


# -- links


def anchors(document: Path) -> set[str]:
    """The anchors that a page gives its headings."""
    headings = re.findall(r"^#+ (.*)$", document.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def links() -> Iterator[tuple[Path, str]]:
    pages = [
        *DOCUMENTS,
        ROOT / "CHANGELOG.md",
        *ROOT.glob("benchmarks/*.md"),
        *ROOT.glob("engine/vision/models/*.md"),
    ]
    for page in pages:
        for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
            if not re.match(r"https?://|mailto:", link):
                yield page, link


@pytest.mark.parametrize(("page", "link"), list(links()), ids=lambda value: getattr(value, "name", value))
def test_links_lead_to_files_and_headings(page: Path, link: str) -> None:
    path, _, anchor = link.partition("#")
    target = Path(os.path.normpath(page.parent / path)) if path else page
    assert target.exists(), f"{page.name} links to {link}"
    assert target.is_relative_to(ROOT)
    if anchor:
        assert anchor in anchors(target), f"{page.name} links to {link}"
