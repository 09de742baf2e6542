"""The verdicts of a session as WebVTT: captions that a player shows beside the recording (W3C, WebVTT, 4).

Times are the player's: they begin where the file's own clock begins, which is not 0 in every recording.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from engine.outputs import output_folder
from engine.sessions.session import Session

#: What separates the times of a cue, and so must not stand in its text.
_ARROW = "-->"


class Cue(NamedTuple):
    """A text shown from `start` to `stop`, s of the player's time."""

    start: float
    stop: float
    text: str


def export(session: Session, folder: Path, *, names: bool) -> dict[str, int]:
    """Write the latest judgement of a session into the `folder`: class.vtt, and a file for each student by label.

    A cue is a window with a verdict. Without `names`, texts have labels alone. Returns the number of cues of each
    file. Raises UsageError if the folder exists and is not empty.
    """
    begin = session.file_times().file_time(0)
    files = {"class": list(_cues(session.class_verdicts(), "class", begin))}
    for (label, name), windows in session.verdicts().groupby(["label", "name"], dropna=False):
        who = str(name) if names and isinstance(name, str) else str(label)
        files[str(label)] = list(_cues(windows, who, begin))
    with output_folder(folder) as partial:
        for file, cues in files.items():
            (partial / f"{file}.vtt").write_text("".join(lines(cues)), "utf-8")
    return {file: len(cues) for file, cues in files.items()}


def lines(cues: Iterable[Cue]) -> Iterator[str]:
    """The parts of a WebVTT file."""
    yield "WEBVTT\n"
    for cue in cues:
        yield f"\n{_time(cue.start)} {_ARROW} {_time(cue.stop)}\n{_escaped(cue.text)}\n"


def _cues(windows: pd.DataFrame, who: str, begin: float) -> Iterator[Cue]:
    for row in windows.sort_values("start").to_dict("records"):
        if row["verdict"] != "insufficient":
            yield Cue(row["start"] + begin, row["stop"] + begin, f"{who}: {row['verdict']} ({row['balance']:+.2f})")


def _time(seconds: float) -> str:
    milliseconds = max(round(seconds * 1000), 0)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}"


def _escaped(text: str) -> str:
    """One line, without what WebVTT reads as markup."""
    return " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
