"""Several files of one lesson as one source: chapters of a camera, pieces of a recorder."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Generator, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple, Self

from engine.errors import SourceError
from engine.recorded import time_in_name
from engine.settings import Settings
from engine.texts import natural_order
from engine.vision.sources.protocol import Frame, FrameSource, SourceWarning, checked_rate

#: Files say when they begin in whole seconds, so two that differ by no more than this adjoin, s.
SLACK = 2.0
#: Names whose numbers are further apart do not count files one by one: GH010042, GH020042.
LARGEST_STEP = 99
#: Files whose numbers of frames a second differ by no more than this factor are of one kind.
ALIKE = 1.2
#: A longer pause than this is one between two lessons, s.
LONGEST_PAUSE = 6 * 3600.0


class Piece(NamedTuple):
    """What the order of files depends on."""

    name: str
    recorded: datetime | None
    """As the file says."""
    duration: Fraction
    """s."""


class Part(NamedTuple):
    """A file of the lesson."""

    source: FrameSource
    start: Fraction
    """Session time of its first frame, s."""
    stop: Fraction
    """Session time where it ends as it says, or the next one starts, s."""


class Joined:
    """Files of one picture size, in order of time, with the gaps between them: a `FrameSource`.

    Session time 0 is the first frame of the earliest file. Every file starts at a whole interval of the sample
    rate, so that its own samples are the session's; that is half an interval at most beside the time that it says.

    Raises SourceError (exit status 2) for a file that is named twice, for pictures of different sizes, and where
    two files overlap, lie more than six hours apart, or one does not say how long it is.
    """

    def __init__(self, sources: Sequence[FrameSource], settings: Settings) -> None:
        pieces = [_piece(source) for source in sources]
        order, starts, times, self.warnings = place(pieces)
        ordered = [sources[index] for index in order]
        _check_sizes(ordered)
        first = ordered[0]
        self.path, self.name = first.path, first.name
        self.width, self.height = first.width, first.height
        rate = checked_rate(settings.sample_rate)
        bases = [source.time_base for source in ordered]
        interval = _common(bases) if rate is None else 1 / rate
        self.time_base = _common([*bases, interval])
        self.start_pts = 0
        begins = _rounded(starts, interval)
        ends = [begin + pieces[index].duration for begin, index in zip(begins, order, strict=True)]
        stops = [min(end, following) for end, following in zip(ends, [*begins[1:], ends[-1]], strict=True)]
        stops[-1] = ends[-1]
        self.parts = [Part(*part) for part in zip(ordered, begins, stops, strict=True)]
        self.duration: float | None = float(stops[-1])
        self.times = times
        self.recorded = times[0]
        self.seekable = all(source.seekable for source in ordered)
        self.damaged = 0
        self._digests: list[str] = []
        self.warnings += _rates(ordered)
        for part in self.parts:
            self.warnings += [_in_session(warning, part) for warning in part.source.warnings]

    @staticmethod
    def accepts(location: str) -> bool:
        """A single location is never several files."""
        del location
        return False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for part in self.parts:
            part.source.__exit__(*error)

    def fingerprints(self) -> list[str]:
        """Those of the files, in order. Raises SourceError (exit status 2) where two are the same."""
        if self._digests:
            return self._digests
        found: dict[str, FrameSource] = {}
        for part in self.parts:
            digest = part.source.fingerprint()
            if twin := found.get(digest):
                raise SourceError(
                    f"{part.source.path}: the same recording as {twin.path.name}; name it once", exit_status=2
                )
            found[digest] = part.source
        self._digests = list(found)
        return self._digests

    def fingerprint(self) -> str:
        """SHA-256 over the files' fingerprints and where each starts."""
        sha256 = hashlib.sha256()
        for part, digest in zip(self.parts, self.fingerprints(), strict=True):
            sha256.update(f"{digest} {part.start}\n".encode())
        return sha256.hexdigest()

    def frames(self, sample_rate: float | None, start: float = 0.0, stop: float | None = None) -> Generator[Frame]:
        """As the protocol says. With another rate than the settings' the samples of a file are its own."""
        checked_rate(sample_rate)
        return self._frames(sample_rate, start, math.inf if stop is None else stop)

    def _frames(self, rate: float | None, start: float, stop: float) -> Generator[Frame]:
        self.damaged = 0
        # A file may last longer than it says: only the next one ends it.
        limits = [*(float(part.start) for part in self.parts[1:]), math.inf]
        for part, limit in zip(self.parts, limits, strict=True):
            if limit <= start or part.start >= stop:
                continue
            source, end = part.source, min(stop, limit)
            begin = max(float(Fraction(start) - part.start), 0.0)
            until = None if end == math.inf else float(Fraction(end) - part.start)
            try:
                with closing(source.frames(rate, begin, until)) as frames:
                    for frame in frames:
                        exact = part.start + (frame.pts - source.start_pts) * source.time_base
                        time = float(exact)
                        if start <= time < end:
                            yield Frame(int(exact / self.time_base), time, frame.image)
            finally:
                self.damaged += source.damaged


def files_of(source: FrameSource) -> list[tuple[FrameSource, float]]:
    """The files of `source` in order, each with the session time of its first frame, s; one file is its own."""
    if isinstance(source, Joined):
        return [(part.source, float(part.start)) for part in source.parts]
    return [(source, 0.0)]


