"""Judge again: judge."""

from __future__ import annotations

from typing import Annotated

import typer

from classpulse.commands.looking import show_session
from classpulse.commands.options import BASELINE, Database, SessionKey, StrategyOption

app = typer.Typer()


@app.command()
def judge(
    session: SessionKey,
    db: Database = "classpulse.db",
    window: Annotated[float | None, typer.Option(metavar="SECONDS", help="Length of a window.")] = None,
    strategy: StrategyOption = None,
    band: Annotated[float | None, typer.Option(help="|balance| up to this is neutral.")] = None,
    min_faces: Annotated[int | None, typer.Option(help="Fewest scorable faces that carry a verdict.")] = None,
    min_coverage: Annotated[float | None, typer.Option(help="Smallest coverage that carries a verdict.")] = None,
    baseline: Annotated[bool | None, BASELINE] = None,
    profile: Annotated[
        str | None, typer.Option(metavar="NAME", help="Settings that `validate --fit` kept; `profiles` lists them.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the judgement; by default its settings.")] = None,
) -> None:
    """Judge a session again with other settings, beside the judgements there are; never needs the video.

    What is not given stays as in the latest judgement, or is as in the profile.
    """
    from engine.sessions.session import find

    given = {
        "window": window, "strategy": strategy, "band": band, "min_faces": min_faces, "min_coverage": min_coverage,
        "baseline": baseline,
    }  # fmt: skip
    changes = {setting: value for setting, value in given.items() if value is not None}
    show_session(find(session, db).judge(name, profile=profile, **changes))
