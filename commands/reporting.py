"""A session to look at: report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.options import Database

app = typer.Typer()


@app.command()
def report(
    session: Annotated[
        str | None, typer.Argument(metavar="SESSION", help="Its number, its name or its file's name.")
    ] = None,
    db: Database = "classpulse.db",
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where it is written.")] = Path(
        "report.html"
    ),
    student: Annotated[str | None, typer.Option(metavar="S07", help="On this student alone.")] = None,
    judgement: Annotated[str | None, typer.Option(help="Its name; by default the latest.")] = None,
    picture: Annotated[
        bool, typer.Option("--picture", help="Lay the seats on a frame of the video, too coarse to show a face.")
    ] = False,
    compare: Annotated[
        tuple[str, str] | None, typer.Option(metavar="A B", help="Two sessions of one class side by side instead.")
    ] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Print it to a PDF beside it, too (by Chromium).")] = False,
) -> None:
    """Write a report: one file of HTML that works offline, in any browser and on paper."""
    from engine.session import find
    from report import page, terminal
    from report.printing import to_pdf

    if (session is None) == (compare is None):
        raise typer.BadParameter("name one session, or two with --compare")
    if compare and (student or judgement or picture):
        raise typer.BadParameter("--compare sets whole sessions side by side, each by its latest judgement")
    path = output.with_suffix(".html")
    if compare:
        html = page.compare(*(find(one, db) for one in compare))
    else:
        html = page.render(find(str(session), db), judgement, student, picture=picture)
    page.write(html, path)
    terminal.say(f"written: {path}")
    if pdf:
        to_pdf(path, path.with_suffix(".pdf"))
        terminal.say(f"written: {path.with_suffix('.pdf')}")