def place(
    pieces: Sequence[Piece],
) -> tuple[list[int], list[Fraction], list[datetime | None], list[SourceWarning]]:
    """The order of the files, where each starts (s, the first at 0), when it was recorded, and warnings.

    By what the files say of their time, else by what all their names say; where that is unknown or the same for
    several, they follow one another in the natural order of their names.
    """
    problem: SourceError | None = None
    for times in ([piece.recorded for piece in pieces], [time_in_name(piece.name) for piece in pieces]):
        known = [time for time in times if time is not None]
        if len(set(known)) < len(pieces):
            continue
        order = sorted(range(len(pieces)), key=lambda index: known[index])
        try:
            starts, warnings = _timed([pieces[index] for index in order], [known[index] for index in order])
        except SourceError as error:
            problem = problem or error
        else:
            return order, starts, [known[index] for index in order], warnings
    if problem:
        raise problem
    order = sorted(range(len(pieces)), key=lambda index: natural_order(pieces[index].name))
    starts, end = [], Fraction(0)
    for index in order:
        starts.append(end)
        end += pieces[index].duration
    return order, starts, [None] * len(order), _untimed([pieces[index].name for index in order])


def _timed(pieces: Sequence[Piece], times: Sequence[datetime]) -> tuple[list[Fraction], list[SourceWarning]]:
    starts, warnings = [Fraction(0)], []
    for before, after, begun, begins in zip(pieces, pieces[1:], times, times[1:], strict=False):
        # From file to file, so that what clocks and lengths disagree by does not add up.
        gap = Fraction((begins - begun) / timedelta(microseconds=1)) / 1_000_000 - before.duration
        if gap < -SLACK:
            raise SourceError(
                f"{after.name}: begins {_span(-gap)} before {before.name} ends, so they are not one lesson's "
                "files; analyse them on their own",
                exit_status=2,
            )
        if gap > LONGEST_PAUSE:
            raise SourceError(
                f"{after.name}: begins {_span(gap)} after {before.name} ends, as another lesson does; analyse it "
                "on its own",
                exit_status=2,
            )
        end = starts[-1] + before.duration
        starts.append(end + (gap if gap > SLACK else 0))
        if gap > SLACK:
            text = (
                f"{after.name}: begins {_span(gap)} after {before.name} ends; nothing is known of that time, so "
                "name the file in between, if there is one"
            )
            warnings.append(SourceWarning("gap_between_files", text, float(end)))
    return starts, warnings


def _untimed(names: Sequence[str]) -> list[SourceWarning]:
    text = (
        f"{names[0]} and {len(names) - 1} more: nothing says when each was recorded, so they follow one another in "
        "the order of their names"
    )
    missing = [f"between {before} and {after}" for before, after in pairwise(names) if _skips(before, after)]
    if missing:
        text += f"; a file seems to be missing {', '.join(missing)}"
    return [SourceWarning("files_without_times", text)]


def _skips(before: str, after: str) -> bool:
    """Whether two names are alike but for one number, which is not the next one."""
    parts, following = natural_order(before)[0], natural_order(after)[0]
    differences = [
        (earlier[0], later[0]) if earlier[1] == later[1] else (0, 0)
        for earlier, later in zip(parts, following, strict=False)
        if earlier != later
    ]
    steps = [later - earlier for earlier, later in differences]
    return len(parts) == len(following) and len(steps) == 1 and 1 < steps[0] <= LARGEST_STEP


def _piece(source: FrameSource) -> Piece:
    if source.duration is None:
        raise SourceError(f"{source.path}: does not say how long it is; convert it to mp4 first", exit_status=2)
    return Piece(source.path.name, source.recorded, Fraction(source.duration).limit_denominator(1_000_000))


def _check_sizes(sources: Sequence[FrameSource]) -> None:
    first = sources[0]
    for source in sources[1:]:
        if (source.width, source.height) != (first.width, first.height):
            raise SourceError(
                f"{source.path}: {source.width}x{source.height} px, but {first.path.name} has "
                f"{first.width}x{first.height}; files of one lesson have one size, so analyse it on its own",
                exit_status=2,
            )


def _rates(sources: Sequence[FrameSource]) -> list[SourceWarning]:
    """One warning where files state different numbers of frames a second."""
    stated = {source.path.name: getattr(source, "rate", None) for source in sources}
    rates = {name: round(float(rate), 2) for name, rate in stated.items() if rate}
    if not rates or max(rates.values()) <= ALIKE * min(rates.values()):
        return []
    listed = ", ".join(f"{name} {rate:g}" for name, rate in rates.items())
    text = f"the files have different numbers of frames a second ({listed}); choose a --sample-rate that all have"
    return [SourceWarning("different_rates", text)]


def _in_session(warning: SourceWarning, part: Part) -> SourceWarning:
    """A file's warning at the session's time; its own clock is not the session's."""
    time = None if warning.time is None else warning.time + float(part.start)
    return SourceWarning(warning.code, warning.text, time)


def _rounded(starts: Sequence[Fraction], interval: Fraction) -> list[Fraction]:
    """The starts at whole intervals, ascending."""
    begins: list[Fraction] = []
    for start in starts:
        begin = round(start / interval) * interval
        begins.append(max(begin, begins[-1] + interval) if begins else begin)
    return begins


def _common(lengths: Sequence[Fraction]) -> Fraction:
    """The longest length of which all `lengths` are multiples."""
    common = lengths[0]
    for length in lengths[1:]:
        common = Fraction(
            math.gcd(common.numerator * length.denominator, length.numerator * common.denominator),
            common.denominator * length.denominator,
        )
    return common


def _span(seconds: Fraction) -> str:
    return str(timedelta(seconds=round(seconds)))
