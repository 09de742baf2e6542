"""A camera as a session: watch."""

from __future__ import annotations

import dataclasses
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from classpulse.commands.options import (
    DEFAULT,
    AggregateOnly,
    Band,
    Database,
    Exclude,
    MinCoverage,
    MinFace,
    MinFaces,
    NoExpression,
    Quiet,
    StrategyOption,
    Window,
    clock_of,
    duration_of,
    sample_rate_of,
    scorer_of,
)
from classpulse.commands.recordings import display_window
from classpulse.commands.showing import show_session
from engine.errors import SourceError, UsageError
from engine.settings import Settings
from engine.vision.cameras.addresses import SCHEMES, is_stream, with_password, without_secrets

if TYPE_CHECKING:
    from engine.sessions.live.lessons import Plan
    from engine.sessions.live.rolling import JudgedWindow
    from engine.sessions.session import Session
    from engine.vision.detection import Detections
    from engine.vision.sources.protocol import Frame

app = typer.Typer()

#: Holds the password of a camera's user, where no file does.
PASSWORD_VARIABLE = "CLASSPULSE_CAMERA_PASSWORD"


@app.command()
def watch(
    address: Annotated[
        str, typer.Argument(metavar="ADDRESS", help="The camera or stream, such as rtsp://camera.local/stream1.")
    ],
    db: Database = "classpulse.db",
    name: Annotated[str | None, typer.Option(help="Name of the session (default: the address).")] = None,
    length: Annotated[
        str | None, typer.Option("--for", metavar="DURATION", help="End after 90s, 45m or 1h30m.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="HH:MM", help="End at the next time of day that is this.")
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION", help="Begin a new session every 45m, from the first picture of the last on."
        ),
    ] = None,
    timetable: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            readable=False,
            help="A session for each lesson of this CSV: day, start, end, name, room.",
        ),
    ] = None,
    room: Annotated[
        str | None, typer.Option(metavar="NAME", help="With --timetable: the lessons in this room.")
    ] = None,
    max_break: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION", help="Longest break after a crash that the session is resumed after (default: 10m)."
        ),
    ] = None,
    password_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            readable=False,
            help=f"Password of the user in the address (or the variable {PASSWORD_VARIABLE}).",
        ),
    ] = None,
    sample_rate: Annotated[
        str, typer.Option(metavar="RATE|all", help="Pictures analysed per second.")
    ] = f"{DEFAULT.sample_rate:g}",
    window: Window = DEFAULT.window,
    strategy: StrategyOption = None,
    band: Band = DEFAULT.band,
    min_faces: MinFaces = DEFAULT.min_faces,
    min_coverage: MinCoverage = DEFAULT.min_coverage,
    no_expression: NoExpression = False,
    min_face: MinFace = DEFAULT.min_face,
    detector: Annotated[
        str, typer.Option(metavar="NAME", help="`mtcnn`, `retinaface` or an installed plugin's.")
    ] = DEFAULT.detector,
    scorer: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="`fer`, `fused`, an ONNX file or an installed plugin.")
    ] = DEFAULT.scorer,
    exclude: Exclude = None,
    aggregate_only: AggregateOnly = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print each window of the class soon after it has ended, a line of JSON each."),
    ] = False,
    webhook: Annotated[
        str | None, typer.Option(metavar="URL", help="Post each such line there: https, or this machine's http.")
    ] = None,
    students: Annotated[
        bool,
        typer.Option(
            "--students", help="With --json or --webhook: also the verdicts of the students, by their labels."
        ),
    ] = False,
    display: Annotated[
        bool,
        typer.Option(
            "--display", help="Show the picture, its faces and the class's verdict in a window; q closes it."
        ),
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Watch a camera or another live stream: one session, until Ctrl-C, --for or --until.

    No picture is stored. If it is interrupted, run the same command again to resume.
    """
    if length is not None and until is not None:
        raise typer.BadParameter("--for and --until both say when to end; omit one")
    if split is not None and timetable is not None:
        raise typer.BadParameter("--split and --timetable both say when lessons begin; omit one")
    if timetable is not None and name is not None:
        raise typer.BadParameter("--timetable names the sessions; omit --name")
    if room is not None and timetable is None:
        raise typer.BadParameter("--room says which lessons of --timetable; add it")
    if students and not (as_json or webhook):
        raise typer.BadParameter("--students says what --json and --webhook tell; add one of them")
    if students and aggregate_only:
        raise typer.BadParameter("with --aggregate-only nothing is told of students; omit --students")
    ends = _End(
        None if length is None else duration_of(length),
        None if until is None else clock_of(until, datetime.now()).timestamp(),
    )
    network = scorer_of(scorer, None)
    settings = Settings(
        sample_rate=sample_rate_of(sample_rate), window=window, band=band, min_faces=min_faces,
        min_coverage=min_coverage, expression=not no_expression, min_face=min_face, detector=detector,
        scorer=network.name, scorer_model=network.model, aggregate_only=aggregate_only,
    )  # fmt: skip
    if detector == "auto":
        raise typer.BadParameter("--detector auto looks at a whole recording; name one for a camera")
    if strategy:
        settings = dataclasses.replace(settings, strategy=strategy)
    longest_break = None if max_break is None else duration_of(max_break)
    if not is_stream(address):
        shown = without_secrets(address) if "@" in address else address
        raise SourceError(
            f"{shown}: not the address of a stream ({', '.join(f'{each}://' for each in SCHEMES)}); "
            "for a recording use `classpulse analyze`",
            exit_status=2,
        )

    from classpulse.live.lines import encoded, line_of
    from classpulse.live.webhook import WebHook
    from classpulse.report import terminal
    from engine.sessions.live.lessons import equal_lessons, lessons_of, watch_lessons
    from engine.sessions.live.timetable import read_timetable
    from engine.sessions.live.watching import watch as watch_camera

    def tell(window: JudgedWindow) -> None:
        line = line_of(window, students=students)
        if as_json:
            print(encoded(line), flush=True)
        if hook is not None:
            hook.send(line)
        if screen is not None:
            screen.of_class(window)

    def show(session: Session) -> None:
        if not (quiet or as_json):
            show_session(session)

    title = name or without_secrets(address)
    plan: Plan | None = None
    if split is not None:
        plan = equal_lessons(title, duration_of(split))
    elif timetable is not None:
        plan = lessons_of(read_timetable(timetable, room))
    say: Callable[[str], None] = _silent if quiet else terminal.say
    screen = _Screen(title, db, exclude or ()) if display else None
    hook = WebHook(webhook, say) if webhook is not None else None
    with (
        terminal.ProgressBar(title, hidden=quiet or as_json) as bar,
        _stopping() as stopped,
        hook or nullcontext(),
    ):
        options: dict[str, Any] = {
            "settings": settings,
            "exclude": exclude or (),
            "until": ends,
            "stopped": stopped,
            "max_break": longest_break,
            "on_progress": bar,
            "on_change": say,
            "on_window": tell,
            "on_labels": screen,
        }
        location = _with_password(address, password_file)
        if plan is not None:
            watch_lessons(location, db, plan, on_session=show, **options)
            return
        session = watch_camera(location, db, name=name, **options)
    show(session)


class _Screen:
    """Shows each picture with its faces, their labels, and what the class was in the last window."""

    def __init__(self, title: str, db: str, exclude: Sequence[str]) -> None:
        self._labels: Sequence[str] = ()
        self._window = display_window(title, lambda *_: self._labels, db, exclude)

    def __call__(self, frame: Frame, detections: Detections, labels: Sequence[str]) -> None:
        self._labels = labels
        self._window(frame, detections)

    def of_class(self, window: JudgedWindow) -> None:
        row = window.of_class
        self._window.say(f"{row['verdict']} ({row['measured']} of {row['present']} measured)")


class _End:
    """Tells when a session ends: `length` seconds after it was first asked, at the time `at`, or not at all."""

    def __init__(self, length: float | None, at: float | None) -> None:
        self._length, self._at = length, at

    def __call__(self, now: float) -> bool:
        if self._at is None and self._length is not None:
            self._at = now + self._length
        return self._at is not None and now >= self._at


@contextmanager
def _stopping() -> Iterator[threading.Event]:
    """The first Ctrl-C, or request to end, ends the session as it should end; the second one ends the command."""
    stopped = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopped
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}

    def stop(number: int, frame: object) -> None:
        del number, frame
        stopped.set()
        for each, handler in before.items():
            signal.signal(each, handler)

    for number in numbers:
        signal.signal(number, stop)
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _with_password(address: str, file: Path | None) -> str:
    if file is None:
        password = os.environ.get(PASSWORD_VARIABLE)
        return address if password is None else with_password(address, password)
    try:
        return with_password(address, file.read_text(encoding="utf-8").rstrip("\r\n"))
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not text"
        raise UsageError(f"{file}: the password cannot be read ({why}); check the file") from None


def _silent(line: str) -> None:
    del line
