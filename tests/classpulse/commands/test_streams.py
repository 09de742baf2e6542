"""Names that are not UTF-8, terminals of other encodings, output that is closed or full: the work goes on."""

from __future__ import annotations

import codecs
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from classpulse.commands.streams import Streams
from tests.classpulse.commands.conftest import Result, finish, start
from tests.drawn import rows
from tests.engine.synthetic import write_video

pytestmark = pytest.mark.skipif(os.name == "nt", reason="names of bytes, /dev/full")


@pytest.fixture
def recordings(folder: Path) -> tuple[str, str]:
    """Two recordings of a second: one with a name that is not UTF-8, one with a name that latin-1 lacks."""
    names = os.fsdecode(b"caf\xe9.mp4"), "日本 Ω.mp4"
    for shade, name in enumerate(names):
        write_video(folder / f"{shade}.mp4", images=[np.full((48, 64, 3), 60 + 90 * shade, np.uint8)] * 10)
        (folder / f"{shade}.mp4").rename(folder / name)
    return names


def analyze(*recordings: str, **options: object) -> Result:
    return finish(start("analyze", *recordings, **options))


def analysed() -> list[tuple[str, str]]:
    return [(row["file_name"], row["state"]) for row in rows(Path("classpulse.db"))["sessions"]]


BOTH = [(r"caf\xe9.mp4", "done"), ("日本 Ω.mp4", "done")]


def test_a_name_that_is_not_utf_8_is_shown_with_escapes(recordings: tuple[str, str]) -> None:
    result = analyze(*recordings)
    assert (result.status, result.err) == (0, "")
    assert [line.split("  ")[0] for line in result.out.splitlines() if line.startswith("Session")] == [
        r"Session 1: caf\xe9.mp4",
        "Session 2: 日本 Ω.mp4",
    ]
    assert analysed() == BOTH
    shown = finish(start("show", recordings[0]))
    assert (shown.status, shown.out.splitlines()[0].split("  ")[0]) == (0, r"Session 1: caf\xe9.mp4")
    noted = finish(start("audit")).out
    assert r'"session": "caf\xe9.mp4"' in noted
    written = finish(start("annotate", recordings[0], "--output", os.fsdecode(b"\xe9.mp4")))
    assert (written.status, written.err) == (0, "written: \\xe9.mp4, 10 frames\n")
    assert Path(os.fsdecode(b"\xe9.mp4")).exists()


def test_an_error_names_it_with_escapes(folder: Path) -> None:
    result = analyze(os.fsdecode(b"\xe9.mp4"))
    assert (result.status, result.complaint()) == (2, r"\xe9.mp4: no such file; check the path")


def test_text_that_is_not_utf_8_is_refused(db: Path) -> None:
    result = finish(start("query", "SELECT :name", "-p", "name=" + os.fsdecode(b"Zo\xe9")))
    assert (result.status, result.complaint()) == (2, r"'Zo\xe9' is not UTF-8; give names and texts in UTF-8")


@pytest.mark.parametrize(
    ("encoding", "text", "lost"),
    [("cp1252", "– é ? - \\xe9", 1), ("latin-1", "- é ? - \\xe9", 1), ("ascii", "- ? ? - \\xe9", 2)],
)
def test_signs_of_our_own_have_substitutes(encoding: str, text: str, lost: int) -> None:
    streams = Streams()
    codecs.register_error("of this test", streams._replace)
    assert "– é 日 − \udce9".encode(encoding, "of this test").decode(encoding) == text
    assert streams._replaced == lost


def test_what_the_encoding_lacks_is_replaced(recordings: tuple[str, str]) -> None:
    root = Path(__file__).parents[3]
    latin = {**os.environ, "PYTHONPATH": str(root), "PYTHONUTF8": "0", "PYTHONIOENCODING": "latin-1"}
    process = start("analyze", *recordings, env=latin)
    out, err = process.communicate(timeout=120)
    text = out.decode("latin-1")
    assert process.returncode == 0
    assert r"Session 1: caf\xe9.mp4  " in text
    assert "Session 2: ?? ?.mp4  " in text
    assert "class    0:00-0:0" in text
    assert err.decode().startswith("classpulse: 3 characters that ")
    assert analysed() == BOTH


@pytest.mark.parametrize("kind", ["closed", "full", "no reader"])
def test_output_that_fails_does_not_stop_the_next_recording(recordings: tuple[str, str], kind: str) -> None:
    if kind == "closed":
        result = analyze(*recordings, stdout=None, preexec_fn=lambda: os.close(1))
        assert (result.status, result.err) == (0, "")
    elif kind == "full":
        with Path("/dev/full").open("w") as full:
            result = analyze(*recordings, stdout=full)
        assert result.status == 1
        assert "No space left on device" in result.complaint()
    else:
        reader, writer = os.pipe()
        os.close(reader)
        result = analyze(*recordings, stdout=writer)
        os.close(writer)
        assert (result.status, result.err) == (1, "")
    assert analysed() == BOTH


@pytest.mark.parametrize("kind", ["closed", "full"])
def test_nor_do_errors_that_cannot_be_printed(recordings: tuple[str, str], kind: str) -> None:
    first, second = recordings
    command = start(
        "analyze", first, "none.mp4", second,
        stdout=subprocess.DEVNULL,
        stderr=None if kind == "closed" else os.open("/dev/full", os.O_WRONLY),
        preexec_fn=(lambda: os.close(2)) if kind == "closed" else None,
    )  # fmt: skip
    assert command.wait(timeout=120) == 2
    assert analysed() == BOTH


def test_a_query_whose_output_is_lost_fails(db: Path) -> None:
    with Path("/dev/full").open("w") as full:
        result = finish(start("sessions", stdout=full))
    assert result.status == 1
    assert "No space left on device" in result.complaint()
