"""The command line: parse, call one function, print."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from engine.settings import Device, Engine, Settings, Strategy
from engine.version import __version__

# The commands import what they need themselves: `--help` is there at once, and so is the answer to an early Ctrl-C.
if TYPE_CHECKING:
    from engine.session import Session

app = typer.Typer(
    name="classpulse",
    help="Classroom footage in; a verdict for every student and the class out, in one SQL database.",
    epilog="A verdict is an expression-based indicator, no proof of what anybody thinks; inferring emotions in "
    "education is forbidden in some places (EU AI Act, Art. 5(1)(f)): check the law first. After an error, --debug "
    "anywhere in the same command shows where it came from.",
    context_settings={"help_option_names": ["-h", "--help"]},
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Format = Literal["table", "csv", "json", "parquet"]

DEFAULT = Settings()
DEBUG = False

Database = Annotated[
    str, typer.Option("--db", envvar="CLASSPULSE_DB", metavar="FILE|URL", help="Database: a file or sqlite:///URL.")
]
SessionKey = Annotated[str, typer.Argument(metavar="SESSION", help="Its number, its name or its file's name.")]
StudentKey = Annotated[str, typer.Argument(metavar="STUDENT", help="The student's label, such as S07, or name.")]
Window = Annotated[float, typer.Option(metavar="SECONDS", help="Length of a window.")]
StrategyOption = Annotated[Strategy, typer.Option(help="How faces make a balance.")]
Band = Annotated[float, typer.Option(help="|balance| up to this is neutral.")]
MinFaces = Annotated[int, typer.Option(help="Fewest scorable faces in a window that carry a verdict.")]
BASELINE = typer.Option("--baseline/--no-baseline", help="Judge against the student's own resting face.")
Baseline = Annotated[bool, BASELINE]
MinCoverage = Annotated[float, typer.Option(help="Smallest share of a window's frames with a scorable face.")]


def _sample_rate(text: str) -> float | None:
    try:
        return None if text == "all" else float(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is neither a number of frames per second nor `all`") from None


def _thresholds(text: str) -> tuple[float, float, float]:
    try:
        pnet, rnet, onet = map(float, text.split(","))
        return pnet, rnet, onet
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not three numbers with commas, such as 0.6,0.7,0.8") from None


def _seconds(text: str) -> float:
    parts = text.split(":")
    try:
        if len(parts) > 3 or not all(0 <= float(part) < 60 for part in parts[1:]):
            raise ValueError
        return sum(float(part) * 60.0**place for place, part in enumerate(reversed(parts)))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no time, such as 12:30, 1:02:03 or 750 (seconds)") from None


def _seat(text: str) -> tuple[str, str]:
    student, equals, name = text.partition("=")
    if not (student and equals and name):
        raise typer.BadParameter(f"{text!r} is not a student and a name, such as S03=Ada")
    return student, name


@app.callback(invoke_without_command=True)
def root(  # noqa: D103 -- its help is the app's
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    if version:
        print(f"classpulse {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help(), file=sys.stderr)
        raise typer.Exit(2)


@app.command()
def analyze(
    videos: Annotated[
        list[Path], typer.Argument(metavar="VIDEO...", readable=False, help="Recordings, one session each.")
    ],
    db: Database = "classpulse.db",
    name: Annotated[str | None, typer.Option(help="Name of the session; by default the file's.")] = None,
    sample_rate: Annotated[
        str, typer.Option(metavar="RATE|all", help="Frames looked at per second of media time.")
    ] = f"{DEFAULT.sample_rate:g}",
    window: Window = DEFAULT.window,
    strategy: StrategyOption = DEFAULT.strategy,
    band: Band = DEFAULT.band,
    min_faces: MinFaces = DEFAULT.min_faces,
    min_coverage: MinCoverage = DEFAULT.min_coverage,
    baseline: Baseline = DEFAULT.baseline,
    min_face: Annotated[float, typer.Option(metavar="PX", help="Smallest face looked for.")] = DEFAULT.min_face,
    thresholds: Annotated[
        str, typer.Option(metavar="P,R,O", help="Score thresholds of MTCNN's three networks.")
    ] = ",".join(map(str, DEFAULT.thresholds)),
    min_hits: Annotated[int, typer.Option(help="Faces in a row before a track is born.")] = DEFAULT.min_hits,
    max_age: Annotated[
        float, typer.Option(metavar="SECONDS", help="How long a track outlives its last face.")
    ] = DEFAULT.max_age,
    engine: Annotated[Engine, typer.Option(help="`reference`: the original packages.")] = DEFAULT.engine,
    device: Annotated[Device, typer.Option(help="Where the networks run.")] = DEFAULT.device,
    again: Annotated[bool, typer.Option("--again", help="Analyse anew what is done already.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no tables.")] = False,
) -> None:
    """Analyse recordings: see every face, follow every student, judge every window.

    Stopped half-way, the same command goes on where it was stopped; a recording that is done is not analysed twice.
    """
    from engine.analysis import analyze as analyze_one
    from report import terminal

    settings = Settings(
        sample_rate=_sample_rate(sample_rate), window=window, strategy=strategy, band=band, min_faces=min_faces,
        min_coverage=min_coverage, baseline=baseline, min_face=min_face, thresholds=_thresholds(thresholds),
        min_hits=min_hits, max_age=max_age, engine=engine, device=device,
    )  # fmt: skip
    status = 0
    for video in videos:
        one_of_many = f"{name}: {video.stem}" if name and len(videos) > 1 else name
        try:
            with terminal.ProgressBar(video.name, hidden=quiet) as bar:
                session = analyze_one(video, db, name=one_of_many, settings=settings, again=again, on_progress=bar)
        except KeyboardInterrupt:
            raise _Stopped(video, db) from None
        except Exception as error:
            if len(videos) == 1:
                raise
            status = max(status, _complain(error))  # an overnight run goes on with the other recordings
            continue
        for remark in session.remarks:
            print(f"classpulse: {remark}", file=sys.stderr)
        if not quiet:
            if session.was_done:
                terminal.say(f"{video} is done already: session {session.number}. --again analyses it anew.")
            _show(session)
    raise typer.Exit(status)


@app.command()
def sessions(db: Database = "classpulse.db") -> None:
    """List the sessions of a database."""
    from report import terminal
    from storage import queries
    from storage.store import Store

    with Store.open(db, must_exist=True, read_only=True) as store:
        terminal.show(terminal.sessions_table(queries.sessions(store)))


@app.command()
def show(
    session: SessionKey,
    db: Database = "classpulse.db",
    judgement: Annotated[str | None, typer.Option(help="Its name; by default the latest.")] = None,
    windows: Annotated[bool, typer.Option("--windows", help="Every window of the class, too.")] = False,
    student: Annotated[str | None, typer.Option(metavar="S01", help="Every window of this student.")] = None,
) -> None:
    """Show a session: its students, and the verdicts over time."""
    from engine.session import find
    from report import terminal

    found = find(session, db)
    if student:
        terminal.show(terminal.student_table(found.verdicts(judgement), student))
        return
    _show(found, judgement)
    if windows:
        terminal.show(terminal.class_table(found.class_verdicts(judgement)))


@app.command()
def judge(
    session: SessionKey,
    db: Database = "classpulse.db",
    window: Annotated[float | None, typer.Option(metavar="SECONDS", help="Length of a window.")] = None,
    strategy: Annotated[Strategy | None, typer.Option(help="How faces make a balance.")] = None,
    band: Annotated[float | None, typer.Option(help="|balance| up to this is neutral.")] = None,
    min_faces: Annotated[int | None, typer.Option(help="Fewest scorable faces that carry a verdict.")] = None,
    min_coverage: Annotated[float | None, typer.Option(help="Smallest coverage that carries a verdict.")] = None,
    baseline: Annotated[bool | None, BASELINE] = None,
    name: Annotated[str | None, typer.Option(help="Name of the judgement; by default its settings.")] = None,
) -> None:
    """Judge a session again with other settings, beside the judgements there are; never needs the video.

    What is not given stays as in the latest judgement.
    """
    from engine.session import find

    given = {
        "window": window, "strategy": strategy, "band": band, "min_faces": min_faces, "min_coverage": min_coverage,
        "baseline": baseline,
    }  # fmt: skip
    changes = {setting: value for setting, value in given.items() if value is not None}
    _show(find(session, db).judge(name, **changes))


@app.command()
def students(session: SessionKey, db: Database = "classpulse.db") -> None:
    """List a session's students: when seen, of how many tracks, and how sure it is that they are one person's."""
    from engine.session import find
    from report import terminal

    found = find(session, db)
    terminal.show(terminal.students_table(found.students()))
    print(f"\n{terminal.who_is_who(found.health())}")


@app.command()
def rename(
    session: SessionKey,
    student: StudentKey,
    name: Annotated[str, typer.Argument(metavar="NAME", help='What to call the student; "" takes the name away.')],
    db: Database = "classpulse.db",
) -> None:
    """Name a student. `undo` takes this back, as it does merge, split and roster."""
    from engine.session import find

    find(session, db).rename(student, name)


@app.command()
def merge(
    session: SessionKey,
    student: StudentKey,
    other: Annotated[str, typer.Argument(metavar="OTHER", help="The label or name of who is the same person.")],
    db: Database = "classpulse.db",
) -> None:
    """Make two students one, and every judgement again; the smaller label stays."""
    from engine.session import find

    find(session, db).merge(student, other)


@app.command()
def split(
    session: SessionKey,
    student: StudentKey,
    at: Annotated[str, typer.Option(metavar="TIME", help="When, as 12:30, 1:02:03 or in seconds.")],
    db: Database = "classpulse.db",
) -> None:
    """Make who is seen as a student from a time on somebody else, and every judgement again."""
    from engine.session import find

    print(f"{find(session, db).split(student, _seconds(at))} is who is seen from {at} on")


@app.command()
def undo(session: SessionKey, db: Database = "classpulse.db") -> None:
    """Undo the last repair of a session that holds, and say which."""
    from engine.session import find

    print(f"undone: {find(session, db).undo()}")


@app.command()
def repairs(session: SessionKey, db: Database = "classpulse.db") -> None:
    """List what was put right in a session, and what of it was undone."""
    from engine.session import find
    from report import terminal

    terminal.show(terminal.repairs_table(find(session, db).repairs()))


@app.command()
def roster(
    room: Annotated[str, typer.Option(metavar="ROOM", help="What you call the room.")],
    session: Annotated[
        str | None, typer.Argument(metavar="SESSION", help="Its number, its name or its file's name.")
    ] = None,
    seat: Annotated[
        list[str] | None,
        typer.Option(metavar="S01=NAME", help="Name a student, and keep the seat; may be repeated."),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the seats of all who have a name.")] = False,
    db: Database = "classpulse.db",
) -> None:
    """Carry the names of a room to a session by seat, keep its seats (--seat, --keep), or list them.

    Who sits where is matched by place and size alone; who does not match is counted, not guessed.
    """
    from engine.session import find
    from report import terminal
    from storage import queries
    from storage.store import Store

    if session is None:
        if seat or keep:
            raise typer.BadParameter("--seat and --keep need a SESSION, whose students they are of")
        with Store.open(db, must_exist=True, read_only=True) as store:
            terminal.show(terminal.seats_table(queries.seats(store, room)))
        return
    found = find(session, db)
    if seat:
        found.name_students(dict(map(_seat, seat)))
    if seat or keep:
        names = found.keep_seats(room)
        print(f"seats kept for {room}: {len(names)} ({', '.join(names)})")
        return
    print(terminal.carried(room, **vars(found.carry_names(room))))


@app.command()
def query(
    sql: Annotated[str, typer.Argument(metavar="SQL", help="One SELECT statement; docs/sql.md has examples.")],
    db: Database = "classpulse.db",
    output_format: Annotated[Format, typer.Option("--format", "-f", help="How the rows are written.")] = "table",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file instead of the screen.")] = None,
) -> None:
    """Ask the database in SQL; it can only be read."""
    from report import rows
    from storage import queries

    signal.signal(signal.SIGINT, signal.SIG_DFL)  # while SQLite works, Python does not hear of a Ctrl-C
    rows.write(queries.query(db, sql), output_format, output)


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where everything is written.")] = Path("demo"),
) -> None:
    """Draw a lesson of 20 s, analyse it, and hold the verdicts against its script."""
    from engine.analysis import analyze as analyze_one
    from report import terminal
    from simulation.comparing import compare
    from simulation.lesson import demo_lesson
    from simulation.render import render_lesson

    folder.mkdir(parents=True, exist_ok=True)
    lesson, window = demo_lesson(), 5.0
    video, db = folder / "lesson.mp4", folder / "classpulse.db"
    with terminal.ProgressBar("drawing the lesson") as bar:
        truth = render_lesson(lesson, video, progress=bar.count)
    truth.write_csv(folder / "truth.csv")
    with terminal.ProgressBar(video.name) as bar:
        session = analyze_one(video, db, name="Demo", settings=Settings(window=window), on_progress=bar)
    _show(session)
    comparison = compare(truth, session.faces(), session.verdicts(), window)
    session.verdicts().to_csv(folder / "verdicts.csv", index=False)
    agreement = {"of faces from 48 px": comparison.agreement(48), "in all": comparison.agreement()}
    terminal.show(terminal.comparison((comparison.found, comparison.students), agreement))
    terminal.show(
        f"\nIn {folder}: lesson.mp4, its truth.csv, classpulse.db, verdicts.csv. Next, for example:\n"
        f"  classpulse show Demo --windows --db {db}\n"
        f"  classpulse query --db {db} 'select label, faces, coverage from v_students'"
    )


@app.command()
def doctor(device: Annotated[Device, typer.Option(help="The device that is tested.")] = DEFAULT.device) -> None:
    """Say what is installed and which device runs the networks, and test them for a second."""
    from engine.doctor import checks
    from report import terminal
    from simulation.lesson import Lesson
    from simulation.render import frames

    lesson = Lesson(students=2, rows=1, width=320, height=240, duration=0.04, moods=(("happy",), ("neutral",)))
    found = checks(next(frames(lesson)).image, lesson.students, device)
    terminal.show(terminal.checks_table([(check.what, check.found, check.good) for check in found]))
    raise typer.Exit(0 if all(check.good for check in found) else 1)


def _show(session: Session, judgement: str | None = None) -> None:
    from report import terminal

    parts = session.info(), session.students(), session.verdicts(judgement), session.class_verdicts(judgement)
    terminal.show(terminal.session_summary(*parts, session.health()))


class _Stopped(Exception):  # noqa: N818
    """Ctrl-C in the middle of a recording."""

    def __init__(self, video: Path, db: str) -> None:
        super().__init__(
            f"stopped; what is seen of {video} is kept in {db}, and the same command goes on from there"
        )


def _complain(error: Exception) -> int:
    """Say in one line what went wrong; returns the exit status for it."""
    if DEBUG:
        traceback.print_exc()
    status = 1
    if hasattr(error, "format_message"):  # typer's own; which class that is depends on its version
        context = getattr(error, "ctx", None)
        where = f"; see `{context.command_path} --help`" if context else ""
        text, status = f"{error.format_message().rstrip('.')}{where}", 2
    elif hasattr(error, "exit_status"):  # an error of one of the rooms, made for a person
        text, status = str(error), error.exit_status
    elif isinstance(error, OSError):
        text = f"{error.filename or 'the output'}: {error.strerror}; check the path, its permissions and the disk"
    else:
        text = f"a fault of ours ({type(error).__name__}: {error}); please report it with what --debug shows"
    print(f"classpulse: {' '.join(text.split())}", file=sys.stderr)
    return status


def main() -> NoReturn:
    """Run the command line: every error that a user can cause is one line, a traceback only comes with --debug."""
    global DEBUG
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    DEBUG = len(arguments) < len(sys.argv) - 1
    status, stopped = 130, "stopped"
    try:
        # 130 where typer itself was told of a Ctrl-C
        status = app(arguments, prog_name="classpulse", standalone_mode=False) or 0
    except (KeyboardInterrupt, _Stopped) as stop:
        stopped = str(stop) or stopped
    except BrokenPipeError:  # `classpulse query ... | head`
        status = 1
    except Exception as error:  # noqa: BLE001 -- said in one line, and with --debug in full
        status = _complain(error)
    try:
        sys.stdout.flush()
    except OSError as error:  # nobody reads it any more, or its disk is full: not once more at the exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = status or (1 if isinstance(error, BrokenPipeError) else _complain(error))
    if status == 130:
        print(f"classpulse: {stopped}", file=sys.stderr)
    sys.exit(status)


if __name__ == "__main__":
    main()
