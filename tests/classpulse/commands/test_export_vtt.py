"""`classpulse export --format vtt`: verdicts as captions, at the player's times."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from classpulse.exchange.webvtt import Cue, lines
from engine import Session
from tests.classpulse.commands.conftest import Run

CUE = re.compile(r"(\d\d:\d\d:\d\d\.\d{3}) --> (\d\d:\d\d:\d\d\.\d{3})\n(.+)\n")


def seconds(text: str) -> float:
    hours, minutes, rest = text.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def cues(path: Path) -> list[tuple[float, float, str]]:
    text = path.read_text("utf-8")
    assert text.startswith("WEBVTT\n\n")
    return [(seconds(start), seconds(stop), said) for start, stop, said in CUE.findall(text)]


@pytest.mark.parametrize("begin", [0, 10, 3600])
def test_verdicts_stand_where_the_players_clock_is(
    run: Run, db: Path, folder: Path, analysed: Session, begin: int
) -> None:
    """A recording whose clock does not begin at 0 is shown by its own times, as in the page's player."""
    with closing(sqlite3.connect(db)) as connection, connection:
        connection.execute("UPDATE sessions SET start_pts = ?, time_base = '1/1000'", (begin * 1000,))
    result = run("export", 1, "--format", "vtt", "-o", "captions")
    assert (result.status, result.err) == (0, "")
    known = analysed.class_verdicts()
    known = known[known["verdict"] != "insufficient"]
    assert cues(folder / "captions" / "class.vtt") == [
        (row["start"] + begin, row["stop"] + begin, f"class: {row['verdict']} ({row['balance']:+.2f})")
        for row in known.to_dict("records")
    ]
    labels = analysed.students()["label"].tolist()
    assert sorted(path.stem for path in (folder / "captions").iterdir()) == sorted(["class", *labels])
    of_one = analysed.verdicts()
    of_one = of_one[(of_one["label"] == labels[0]) & (of_one["verdict"] != "insufficient")]
    assert len(cues(folder / "captions" / f"{labels[0]}.vtt")) == len(of_one) > 0


def test_names_stand_in_captions_on_demand_alone(run: Run, db: Path, folder: Path) -> None:
    assert run("rename", 1, "S01", "Ada <3 --> Lovelace").status == 0
    run("export", 1, "--format", "vtt", "-o", "labels")
    run("export", 1, "--format", "vtt", "-o", "names", "--names")
    assert not any("Ada" in path.read_text("utf-8") for path in (folder / "labels").iterdir())
    assert "Ada &lt;3 --&gt; Lovelace: " in (folder / "names" / "S01.vtt").read_text("utf-8")


def test_a_text_is_one_line_and_a_time_has_its_hours() -> None:
    assert "".join(lines([Cue(3599.9996, 360_000, "a\n\nb & c")])) == (
        "WEBVTT\n\n01:00:00.000 --> 100:00:00.000\na b &amp; c\n"
    )
