"""A session's verdicts, attention, phases and shots as tiers for ELAN, BORIS and Praat."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

from classpulse.exchange.groups import suppressed
from classpulse.exchange.people import People
from engine.outputs import output_folder
from engine.sessions.formats import boris, eaf, textgrid
from engine.sessions.formats.reading import KINDS, PHASES, SHOTS, SYSTEM
from engine.sessions.formats.tiers import Annotation, Tier
from engine.sessions.session import Session
from storage import queries
from storage.store import Store
from storage.views import views

_VERDICT, _ATTENTION = KINDS
_CLASS = "class"


def tiers(session: Session, people: People, min_group: int | None = None) -> list[Tier]:
    """The latest judgement's tiers, in s of the recording's own clock: the class, phases, shots, then students.

    With `min_group` those of the class alone. An attention annotation is the share of the faces whose head points
    the student's usual way.
    """
    begin = session.file_times().file_time(0)

    def tier(name: str, rows: pd.DataFrame, text: Callable[[pd.Series], str], student: str = "") -> Tier:
        said = (Annotation(row["start"] + begin, row["stop"] + begin, text(row)) for _, row in rows.iterrows())
        return Tier(name, tuple(sorted(said)), student, SYSTEM)

    def verdict(row: pd.Series) -> str:
        return str(row["verdict"])

    of_class = session.class_verdicts()
    made = [tier(_CLASS, of_class if min_group is None else suppressed(of_class, min_group), verdict)]
    with Store.open(session.database, must_exist=True, read_only=True) as store:
        phases = queries.rows_of(store, list(views()["v_phases"].c), session.session_id)
        attention = queries.rows_of(store, list(views()["v_attention"].c), session.session_id)
    # v_phases has an end for each phase, also where none was given.
    made.append(tier(PHASES, phases, lambda row: str(row["phase_label"])))
    made.append(tier(SHOTS, session.shots(), lambda row: f"view {row['view']}"))
    if min_group is not None:
        return [tier for tier in made if tier.annotations]
    attention = attention[attention["latest"].astype(bool) & attention["facing"].notna()]
    verdicts = session.verdicts()
    for label in people.judged():
        called = people.called(label)
        made.append(tier(f"{_VERDICT}@{called}", verdicts[verdicts["label"] == label], verdict, called))
        facing = attention[attention["label"] == label]
        made.append(tier(f"{_ATTENTION}@{called}", facing, lambda row: f"{row['facing']:.2f}", called))
    return [tier for tier in made if tier.annotations]


def export(
    session: Session, folder: Path, file_format: str, people: People, min_group: int | None = None
) -> dict[str, int]:
    """Write eaf, textgrid or boris into the `folder`; returns the number of annotations in the file.

    Raises UsageError if the folder exists and is not empty.
    """
    found = tiers(session, people, min_group)
    info = session.info()
    end = session.file_times().file_time(float(info["duration"]))
    # A file's name may contain names of people; whoever has the recording has it.
    media = info["file_name"] if people.key is None else f"{people.session}{Path(info['file_name']).suffix}"
    scale = session.scale()
    words = {_VERDICT: scale.verdicts, _CLASS: scale.class_verdicts}
    with output_folder(folder) as partial:
        if file_format == "eaf":
            name = "session.eaf"
            (partial / name).write_bytes(eaf.write(found, media, words))
        elif file_format == "textgrid":
            name = "session.TextGrid"
            (partial / name).write_text(textgrid.write(found, end), "utf-8")
        else:
            name = "session.boris"
            found = list(_subjects(found))
            labels = {annotation.text for tier in found if tier.name == PHASES for annotation in tier.annotations}
            categories = {_VERDICT: scale.class_verdicts, **({"phase": sorted(labels)} if labels else {})}
            (partial / name).write_text(boris.write(found, media, end, categories, people.session), "utf-8")
    return {name: sum(len(tier.annotations) for tier in found)}


def _subjects(found: list[Tier]) -> Iterator[Tier]:
    """The tiers that BORIS has as subjects; phases are of nobody."""
    for tier in found:
        if tier.name == PHASES:
            yield tier._replace(student=boris.NO_SUBJECT)
        elif tier.name != SHOTS and not tier.name.startswith(f"{_ATTENTION}@"):
            yield tier
