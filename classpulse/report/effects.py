"""Effects between phases or lessons as tables, who could be measured where, and a paragraph on the method."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from engine.errors import UsageError
from engine.sessions.session import Session
from engine.sessions.students import are_students
from engine.verdicts.agreement import SAMPLES, Ints, estimate, safe_divide
from engine.verdicts.effects import LEAST, Effect, holm, paired_effect, unpaired_effect
from engine.verdicts.scale import INSUFFICIENT, INTERESTED, NOT_INTERESTED, VERDICTS
from engine.version import __version__
from storage import queries
from storage.store import Store
from storage.views import views

#: How long moods and what the class does hang together, s: the length of a block.
BLOCK_SECONDS = 60.0
#: The kinds whose shares are compared.
KINDS = (INTERESTED, NOT_INTERESTED)
#: Students of the same name in two lessons from which on these alone are compared, each with themselves.
FEWEST_NAMED = 3


def between_phases(session: Session, judgement: str | None = None) -> pd.DataFrame:
    """A row for each two phases of a session and kind of verdict: shares, difference, interval, effect size, p.

    A window lies in the phase that has its middle. Raises UsageError for fewer than two phases.
    """
    windows = session.verdicts(judgement)
    spans = {label: _between(windows, start, stop) for label, start, stop in _phases(session)}
    if len(spans) < 2:
        raise UsageError(f"session {session.session_id} has {len(spans)} phases; mark two or more with `mark`")
    labels = sorted(windows["label"].unique())
    block = _block(windows)
    rows: list[dict[str, object]] = []
    for (name_a, rows_a), (name_b, rows_b) in combinations(spans.items(), 2):
        first, second = _matrix(rows_a, labels), _matrix(rows_b, labels)
        rows += [_row(name_a, name_b, kind, paired_effect(first, second, kind, block)) for kind in KINDS]
    return _adjusted(rows)


def between_sessions(session_a: Session, session_b: Session, judgement: str | None = None) -> pd.DataFrame:
    """The same for two lessons, by students of the same name where there are FEWEST_NAMED or more.

    Raises UsageError where the windows of the two are not of one length.
    """
    windows = [session.verdicts(judgement) for session in (session_a, session_b)]
    lengths = [float((rows["stop"] - rows["start"]).median()) for rows in windows]
    if len(set(lengths)) > 1:
        raise UsageError(f"windows of {lengths[0]:g} s and of {lengths[1]:g} s; judge both with the same --window")
    named = [rows[rows["name"].notna()] for rows in windows]
    shared = sorted(set(named[0]["name"]) & set(named[1]["name"]))
    block = _block(windows[0])
    name_a, name_b = (f"#{session.session_id} {session.info()['name']}" for session in (session_a, session_b))
    if len(shared) >= FEWEST_NAMED:
        first, second = (_matrix(rows.assign(label=rows["name"]), shared) for rows in named)
        return _adjusted([_row(name_a, name_b, kind, paired_effect(first, second, kind, block)) for kind in KINDS])
    first, second = (_matrix(rows, sorted(rows["label"].unique())) for rows in windows)
    return _adjusted([_row(name_a, name_b, kind, unpaired_effect(first, second, kind, block)) for kind in KINDS])


def measurability(session: Session, judgement: str | None = None) -> pd.DataFrame:
    """A row for each row of seats (back, middle, front): the share of windows with a verdict, and its interval.

    By the seat alone, never by anything about a person.
    """
    students = session.students()
    students = students[are_students(students) & students["area"].notna()]
    seat_row = students["area"].str.split().str[0].set_axis(students["label"])
    windows = session.verdicts(judgement)
    windows = windows[windows["label"].isin(seat_row.index)]
    verdict = windows["verdict"] != VERDICTS[INSUFFICIENT]
    counts = verdict.groupby(windows["label"]).agg(["sum", "count"])
    rows = []
    for place in ("back", "middle", "front"):
        table = counts.loc[[label for label in counts.index if seat_row[label] == place]].to_numpy(np.float64)
        if len(table):
            share = estimate(lambda tables: safe_divide(tables[..., 0], tables[..., 1]), table)
            rows.append((place, len(table), *share))
    return pd.DataFrame(rows, columns=["seats", "students", "measurable", "low", "high"])


def methods(session: Session, effects: pd.DataFrame, judgement: str | None = None) -> str:
    """A paragraph for a paper: what was done, by which version and settings, and on how many students."""
    judged = session.judgements()
    row: dict[Any, Any] = (judged if judgement is None else judged[judged["name"] == judgement]).iloc[-1].to_dict()
    settings = json.loads(row["settings"])
    count = int(effects["students"].max()) if len(effects) else 0
    return (
        f"Verdicts of every student and window of {settings['window']:g} s were computed with classpulse "
        f"{__version__} (strategy {row['strategy']}, {settings['sample_rate'] or 'all'} frames a second, detector "
        f"{settings['detector']}, scorer {settings['scorer']}). We compared the share of each student's windows "
        "with a verdict that were interested, and that were not interested; students with fewer than "
        f"{LEAST} such windows in one of the two spans were left out (at most {count} students took part). Each "
        f"student had equal weight. Intervals (95 %) are from {SAMPLES:,} bootstrap samples that draw whole "
        f"students and, for all of them alike, blocks of {BLOCK_SECONDS:g} s (Owen, 2007; Politis & Romano, 1992), "
        "widened for few students (Hesterberg, 2015); p-values are adjusted for all comparisons (Holm, 1979); the "
        "effect size is Cohen's h. Verdicts are indicators from faces, not proof of what anybody thought."
    )


def bibtex() -> str:
    """The entry of CITATION.cff, for this version."""
    return (
        "@software{classpulse,\n"
        "  title = {classpulse: multi-face classroom analytics},\n"
        "  author = {{The classpulse maintainers}},\n"
        f"  version = {{{__version__}}},\n"
        "  license = {MIT}\n"
        "}"
    )


def _phases(session: Session) -> Iterator[tuple[str, float, float]]:
    with Store.open(session.database, must_exist=True, read_only=True) as store:
        phases = queries.rows_of(store, list(views()["v_phases"].c), session.session_id)
    phases = phases.sort_values("start")
    repeated = phases["phase_label"].duplicated(keep=False)
    for row, again in zip(phases.to_dict("records"), repeated, strict=True):
        label = str(row["phase_label"])
        yield f"{label} ({row['phase']})" if again else label, float(row["start"]), float(row["stop"])


def _between(windows: pd.DataFrame, start: float, stop: float) -> pd.DataFrame:
    middle = (windows["start"] + windows["stop"]) / 2
    return windows[(middle >= start) & (middle < stop)]


def _matrix(windows: pd.DataFrame, labels: list[str]) -> Ints:
    """(s, w) the verdict of each of the labels in each window; insufficient where there is none."""
    place = windows.assign(verdict=windows["verdict"].map(VERDICTS.index))
    table = place.pivot(index="label", columns="window", values="verdict").reindex(labels)
    return table.fillna(INSUFFICIENT).to_numpy(np.int64)


def _block(windows: pd.DataFrame) -> int:
    """Windows of a block."""
    return (
        max(round(BLOCK_SECONDS / float((windows["stop"] - windows["start"]).median())), 1) if len(windows) else 1
    )


def _row(name_a: str, name_b: str, kind: int, effect: Effect) -> dict[str, object]:
    return {"span_a": name_a, "span_b": name_b, "verdict": VERDICTS[kind], **effect._asdict()}


def _adjusted(rows: list[dict[str, object]]) -> pd.DataFrame:
    table = pd.DataFrame(rows)
    table.insert(list(table.columns).index("p") + 1, "p_adjusted", holm(table["p"].to_numpy(np.float64)))
    return table
