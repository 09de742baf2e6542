"""The report on a session as one page of HTML, and its sections as fragments for other pages."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from importlib import resources
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from classpulse.report.comparing import compared
from classpulse.report.figures import measured, signed
from classpulse.report.library import PLOTLY, packed, sha256
from classpulse.report.palette import boxes, css_name, level_class
from classpulse.report.queries import Recorded, ReportQueries
from classpulse.report.sections import SECTIONS
from engine.outputs import output_file
from engine.times import format_clock
from engine.verdicts.reasons import MEASURABLE, worded
from engine.verdicts.scale import BALANCE

HERE = Path(str(resources.files("classpulse.report")))
#: How every page of ours begins, by which it may be written over.
MARK = "<!doctype html>\n<!-- a classpulse report -->"
#: What a page needs beside its fragments: serve these files, or put them in. `LIVE` comes last, with plotly.js,
#: to which it hands the plots.
STYLES = HERE / "static" / "report.css"
SCRIPT = HERE / "static" / "report.js"
LIVE = HERE / "static" / "live.js"
#: The sections of a report, in the order of the page.
WHOLE = ("summary", "timeline", "seats", "students", "heatmap", "changes", "phases", "provenance")
#: Sections of a report on one student: of the other students, only the class as a whole.
ALONE = ("summary", "students", "timeline", "changes", "phases", "provenance")


def render(
    session: Recorded,
    judgement: str | None = None,
    student: str | None = None,
    *,
    picture: bool = False,
    commands: bool = True,
) -> str:
    """The whole report: one HTML document that loads nothing and runs no script but its own.

    `session` is the engine's `Session`; `judgement` is a name, by default the latest; with a `student` (label or
    name) it holds no data of other students; with `picture` the seats lie on a frame of the recording with
    every face unrecognisable, if the recording still exists; without `commands` it shows none for a terminal, nor
    where the database is. Raises as `ReportQueries` does.
    """
    sources = ReportQueries(session, judgement, student, picture=picture, commands=commands)
    shown = [fragment(sources, name) for name in _names(sources)]
    return document(sources.ask("session").rows["name"].iloc[0], shown)


def compare(first: Recorded, second: Recorded) -> str:
    """Two sessions of one class, each by its latest judgement, side by side: one HTML document like `render`'s."""
    context = compared(ReportQueries(first), ReportQueries(second))
    title = " and ".join(side["name"] for side in context["sides"])
    return document(title, [Markup(environment().get_template("compare.html.j2").render(context))])


def document(title: str, sections: Sequence[Markup]) -> str:
    """Fragments as a whole document, with its style and scripts in it, and leave for no other script to run."""
    library = packed(PLOTLY)
    scripts = [path.read_text("utf-8") for path in (SCRIPT, LIVE)]
    hashes = [sha256(script.encode()) for script in scripts]
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            mark=Markup(MARK),
            title=title,
            sections=sections,
            style=Markup(STYLES.read_text("utf-8")),
            scripts=[Markup(script) for script in scripts],
            library=library,
            hashes=[*hashes, library.sha256],
        )
    )


def section(
    name: str,
    session: Recorded,
    judgement: str | None = None,
    student: str | None = None,
    *,
    picture: bool = False,
    commands: bool = True,
) -> Markup:
    """One of `SECTIONS` as a fragment: a <section id="section-NAME"> with its drawing, data, table and SQL.

    To show it in another page: load `STYLES` and `SCRIPT` there, and put the fragment in. Its plots become live by
    a <script id="classpulse-plotly" type="text/plain" data-src=ADDRESS>, the address that of `library.PLOTLY`,
    with `LIVE` after it, and by `classpulse.draw(element)` on what a fragment was put into later. A click on a
    window of a plot dispatches `classpulse:window` (it bubbles; `detail` is {start, stop, student}, seconds and the
    student's number or null), and so does one on any element with `data-start`. Raises as `render` does.
    """
    return fragment(ReportQueries(session, judgement, student, picture=picture, commands=commands), name)


def sections(session: Recorded, judgement: str | None = None, student: str | None = None) -> dict[str, Markup]:
    """All of the fragments by name, in the order of the page; each query runs once."""
    sources = ReportQueries(session, judgement, student)
    return {name: fragment(sources, name) for name in _names(sources)}


def _names(sources: ReportQueries) -> list[str]:
    """The sections that have something to show."""
    empty = set() if len(sources.ask("phases").rows) else {"phases"}
    if sources.ask("students").rows.empty:
        empty |= {"heatmap", "seats", "students"}
    if not sources.scale.polar:
        empty |= {"changes"}  # of the balance
    return [name for name in (WHOLE if sources.student is None else ALONE) if name not in empty]


@cache
def environment() -> Environment:
    """The templates: every value is escaped, a missing value is an error."""
    templates = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.globals |= {
        "zip": partial(zip, strict=True),
        "boxes": boxes(),
        "scale": BALANCE,
        "worded": worded,
        "measured": measured,
        "measurable": MEASURABLE,
        "css_name": css_name,
    }
    templates.filters |= {"clock": format_clock, "signed": _signed, "percent": lambda share: f"{share:.0%}"}
    templates.filters |= {"level_class": level_class}
    return templates


def fragment(sources: ReportQueries, name: str) -> Markup:
    """Like `section`, for any queries, also a subclass with rows of its own."""
    attention = sources.by_cues
    context = {"attention": attention, "scale": sources.scale, "boxes": boxes(sources.scale)}
    return Markup(environment().get_template(f"{name}.html.j2").render(SECTIONS[name](sources), **context))


def _signed(value: float | None, margin: float | None = None) -> str:
    """+0.42 with a minus sign U+2212; a dash for a missing value."""
    if value is None or value != value:
        return "–"
    text = signed(value)
    return text if margin is None or margin != margin else f"{text} ± {margin:.2f}"


def write(page: str, path: Path) -> None:
    """Write a page to `path`, replacing an earlier report. Raises UsageError if another file exists there.

    No recording begins like a report, so the sessions' are not asked for.
    """
    refusal = "it is not a report of classpulse, so choose another file with --output"
    with output_file(path, replaces=_is_report, refusal=refusal) as partial:
        partial.write_text(page, "utf-8")


def _is_report(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(100).startswith(MARK.encode())
