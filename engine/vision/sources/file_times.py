"""Where the time of a session is in its file, by the file's own clock."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple, Protocol, Self


class Timed(Protocol):
    """A warning about a source, as it gives it or as it is stored."""

    @property
    def time(self) -> float | None:
        """Session time, s; None for a warning about the whole session."""

    @property
    def file_time(self) -> float | None:
        """What the file's own clock shows there, s; None for a warning about anything else."""


class FileTimes(NamedTuple):
    """Session times, ascending, from each of which session and file run alike, and the file's times there (s).

    The first is where the session begins, the others are where the file's clock goes back or jumps.
    """

    sections: tuple[tuple[float, float], ...]

    @classmethod
    def of(cls, start_pts: int, time_base: Fraction, warnings: Iterable[Timed]) -> Self:
        """Those of a session that begins at `start_pts` of the file's clock, with these warnings."""
        later = [
            (warning.time, warning.file_time)
            for warning in warnings
            if warning.time is not None and warning.file_time is not None
        ]
        return cls(((0.0, float(start_pts * time_base)), *sorted(later)))

    def file_time(self, time: float) -> float:
        """What the file's clock shows at `time` of the session, s."""
        begin, of_file = self.sections[max(bisect_right(self.sections, (time, float("inf"))) - 1, 0)]
        return of_file + time - begin

    def ends(self, section: int) -> float:
        """Where a section ends by the file's clock, s; infinite for the last one."""
        if section + 1 >= len(self.sections):
            return float("inf")
        begin, of_file = self.sections[section]
        return of_file + self.sections[section + 1][0] - begin
