"""Agreement between verdicts and human codes, per coded interval."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from engine.sessions.coding import CODES, Codes, column_of, read_codes
from engine.sessions.corrections import check_done
from engine.sessions.formats.reading import Recording
from engine.sessions.judgements import read_evidence, scale_of_session
from engine.settings import Settings
from engine.verdicts import agreement
from engine.verdicts.agreement import Array, Ints
from engine.verdicts.evidence import Evidence
from engine.verdicts.judging import judge
from engine.verdicts.scale import VERDICTS
from engine.verdicts.windows import Windows
from storage import queries
from storage.store import Store

MAJORITY = "the majority"
SYSTEM = "the system"


@dataclass(frozen=True, eq=False)
class Validation:
    """A judgement compared with human codes."""

    codes: Codes
    intervals: pd.DataFrame
    """A row for each coded interval of a student: `student`, `label`, `start`, `stop` (s), the code of each coder
    (`by NAME`) and of the `majority` (None: none), and the system's `verdict`, `balance`, `margin`,
    `coverage`, `faces`, `scorable`, `positive`, `negative`."""
    figures: pd.DataFrame
    """A row for each figure: `rater_a` and `rater_b`, `measure`, `value`, `low`, `high` (the 95 %
    interval), `intervals` and `students` that it rests on. NaN: undefined."""
    confusion: pd.DataFrame
    """A row for each code of the majority, a column for each verdict: how many intervals."""


def coded(store: Store, session_id: int, path: str | Path, strategy: str) -> tuple[Codes, Evidence]:
    """The codes in a file about session `session_id`, as judged by `strategy`, and the evidence of the session.

    Raises UsageError for a file that does not fit the session (see `read_codes`).
    """
    check_done(store, session_id)
    row = store.session(session_id)
    begin = float(row["start_pts"] * Fraction(row["time_base"]))
    recording, kinds = Recording(row["file_name"], begin), scale_of_session(store, session_id, strategy).kinds
    codes = read_codes(path, queries.students(store, session_id), row["duration"], recording, kinds)
    return codes, read_evidence(store, session_id)


def validate(codes: Codes, evidence: Evidence, settings: Settings) -> Validation:
    """Compare the verdicts that these settings give every coded interval with its codes."""
    units = codes.units()
    judged = judge_units(evidence, settings, units)
    verdicts = (*codes.kinds, VERDICTS[-1])
    verdict = judged["verdict"].map(verdicts.index).to_numpy(np.int64)
    return Validation(
        codes,
        _readable(units, codes.kinds).join(judged),
        pd.DataFrame(
            [*_system_figures(codes, units, verdict, judged["balance"].to_numpy()), *_coder_figures(codes, units)],
            columns=["rater_a", "rater_b", "measure", "value", "low", "high", "intervals", "students"],
        ),
        _confusion(units["majority"].to_numpy(), verdict, codes.kinds),
    )


def judge_units(evidence: Evidence, settings: Settings, units: pd.DataFrame) -> pd.DataFrame:
    """The verdict of each of the `units` (`student`, `start`, `stop`): the columns of a student's window.

    The time between coded intervals is judged too, in pieces of their median length: the margin depends on the
    autocorrelation of faces, which is estimated from the whole session, as it is for windows.
    """
    layer = _layers(units)
    judged_layers = []
    for place in np.unique(layer):
        units_of_layer = units[layer == place]
        spans = _filled(units_of_layer, evidence.duration)
        columns = pd.DataFrame(judge(evidence, settings, spans)[0])
        students = np.unique(columns["student"])
        span = np.searchsorted(spans.start, units_of_layer["start"])
        rows = columns.iloc[span * len(students) + np.searchsorted(students, units_of_layer["student"])]
        judged_layers.append(rows.set_index(units_of_layer.index))
    judged: pd.DataFrame = pd.concat(judged_layers).sort_index()
    return judged[["verdict", "balance", "margin", "coverage", "faces", "scorable", "positive", "negative"]]


def _layers(units: pd.DataFrame) -> Ints:
    """(n,) a number for each unit, such that different intervals of one number lie apart."""
    ends: list[float] = []
    of: dict[tuple[float, float], int] = {}
    for start, stop in sorted(set(zip(units["start"], units["stop"], strict=True))):
        free = next((place for place, end in enumerate(ends) if end <= start), len(ends))
        ends[free : free + 1] = [stop]
        of[start, stop] = free
    return np.array([of[interval] for interval in zip(units["start"], units["stop"], strict=True)], np.int64)


def _filled(units: pd.DataFrame, duration: float) -> Windows:
    """The intervals of the units, which lie apart, and what lies between them, in pieces of the usual length."""
    intervals = sorted(set(zip(units["start"], units["stop"], strict=True)))
    usual = float(np.median([stop - start for start, stop in intervals]))
    filled: list[tuple[float, float]] = []
    end = 0.0
    for start, stop in [*intervals, (duration, duration)]:
        filled += pairwise([*np.arange(end, start, usual), start])
        filled += [(start, stop)] * (start < stop)
        end = stop
    bounds = np.array([(start, stop) for start, stop in filled if start < stop])
    return Windows(bounds[:, 0], bounds[:, 1])


def _system_figures(codes: Codes, units: pd.DataFrame, verdict: Ints, balance: Array) -> list[tuple[object, ...]]:
    """The system against each coder, and against the majority where there are several."""
    several = len(codes.coders) > 1
    rows: list[tuple[object, ...]] = []
    for coder in [*codes.coders, *[MAJORITY] * several]:
        human = units["majority" if coder == MAJORITY else column_of(coder)].to_numpy(np.int64)
        pair = SYSTEM, coder
        coded = human >= 0
        student = _dense(units["student"].to_numpy()[coded])
        table = tables(human[coded], verdict[coded], student, len(codes.kinds))
        rows.append((*pair, "no verdict", *agreement.estimate(unjudged, table), *_size(student)))
        rows += _agreeing(pair, human[coded], verdict[coded], student, codes.kinds)
        judged = coded & np.isfinite(balance)
        student = _dense(units["student"].to_numpy()[judged])
        for code, sign in (("interested", 1), ("not interested", -1)):
            if judged.any():
                pairs = agreement.concordant_pairs(
                    sign * balance[judged], human[judged] == CODES.index(code), student
                )
                area = agreement.estimate_auc(pairs)
                rows.append((*pair, f"AUC {code}", *area, *_size(student)))
    return rows


def _coder_figures(codes: Codes, units: pd.DataFrame) -> list[tuple[object, ...]]:
    """The coders among themselves: each two, and all."""
    rows: list[tuple[object, ...]] = []
    for coder_a, coder_b in combinations(codes.coders, 2):
        first, second = (units[column_of(coder)].to_numpy(np.int64) for coder in (coder_a, coder_b))
        both = (first >= 0) & (second >= 0)
        rows += _agreeing(
            (coder_a, coder_b), first[both], second[both], _dense(units["student"].to_numpy()[both]), codes.kinds
        )
    codes_of = units[[column_of(coder) for coder in codes.coders]].to_numpy(np.int64)
    unit, coder = np.nonzero((codes_of >= 0) & ((codes_of >= 0).sum(axis=1, keepdims=True) > 1))
    if len(unit):
        student = _dense(units["student"].to_numpy()[unit])
        table = agreement.coincidences(_dense(unit), codes_of[unit, coder], student, len(codes.kinds))
        of_units = student[np.unique(unit, return_index=True)[1]]
        alpha = agreement.estimate(agreement.krippendorff_alpha, table)
        rows.append(("all coders", "all coders", "alpha", *alpha, *_size(of_units)))
    return rows


def _agreeing(
    pair: tuple[str, str], codes_a: Ints, codes_b: Ints, student: Ints, kinds: tuple[str, ...]
) -> list[tuple[object, ...]]:
    """Share of equal codes and kappas, where both have a code; only a scale has a weighted one."""
    both = codes_b < len(kinds)
    if not both.any():
        return []
    codes_a, codes_b, student = codes_a[both], codes_b[both], _dense(student[both])
    table = tables(codes_a, codes_b, student, len(kinds))[..., : len(kinds)]
    statistics = {"agreement": agreement.percent_agreement, "kappa": plain_kappa}
    if kinds == CODES:
        statistics["weighted kappa"] = weighted_kappa
    return [(*pair, name, *agreement.estimate(of, table), *_size(student)) for name, of in statistics.items()]


def tables(human: Ints, verdict: Ints, student: Ints, kinds: int = len(CODES)) -> Array:
    """(s, k, k + 1) how often each code meets each verdict in each student; the last verdict is insufficient."""
    return agreement.contingency(human, verdict, student, (int(student.max(initial=0)) + 1, kinds, kinds + 1))


def unjudged(table: Array) -> Array:
    """The share of intervals without a verdict, of tables (..., k, k + 1)."""
    return np.asarray(table[..., -1].sum(axis=-1) / np.maximum(table.sum(axis=(-1, -2)), 1))


def plain_kappa(table: Array) -> Array:
    """Cohen's kappa of tables (..., k, k or k + 1), where there is a verdict."""
    kinds = table.shape[-2]
    return agreement.kappa(table[..., :kinds], agreement.nominal(kinds))


def weighted_kappa(table: Array) -> Array:
    """Linearly weighted kappa of tables (..., 3, 3 or 4), likewise."""
    return agreement.kappa(table[..., : len(CODES)], agreement.linear(len(CODES)))


def _confusion(human: npt.NDArray[np.int64], verdict: Ints, kinds: tuple[str, ...]) -> pd.DataFrame:
    coded = human >= 0
    table = tables(human[coded], verdict[coded], np.zeros(coded.sum(), np.int64), len(kinds))[0].astype(np.int64)
    names = [*kinds, VERDICTS[-1]]
    return pd.DataFrame(table, columns=names).assign(code=kinds)[["code", *names]]


def _readable(units: pd.DataFrame, kinds: tuple[str, ...]) -> pd.DataFrame:
    """The units with words for codes."""
    words = np.array([*kinds, None], object)
    names = [name for name in map(str, units) if name == "majority" or name.startswith("by ")]
    return units.assign(**{name: words[units[name].to_numpy(np.int64)] for name in names})


def _dense(values: npt.NDArray[np.int64]) -> Ints:
    """0, 1, ... in place of the values."""
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def _size(student: Ints) -> tuple[int, int]:
    """How many intervals and students."""
    return len(student), len(np.unique(student))
