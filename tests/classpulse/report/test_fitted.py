"""Tables in a narrow terminal keep what counts; colours only where they are wanted."""

from __future__ import annotations

import io

import pytest
from rich.console import Console, RenderableType

from classpulse.report import terminal
from engine import Session


class Screen(io.StringIO):
    """What a terminal is sent."""

    def isatty(self) -> bool:
        return True


def drawn(what: RenderableType, width: int) -> list[str]:
    """The lines of a terminal of so many columns."""
    file = io.StringIO()
    Console(file=file, width=width, highlight=False).print(what)
    return [line.rstrip() for line in file.getvalue().splitlines()]


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_counts_are_kept_at_any_width(analysed: Session, width: int) -> None:
    windows = analysed.verdicts()
    summary = drawn(
        terminal.session_summary(
            analysed.info(), analysed.students(), windows, analysed.class_verdicts(), analysed.health()
        ),
        width,
    )
    (head,) = [line.split() for line in summary if line.startswith("student")]
    (first,) = [line.split() for line in summary if line.startswith("S01")]
    at = head.index("+")
    counts = windows[windows["label"] == "S01"]["verdict"].value_counts()
    assert head[at : at + 4] == ["+", "o", "-", "."]
    names = ("interested", "neutral", "not interested", "insufficient")
    assert list(map(int, first[at : at + 4])) == [counts.get(name, 0) for name in names]
    assert max(map(len, summary)) <= width

    (head, first, *_) = (line.split() for line in drawn(terminal.class_table(analysed.class_verdicts()), width))
    counts = analysed.class_verdicts().iloc[0]
    names = ("interested", "neutral", "not_interested", "insufficient")
    assert head[-4:] == ["+", "o", "-", "."]
    assert list(map(int, first[-4:])) == [counts[name] for name in names]

    (head, first, *_) = (line.split() for line in drawn(terminal.student_table(windows, "S01"), width))
    row = windows[windows["label"] == "S01"].iloc[0]
    assert head[-2:] == ["scorable", "faces"]
    assert list(map(int, first[-2:])) == [row["scorable"], row["faces"]]


def test_what_there_is_room_for_is_shown(analysed: Session) -> None:
    table = terminal.class_table(analysed.class_verdicts())
    shown = {width: drawn(table, width)[0].split()[:-4] for width in (40, 55, 80)}
    assert shown == {
        40: ["window", "class"],
        55: ["window", "class"],
        80: ["window", "class", "balance", "measured"],
    }
    assert "…" not in "".join(drawn(table, 40))


@pytest.mark.parametrize(("no_color", "colours"), [("", True), ("1", False)])
def test_no_color_is_honoured(
    analysed: Session, monkeypatch: pytest.MonkeyPatch, no_color: str, colours: bool
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", "xterm-256color")
    screen = Screen()
    terminal.console(screen).print(terminal.class_table(analysed.class_verdicts()))
    codes = screen.getvalue().split("\x1b[")[1:]
    assert any(code.startswith(("3", "9", "1;3")) for code in codes) is colours
