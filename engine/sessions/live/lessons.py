"""One camera, several lessons: each is a session of its own, by a timetable or of equal length."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from engine.errors import SourceError
from engine.sessions.live.timetable import Timetable
from engine.sessions.live.watching import watch
from engine.vision.cameras.addresses import without_secrets

if TYPE_CHECKING:
    from engine.sessions.session import Session

#: Seconds from one try to the next where a lesson begins and the camera is not there.
RETRY = 10.0


@dataclass(frozen=True)
class Span:
    """When the next session begins and ends; times are s since 1970, UTC."""

    name: str
    start: float
    stop: float | None = None
    length: float | None = None
    """s after the session's first picture; None where it ends at `stop`."""


#: The session that there is at a time, or the next one; None where none follows.
Plan = Callable[[float], Span | None]


def equal_lessons(name: str, length: float) -> Plan:
    """Lessons of `length` s, one after the other."""
    return lambda now: Span(name, now, length=length)


def lessons_of(timetable: Timetable) -> Plan:
    """The lessons of a timetable, whose times are those of this machine's time zone."""

    def plan(now: float) -> Span | None:
        lesson = timetable.at(datetime.fromtimestamp(now))
        return None if lesson is None else Span(lesson.name, lesson.start.timestamp(), lesson.stop.timestamp())

    return plan


def watch_lessons(
    location: str,
    db: str | Path,
    plan: Plan,
    *,
    until: Callable[[float], bool] | None = None,
    stopped: Event | None = None,
    on_change: Callable[[str], None] | None = None,
    on_session: Callable[[Session], None] | None = None,
    **options: Any,
) -> None:
    """Watch the camera at `location` as often as `plan` says, until that is over, or as for `watch`.

    A session is called after its lesson and when it began. Between two lessons the camera is left alone. Where it
    is not there when a lesson begins, it is tried again until that ends; only a camera that is not there at the
    very first raises SourceError. A session that a crash left goes on where its lesson does. `on_session` is called
    with every session that is judged; `options` are those of `watch`.
    """
    watching = _Lessons(location, until or _never, stopped or Event(), on_change or _silent)
    is_first = True
    while not watching.is_over() and (span := plan(time.time())) is not None:
        if span.start > time.time():
            watching.wait_for(span)
            is_first = False
            continue
        session = watching.watch(span, db, options, may_fail=is_first)
        if session is not None and on_session is not None:
            on_session(session)
        is_first = False


@dataclass
class _Lessons:
    location: str
    until: Callable[[float], bool]
    stopped: Event
    say: Callable[[str], None]

    def is_over(self) -> bool:
        return self.stopped.is_set() or self.until(time.time())

    def wait_for(self, span: Span) -> None:
        begin = datetime.fromtimestamp(span.start)
        self.say(f"{without_secrets(self.location)}: the next lesson is {span.name}, {begin:%A %Y-%m-%d %H:%M}")
        while not self.is_over() and (left := span.start - time.time()) > 0:
            self.stopped.wait(min(left, 1.0))

    def watch(self, span: Span, db: str | Path, options: dict[str, Any], *, may_fail: bool) -> Session | None:
        """The session of a lesson; None where the camera was not there in all of it."""

        def ends(now: float) -> bool:
            return (span.stop is not None and now >= span.stop) or self.until(now)

        begun_after = span.start if span.length is None else time.time() - span.length
        said = False
        while not self.stopped.is_set() and not ends(time.time()):
            try:
                return watch(
                    self.location,
                    db,
                    until=ends,
                    stopped=self.stopped,
                    on_change=self.say,
                    length=span.length,
                    begun_after=begun_after,
                    titled=lambda begun: f"{span.name} {begun.astimezone():%Y-%m-%d %H:%M}",
                    **options,
                )
            except SourceError as error:
                if may_fail:
                    raise
                if not said:
                    self.say(f"{error}; trying again until it is there")
                    said = True
                self.stopped.wait(RETRY)
        return None


def _never(now: float) -> bool:
    del now
    return False


def _silent(line: str) -> None:
    del line
