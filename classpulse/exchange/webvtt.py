"""The verdicts of a session as WebVTT: captions that a player shows beside the recording, and phases as chapters.

Times are the player's: they begin where the file's own clock begins, which is not 0 in every recording.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from classpulse.exchange.groups import suppressed
from classpulse.exchange.people import People
from engine.outputs import output_folder
from engine.sessions.formats.tiers import Annotation as Cue
from engine.sessions.formats.webvtt import lines
from engine.sessions.session import Session
from engine.verdicts.scale import INSUFFICIENT, VERDICTS
from storage import queries
from storage.store import Store
from storage.views import views

__all__ = ["Cue", "export", "lines"]


def export(session: Session, folder: Path, people: People, min_group: int | None = None) -> dict[str, int]:
    """Write the latest judgement into the `folder`: class.vtt, chapters.vtt of phases, a file for each student.

    A cue is a window with a verdict. With `min_group` there is the class alone. Returns the number of cues of each
    file. Raises UsageError if the folder exists and is not empty.
    """
    begin = session.file_times().file_time(0)
    of_class = session.class_verdicts()
    files = {
        "class": list(_cues(of_class if min_group is None else suppressed(of_class, min_group), "class", begin))
    }
    with Store.open(session.database, must_exist=True, read_only=True) as store:
        phases = queries.rows_of(store, list(views()["v_phases"].c), session.session_id)
    if len(phases):
        spans = phases.sort_values("start")[["start", "stop", "phase_label"]].itertuples(index=False)
        files["chapters"] = [Cue(start + begin, stop + begin, label) for start, stop, label in spans]
    if min_group is None:
        verdicts = session.verdicts()
        for label in people.judged():
            windows = verdicts[verdicts["label"] == label]
            files[people.file_stem(label)] = list(_cues(windows, people.called(label), begin))
    with output_folder(folder) as partial:
        for file, cues in files.items():
            (partial / f"{file}.vtt").write_text("".join(lines(cues)), "utf-8")
    return {file: len(cues) for file, cues in files.items()}


def _cues(windows: pd.DataFrame, who: str, begin: float) -> Iterator[Cue]:
    for row in windows.sort_values("start").to_dict("records"):
        if row["verdict"] != VERDICTS[INSUFFICIENT]:
            # Classes without polarity have none.
            balance = "" if pd.isna(row["balance"]) else f" ({row['balance']:+.2f})"
            yield Cue(row["start"] + begin, row["stop"] + begin, f"{who}: {row['verdict']}{balance}")
