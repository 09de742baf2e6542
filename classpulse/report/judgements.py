"""What `compare` prints: judgements of one session side by side."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from classpulse.report.rows import text_table
from engine.times import format_clock
from engine.verdicts.scale import BALANCE, Scale

#: Windows printed for each pair of judgements; the table `differing` has all.
SHOWN = 5
_WORDS = {3: "three", 4: "four", 5: "five"}


def side_by_side(
    verdicts: pd.DataFrame, agreement: pd.DataFrame, differing: pd.DataFrame, scale: Scale = BALANCE
) -> Iterator[str]:
    """The tables of an engine's `Comparison`, as lines for people."""
    counts = verdicts[list(scale.signs)].astype(str).agg(" ".join, axis=1)
    signs = " ".join(scale.signs.values())
    table = verdicts.assign(counts=counts).pivot(index="student", columns="judgement", values="counts")
    order, names = verdicts["student"].unique(), verdicts["judgement"].unique()
    yield f"how many windows are {', '.join(f'{sign} {verdict}' for verdict, sign in scale.signs.items())}\n\n"
    head = {name: f"{name}  {signs}" for name in names}
    yield from text_table(table.reindex(index=order, columns=names).rename(columns=head).reset_index())
    if agreement.empty:
        return
    number = len(scale.verdicts)
    yield f"\nagreement: share of windows with equal verdicts, of {_WORDS.get(number, number)}; judged: those with "
    yield "a verdict in both, and Cohen's kappa of these\n\n"
    yield from text_table(agreement)
    if differing.empty:
        yield "\nno student's verdict differs\n"
        return
    yield f"\nwindows with the most differing verdicts ({SHOWN} for each pair of judgements):\n\n"
    most = differing.groupby(["judgement_a", "judgement_b"], sort=False).head(SHOWN)
    when = [
        f"{format_clock(start)}–{format_clock(stop)}"
        for start, stop in zip(most["start"], most["stop"], strict=True)
    ]
    yield from text_table(
        most.assign(window=when)[["judgement_a", "judgement_b", "window", "differ", "opposite", "students"]]
    )
