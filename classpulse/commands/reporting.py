"""A session to look at: report, annotate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from classpulse.commands.options import Database, SessionKey, seconds_of
from engine.errors import UsageError

app = typer.Typer()


@app.command()
def report(
    session: Annotated[
        str | None, typer.Argument(metavar="SESSION", help="Session number, session name or file name.")
    ] = None,
    db: Database = "classpulse.db",
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Output file.")] = Path(
        "report.html"
    ),
    student: Annotated[str | None, typer.Option(metavar="S07", help="Report on this student only.")] = None,
    judgement: Annotated[str | None, typer.Option(help="Name of the judgement (default: the latest).")] = None,
    picture: Annotated[
        bool,
        typer.Option("--picture", help="Show the seats on a frame of the video, too coarse to recognise a face."),
    ] = False,
    compare: Annotated[
        tuple[str, str] | None, typer.Option(metavar="A B", help="Compare two sessions of one class instead.")
    ] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Also write a PDF beside it (needs Chromium).")] = False,
) -> None:
    """Write a report: one HTML file that works offline, in any browser and on paper."""
    from classpulse.report import page, terminal
    from classpulse.report.printing import to_pdf
    from engine.sessions.session import find

    if (session is None) == (compare is None):
        raise typer.BadParameter("name one session, or two with --compare")
    if compare and (student or judgement or picture):
        raise typer.BadParameter("--compare takes no --student, --judgement or --picture")
    path = _page_of(output, pdf=pdf)
    if compare:
        html = page.compare(*(find(one, db) for one in compare))
    else:
        html = page.render(find(str(session), db), judgement, student, picture=picture)
    page.write(html, path)
    terminal.say(f"written: {path}")
    if pdf:
        to_pdf(path, path.with_suffix(".pdf"))
        terminal.say(f"written: {path.with_suffix('.pdf')}")


def _page_of(output: Path, *, pdf: bool) -> Path:
    """The page that `output` names: by default an .html, also where it names the PDF beside it."""
    if output.suffix.lower() in (".html", ".htm") or output.is_dir():
        return output
    if output.suffix and not (pdf and output.suffix.lower() == ".pdf"):
        raise UsageError(f"{output}: a report is an .html file; change the end of its name")
    return output.with_suffix(".html")


@app.command()
def annotate(
    session: SessionKey,
    db: Database = "classpulse.db",
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Output file (.mp4).")] = Path(
        "annotated.mp4"
    ),
    blur: Annotated[
        Literal["all", "excluded"],
        typer.Option(help="Faces to blur: all, or those of excluded students."),
    ] = "excluded",
    judgement: Annotated[str | None, typer.Option(help="Name of the judgement (default: the latest).")] = None,
    video: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Path of the recording, if it was moved.")
    ] = None,
    start: Annotated[
        str, typer.Option("--from", metavar="TIME", help="Start, as 12:30, 1:02:03 or in seconds.")
    ] = "0",
    stop: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="End (default: the end of the recording).")
    ] = None,
) -> None:
    """Draw boxes, labels and verdicts of a session onto its recording."""
    from classpulse.report import terminal
    from classpulse.report.clip import annotate as draw
    from engine.sessions.session import find

    begin, end = seconds_of(start), seconds_of(stop) if stop else None
    if end is not None and end <= begin:
        raise typer.BadParameter(f"--to {stop} is not after --from {start}")
    with terminal.ProgressBar(output.name) as bar:
        frames = draw(
            find(session, db),
            output,
            judgement=judgement,
            blur=blur,
            video=video,
            start=begin,
            stop=end,
            on_progress=lambda time, until: bar.count(round(time), None if until is None else round(until)),
        )
    terminal.say(f"written: {output}, {frames} frames")
