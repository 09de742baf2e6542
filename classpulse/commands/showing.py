"""Contents of a database: sessions, show, students."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from classpulse.commands.options import Database, SessionKey

if TYPE_CHECKING:
    from engine.sessions.session import Session

app = typer.Typer()


@app.command()
def sessions(db: Database = "classpulse.db") -> None:
    """List the sessions in a database."""
    from classpulse.report import terminal
    from storage import queries
    from storage.store import Store

    with Store.open(db, must_exist=True, read_only=True) as store:
        terminal.show(terminal.sessions_table(queries.sessions(store)))


@app.command()
def show(
    session: SessionKey,
    db: Database = "classpulse.db",
    judgement: Annotated[str | None, typer.Option(help="Name of the judgement (default: the latest).")] = None,
    windows: Annotated[bool, typer.Option("--windows", help="Also list every window of the class.")] = False,
    student: Annotated[str | None, typer.Option(metavar="S01", help="List every window of this student.")] = None,
    areas: Annotated[
        bool,
        typer.Option("--areas", help="List measurability by seating area: face size, detection rate, coverage."),
    ] = False,
) -> None:
    """Show a session: students and verdicts over time."""
    from classpulse.report import terminal
    from classpulse.report.areas import measured
    from classpulse.report.sentence import student_sentence
    from engine.sessions.session import find
    from engine.sessions.students import find_student

    shown_session = find(session, db)
    if student:
        verdicts = shown_session.verdicts(judgement)
        table = terminal.student_table(verdicts, student, shown_session.scale(judgement))
        terminal.show(student_sentence(verdicts[verdicts["label"] == find_student(verdicts, student)["label"]]))
        terminal.show(table)
        return
    if areas:
        terminal.show(terminal.areas_table(measured(shown_session.students(), len(shown_session.frames()))))
        return
    show_session(shown_session, judgement)
    for warning in shown_session.warnings:
        print(f"\n{warning}")
    if windows:
        of_class, of_students = shown_session.class_verdicts(judgement), shown_session.verdicts(judgement)
        terminal.show(terminal.class_table(of_class, of_students, shown_session.scale(judgement)))


@app.command()
def students(session: SessionKey, db: Database = "classpulse.db") -> None:
    """List the students of a session: time span, tracks and certainty of re-identification."""
    from classpulse.report import terminal
    from engine.sessions.session import find

    shown_session = find(session, db)
    if line := terminal.class_alone(shown_session.info()):
        print(line)
        return
    terminal.show(terminal.students_table(shown_session.students()))
    print(f"\n{terminal.identities(shown_session.health())}")


def show_session(session: Session, judgement: str | None = None) -> None:
    """The summary of a session, by default with its latest judgement."""
    from classpulse.report import lines, terminal
    from classpulse.report.areas import measured, warnings
    from engine.verdicts.strategies import reads_cues

    tables = session.info(), session.students(), session.verdicts(judgement), session.class_verdicts(judgement)
    terminal.show(terminal.session_summary(*tables, session.health(), session.scale(judgement)))
    if sources := lines.sources_line(session.sources()):
        terminal.show(sources)
    if shots := lines.shots_line(session.shots()):
        terminal.show(shots)
    if doubt := lines.doubt_line(session.session_id, session.tracks(), session.students()):
        terminal.show(f"\n{doubt}")
    for warning in warnings(measured(session.students(), len(session.frames())), session.info()):
        terminal.show(f"\n{warning}")
    phases = session.class_phase_verdicts(judgement)
    if len(phases):
        print()
        terminal.show(terminal.phases_table(phases, session.phase_verdicts(judgement), session.scale(judgement)))
    judgements = session.judgements()
    shown = judgements[judgements["name"] == judgement] if judgement else judgements
    if reads_cues(shown["strategy"].iloc[-1]):
        print(terminal.BY_ATTENTION)
    if reason := session.why_no_students():
        print(f"\n{reason}")
