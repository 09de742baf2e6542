"""Analyses the recordings of one `analyze` command, and prints their results."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from classpulse.commands.errors import Stopped, complain
from classpulse.commands.showing import show_session
from classpulse.commands.streams import STREAMS
from engine.errors import UsageError
from engine.settings import Settings
from engine.texts import LONGEST, NAME_OF_SESSION, required_text

if TYPE_CHECKING:
    from classpulse.report.window import LiveWindow
    from engine.sessions.session import Session
    from engine.vision.detection import Detections
    from engine.vision.sources.protocol import Frame

RESPONSIBLE = (
    "Before you use verdicts, read `classpulse docs responsible-use`: what they can and cannot mean, where the law "
    "forbids them, and which mode to use."
)


@dataclass(frozen=True, kw_only=True)
class AnalysisOptions:
    """The options of `analyze` that hold for all its recordings."""

    db: str
    settings: Settings
    exclude: Sequence[str] = ()
    again: bool = False
    workers: int | None = None
    executor: str | None = None
    display: bool = False
    quiet: bool = False
    recorded_at: datetime | None = None


def listed(videos: Sequence[Path]) -> list[Path]:
    """The recordings, with those that a file lists for each @FILE, one in a line; empty lines do not count.

    Raises UsageError for a list that cannot be read, or has none.
    """
    found: list[Path] = []
    for video in videos:
        if not str(video).startswith("@") or video.exists():
            found.append(video)
            continue
        path = Path(str(video)[1:])
        try:
            lines = path.read_text("utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is not text in UTF-8"
            raise UsageError(f"{path}: the list of recordings cannot be read ({why}); check the file") from None
        recordings = [Path(line.strip()) for line in lines if line.strip()]
        if not recordings:
            raise UsageError(f"{path}: the list has no recording; write one in each line")
        found += recordings
    return found


def queue_all(videos: Sequence[Path], name: str | None, options: AnalysisOptions) -> int:
    """Queue recordings for workers; returns the exit status."""
    from engine.sessions.cluster.queueing import enqueue

    added, missing = enqueue(
        videos,
        options.db,
        name=name,
        settings=options.settings,
        exclude=options.exclude,
        again=options.again,
        recorded_at=options.recorded_at,
    )
    for error in missing:
        complain(error)
    if not options.quiet:
        print(f"{added} of {len(videos)} recordings are new in the queue; run `classpulse work` on any machine")
    return 2 if missing else 0


def analyze_all(videos: Sequence[Path | list[Path]], name: str | None, options: AnalysisOptions) -> int:
    """Analyse recordings, some of them in several files, one after the other; returns the exit status.

    The error of a single recording is raised. With several recordings an error is printed, and the next one is
    analysed. That results cannot be printed ends nothing. Raises Stopped at Ctrl-C.
    """
    from storage.database import database_of

    name = None if name is None else required_text(name, NAME_OF_SESSION)
    STREAMS.outlive_output()
    status = 0
    for video in videos:
        session_name = f"{name}: {_first(video).stem}"[:LONGEST] if name and len(videos) > 1 else name
        try:
            session = _analyze(video, session_name, options)
        except KeyboardInterrupt:
            aggregate_only = options.settings.aggregate_only
            raise Stopped(_first(video), str(database_of(options.db)), saved=not aggregate_only) from None
        except Exception as error:
            if len(videos) == 1:
                raise
            status = max(status, complain(error))
            continue
        _print_result(video, session, quiet=options.quiet)
    return status


def _first(video: Path | list[Path]) -> Path:
    return video if isinstance(video, Path) else video[0]


def _analyze(video: Path | list[Path], name: str | None, options: AnalysisOptions) -> Session:
    from classpulse.report import terminal
    from engine.sessions.analysis import analyze
    from engine.sessions.live.labels import LiveLabels, log_changes
    from storage.store import Store

    title = name if name and isinstance(video, list) else _first(video).name
    labels = LiveLabels(options.settings) if options.display else None
    window = display_window(title, labels, options.db, options.exclude) if labels else None
    with terminal.ProgressBar(title, hidden=options.quiet) as bar:
        session = analyze(
            video,
            options.db,
            name=name,
            settings=options.settings,
            exclude=options.exclude,
            again=options.again,
            workers=options.workers,
            executor=options.executor,
            recorded_at=options.recorded_at,
            on_progress=bar,
            on_detections=window,
        )
    if labels and not session.was_done:
        with Store.open(options.db) as store:
            log_changes(store, session.session_id, labels.shown())
    return session


def _print_result(video: Path | list[Path], session: Session, *, quiet: bool) -> None:
    from classpulse.report import terminal

    for warning in session.warnings:
        print(f"classpulse: {warning}", file=sys.stderr)
    if quiet:
        return
    if session.was_done:
        terminal.say(f"{_first(video)} is finished: session {session.session_id}; --again analyses it again.")
    show_session(session)
    if session.session_id == 1 and not session.was_done:  # the first of this database
        print(f"\n{RESPONSIBLE}")


def display_window(
    title: str, labels: Callable[[Frame, Detections], Sequence[str]], db: str, exclude: Sequence[str]
) -> LiveWindow:
    """A window for detections, in which the squares that `exclude` names are unrecognisable."""
    from classpulse.report.window import LiveWindow
    from engine.sessions.excluding import Square, squares
    from storage.store import Store

    @cache
    def excluded(width: int, height: int) -> list[Square]:
        if not exclude:
            return []
        with Store.open(db, must_exist=True, read_only=True) as store:  # created by the analysis before
            return squares(store, exclude, width, height)

    return LiveWindow(title, labels, excluded)
