"""Judge again: judge."""

from __future__ import annotations

from typing import Annotated

import typer

from classpulse.commands.options import BASELINE, Database, SessionKey, StrategyOption
from classpulse.commands.showing import show_session

app = typer.Typer()


@app.command()
def judge(
    session: SessionKey,
    db: Database = "classpulse.db",
    window: Annotated[float | None, typer.Option(metavar="SECONDS", help="Length of a window.")] = None,
    strategy: StrategyOption = None,
    band: Annotated[float | None, typer.Option(help="Largest |balance| that is neutral.")] = None,
    min_faces: Annotated[
        int | None, typer.Option(help="Minimum number of scorable faces in a window for a verdict.")
    ] = None,
    min_coverage: Annotated[
        float | None, typer.Option(help="Minimum share of a window's frames with a scorable face for a verdict.")
    ] = None,
    baseline: Annotated[bool | None, BASELINE] = None,
    sure: Annotated[
        float | None, typer.Option(help="Probability that a verdict must reach (strategy weighted).")
    ] = None,
    min_students: Annotated[
        int | None,
        typer.Option(help="Minimum number of measured students for a verdict of the class (strategy weighted)."),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Profile of settings saved by `validate --fit`; see `profiles`."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the judgement (default: its settings).")] = None,
) -> None:
    """Judge a session again with other settings; earlier judgements stay, no video is needed.

    Omitted options keep their value from the latest judgement, or from the profile.
    """
    from engine.sessions.session import find

    options = {
        "window": window, "strategy": strategy, "band": band, "min_faces": min_faces, "min_coverage": min_coverage,
        "baseline": baseline, "sure": sure, "min_students": min_students,
    }  # fmt: skip
    changes = {setting: value for setting, value in options.items() if value is not None}
    show_session(find(session, db).judge(name, profile=profile, **changes))
