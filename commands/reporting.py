"""A session to look at: report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.options import Database

app = typer.Typer()


@app.command()
def report(
    session: Annotated[str, typer.Argument(metavar="SESSION", help="Its number, its name or its file's name.")],
    db: Database = "classpulse.db",
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where it is written.")] = Path(
        "report.html"
    ),
    student: Annotated[str | None, typer.Option(metavar="S07", help="On this student alone.")] = None,
    judgement: Annotated[str | None, typer.Option(help="Its name; by default the latest.")] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Print it to a PDF beside it, too (by Chromium).")] = False,
) -> None:
    """Write a report: one file of HTML that works offline, in any browser and on paper."""
    from engine.session import find
    from report import page, terminal
    from report.printing import to_pdf

    found = find(session, db)
    path = output.with_suffix(".html")
    page.write(page.render(found, judgement, student), path)
    terminal.say(f"written: {path}")
    if pdf:
        to_pdf(path, path.with_suffix(".pdf"))
        terminal.say(f"written: {path.with_suffix('.pdf')}")
