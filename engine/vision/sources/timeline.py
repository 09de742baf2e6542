"""Session time of a file whose own clock goes back or jumps, as that of a recorder does that was restarted or set.

The map from the file's timestamps to the session's has its home here. It is made from the timestamps of all
packets, which are read without decoding, before any frame is given out: so it is the same in every process,
wherever reading starts. Timestamps of frames are on the session's clock; the rows of `warnings` with a
`file_time` are this map.
"""

from __future__ import annotations

import dataclasses
import math
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from heapq import heappush, heappushpop
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream

from engine.settings import MAX_GAP
from engine.times import format_time
from engine.vision.sources.containers import packets_of
from engine.vision.sources.protocol import SourceWarning

if TYPE_CHECKING:
    from av.index import IndexEntry

Clock = Literal["pts", "dts"]

#: Frame intervals by which the time of a keyframe may go back: what is before it in the file is shown before it.
BACK_OF_KEYFRAME = 0.5
#: Frames that any codec shows after one that is behind them in the file (ITU-T H.264, A.3.1, and H.265, A.4).
MOST_REORDERED = 16
#: Packets from which the interval of frames is estimated.
INTERVAL_PACKETS = 200
#: By how much a gap of decoding times may differ from that of presentation times, s.
REORDERED = 2.0
#: Seconds by which headers may be wrong of what is all there.
CLAIM_SLACK = 0.5
#: Containers of which FFmpeg stops reading where files were joined, in Matroska after the second one; and which
#: share of a whole file may lie behind its last packet.
CHAINED, LARGEST_TAIL = ("matroska,webm", "flv", "nut"), 0.1
#: Containers whose timestamps have 33 bits; FFmpeg goes on counting where they begin again at 0.
WRAPPING, WRAP = ("mpegts", "mpeg"), 2**33


@dataclass(frozen=True, slots=True)
class Discontinuity:
    """Where the file's clock goes back or jumps; in ticks of the stream's time base."""

    file_before: int
    """What the file's own clock shows at the last frame before it."""
    file_after: int
    """The same at the first frame after it."""
    pts: int
    """The session's timestamp of that frame."""
    shift: int
    """To be added to the file's timestamps of frames after it."""

    @property
    def goes_back(self) -> bool:
        """Whether the file's clock shows less after it; else it jumps forward."""
        return self.file_after < self.file_before


@dataclass(frozen=True, slots=True)
class Part:
    """Packets among which timestamps tell the order of frames: the file's clock does not go back in it."""

    packet: int = 0
    """Packets of the stream before it, in the order of the file."""
    boundaries: tuple[int, ...] = ()
    """Timestamps in its gaps that are left out, ascending."""
    shifts: tuple[int, ...] = (0,)
    """To be added to timestamps before, between and after the boundaries."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """How the timestamps of a file become those of its session."""

    discontinuities: tuple[Discontinuity, ...] = ()
    """In the order of the file, and of the session."""
    parts: tuple[Part, ...] = (Part(),)
    gaps: tuple[tuple[int, int], ...] = ()
    """Timestamps between which the session has no frame, for longer than `MAX_GAP`."""
    end: int | None = None
    """The session's timestamp one frame after the last one; None if it is not known."""
    reached: float = math.inf
    """Where the last packet of all streams ends, s by the file's clock; infinite where the index lists all."""
    unread: float = 0.0
    """Share of the file behind its last packet."""
    strays: frozenset[int] = frozenset()
    """Packets, by their number in the file, whose timestamps are far from those of their neighbours: they are not
    taken for a clock that jumps, but have none."""

    @property
    def in_order(self) -> bool:
        """Whether timestamps alone tell what follows what, so that the file can be searched by them."""
        return len(self.parts) == 1 and not self.strays

    def file_pts(self, pts: int) -> int:
        """The file's timestamp of what is at `pts` in the session."""
        place = bisect_right([each.pts for each in self.discontinuities], pts)
        return pts - self.discontinuities[place - 1].shift if place else pts

    def is_gap(self, start: int, stop: int) -> bool:
        """Whether all from the session's timestamp `start` up to `stop` lies in one of the `gaps`."""
        return any(begin <= start and stop <= end for begin, end in self.gaps)

    def warnings(
        self, path: Path, start_pts: int, time_base: Fraction, *, joined: bool = False
    ) -> list[SourceWarning]:
        """A warning for each discontinuity, with its session time and the file's own, and for what is not read.

        `joined` is whether the file is several mp4 files.
        """
        times = [float((each.pts - start_pts) * time_base) for each in self.discontinuities]
        warnings = [_warning(*each, path, time_base) for each in zip(self.discontinuities, times, strict=True)]
        unread = f"{self.unread:.0%} of the file, at its end, is not read as video"
        if joined:
            unread = "several recordings joined as bytes, of which only the first is sure to be read"
        elif self.unread <= LARGEST_TAIL:
            return warnings
        remedy = "join recordings with a program that writes them anew"
        return [*warnings, SourceWarning("unread", f"{path}: {unread}; {remedy}")]

    def duration(self, claimed: float | None, start_pts: int, time_base: Fraction) -> float | None:
        """How long the picture lasts from `start_pts` on, s; for a file that breaks off, the `claimed` duration.

        Sound, a held last frame, or a start that is not 0 may make a file claim more than there is of the picture.
        """
        if self.end is None:
            return claimed
        picture = float((self.end - start_pts) * time_base)
        if claimed is None or self.discontinuities:
            return picture
        is_whole = self.reached >= claimed - CLAIM_SLACK
        return picture if is_whole and abs(picture - claimed) > CLAIM_SLACK else claimed


def _warning(each: Discontinuity, time: float, path: Path, time_base: Fraction) -> SourceWarning:
    before, after = float(each.file_before * time_base), float(each.file_after * time_base)
    clocks = f"from {format_time(before)} to {format_time(after)}, after {format_time(time)} of picture"
    if each.goes_back:
        text = f"its clock goes back {clocks}; the session's goes on (for two sessions, cut the file there)"
        return SourceWarning("clock_back", f"{path}: {text}", time, after)
    text = f"its clock jumps {clocks}, which leaves the gap out (to keep it: --keep-gaps)"
    return SourceWarning("clock_jump", f"{path}: {text}", time, after)


class Placing:
    """Gives the packets of one reading their timestamps in the session, in the order of the file.

    Where timestamps alone do not tell the order, reading must start with the first packet.
    """

    def __init__(self, timeline: Timeline, clock: Clock) -> None:
        self._parts, self._strays = timeline.parts, timeline.strays
        self._clock = clock
        self._part, self._packets = 0, 0

    def place(self, packet: Packet[VideoStream]) -> bool:
        """Shift the packet's timestamps; returns whether it is the first one after a clock that went back."""
        following = self._part + 1
        begins = following < len(self._parts) and self._packets >= self._parts[following].packet
        self._part += begins
        if self._packets in self._strays:
            packet.pts = packet.dts = None
        self._packets += 1
        part = self._parts[self._part]
        time: int | None = getattr(packet, self._clock)
        shift = part.shifts[0 if time is None else bisect_right(part.boundaries, time)]
        if shift:
            packet.pts = None if packet.pts is None else packet.pts + shift
            packet.dts = None if packet.dts is None else packet.dts + shift
        return begins


class _Packets(NamedTuple):
    """What a file says of the packets of its video stream, in their order."""

    ticks: npt.NDArray[np.int64]
    """Timestamps, of those packets that have one and are shown."""
    number: npt.NDArray[np.int64]
    """The place of each among all packets of the stream."""
    keyframe: npt.NDArray[np.bool_]
    reached: float
    unread: float
    """See `Timeline`."""


def indexed_timeline(
    index: Iterable[IndexEntry] | None, start_pts: int, time_base: Fraction, max_gap: float | None
) -> Timeline | None:
    """The timeline of a stream whose `index` lists all packets, without a discontinuity; None if that is not so.

    The first frame is at `start_pts`; for `max_gap` see `read_timeline`. The index has decoding times, which for
    neighbours differ from presentation times by little.
    """
    ticks = np.array([entry.timestamp for entry in index or () if not entry.is_discard], np.int64)
    steps = np.diff(ticks)
    furthest = _furthest(time_base, max_gap) - float(REORDERED / time_base)
    if not len(ticks) or steps.min(initial=0) < 0 or steps.max(initial=0) > furthest:
        return None
    return Timeline(end=start_pts + int(ticks[-1] - ticks[0]) + _interval(ticks))


def read_timeline(
    container: InputContainer,
    stream: VideoStream,
    clock: Clock,
    max_gap: float | None,
    on_packet: Callable[[Packet[VideoStream]], None],
) -> Timeline:
    """The timeline of a stream of a file that was just opened; frames have the times of `clock`.

    Forward jumps of more than `max_gap` (s) are left out, all but a frame's interval; with None they are `gaps`.
    Reads the whole file without decoding; `on_packet` is called with every packet of the stream.
    """
    time_base = stream.time_base
    assert time_base is not None  # every stream that decodes has one
    packets = _read(container, stream, clock, on_packet)
    if not len(packets.ticks):
        return Timeline(reached=packets.reached)
    furthest = _furthest(time_base, max_gap)
    packets, strays = _without_strays(packets, furthest)
    wrap = WRAP if container.format.name in WRAPPING else None
    return dataclasses.replace(_joined(packets, furthest, wrap, keep_gaps=max_gap is None), strays=strays)


def _furthest(time_base: Fraction, max_gap: float | None) -> float:
    """How far the clock may go on between two frames, ticks."""
    return float((MAX_GAP if max_gap is None else max_gap) / time_base)


def _read(
    container: InputContainer, stream: VideoStream, clock: Clock, on_packet: Callable[[Packet[VideoStream]], None]
) -> _Packets:
    ticks: list[int] = []
    number: list[int] = []
    keyframe: list[bool] = []
    count, reached, place = 0, 0.0, 0
    packets = packets_of(container)
    while True:
        try:
            packet = next(packets, None)
        except FFmpegError:  # cut off or garbled; reading ends there, too
            packet = None
        if packet is None:
            break
        time = packet.dts if packet.pts is None else packet.pts
        if time is not None and packet.time_base is not None:
            reached = max(reached, float((time + (packet.duration or 0)) * packet.time_base))
        place = max(place, (packet.pos or 0) + packet.size)
        if packet.stream.index == stream.index:
            on_packet(packet)
            shown: int | None = getattr(packet, clock)
            if shown is not None and not packet.is_discard:
                ticks.append(shown)
                number.append(count)
                keyframe.append(packet.is_keyframe)
            count += 1
    unread = 1 - place / container.size if container.format.name in CHAINED and container.size > 0 else 0.0
    return _Packets(
        np.array(ticks, np.int64), np.array(number, np.int64), np.array(keyframe, np.bool_), reached, unread
    )


def _without_strays(packets: _Packets, furthest: float) -> tuple[_Packets, frozenset[int]]:
    """The packets without those whose clock is far from that of all neighbours, which agree; and their numbers."""
    if len(packets.ticks) < 3:
        return packets, frozenset()
    ticks = np.pad(packets.ticks.astype(np.float64), 2, constant_values=np.inf)
    here, before, after = ticks[2:-2], ticks[1:-3], ticks[3:-1]
    # The second neighbours are near where frames are reordered over a pause.
    neighbours = np.stack([ticks[:-4], before, after, ticks[4:]])
    agree = np.isfinite(before) & np.isfinite(after)
    agree[agree] = np.abs(after[agree] - before[agree]) <= furthest
    stray = agree & (np.abs(neighbours - here) > furthest).all(axis=0)
    for place in np.flatnonzero(stray):
        stray[place] = not _is_reordered(packets.ticks, int(place))
    kept = {name: getattr(packets, name)[~stray] for name in ("ticks", "number", "keyframe")}
    return packets._replace(**kept), frozenset(packets.number[stray].tolist())


def _is_reordered(ticks: npt.NDArray[np.int64], place: int) -> bool:
    """Whether a packet is one of some near it in the file, of which others show frames after a pause or jump.

    The same time again is not: that is what a broken clock says.
    """
    around = ticks[max(place - MOST_REORDERED, 0) : place + MOST_REORDERED + 1]
    away = np.abs(around - ticks[place])
    return bool(((away > 0) & (away <= MOST_REORDERED * _interval(around))).any())


def _part_starts(packets: _Packets, furthest: float) -> list[int]:
    """The packets, by place, before which the clock goes back; and 0."""
    interval = _interval(packets.ticks[:INTERVAL_PACKETS])
    early, far = BACK_OF_KEYFRAME * interval, furthest + MOST_REORDERED * interval
    starts, latest = [0], int(packets.ticks[0])
    largest: list[int] = []  # timestamps so far, a heap
    for place, (ticks, keyframe) in enumerate(zip(packets.ticks.tolist(), packets.keyframe.tolist(), strict=True)):
        reordered = len(largest) <= MOST_REORDERED or ticks > largest[0]
        if reordered and latest - ticks > far:  # over a pause, if what follows is behind it again
            following = packets.ticks[place : place + MOST_REORDERED + 1].max()
            reordered = bool(following > latest - MOST_REORDERED * interval)
        if latest - ticks > early if keyframe else not reordered:
            starts.append(place)
            latest, largest = ticks, []
        latest = max(latest, ticks)
        if len(largest) <= MOST_REORDERED:
            heappush(largest, ticks)
        else:
            heappushpop(largest, ticks)
    return starts


def _joined(packets: _Packets, furthest: float, wrap: int | None, *, keep_gaps: bool) -> Timeline:
    """Each part, and what follows a jump of more than `furthest` ticks, one frame after what is before it.

    With `keep_gaps`, what follows a jump is where its own time says.
    """
    starts = _part_starts(packets, furthest)
    usual = _interval(packets.ticks[:INTERVAL_PACKETS])
    parts, discontinuities, gaps = [], [], []
    shift = last = end = 0
    for place, stop in zip(starts, [*starts[1:], len(packets.ticks)], strict=True):
        ticks = np.sort(packets.ticks[place:stop])
        interval = _interval(ticks) if len(ticks) > 1 else usual
        # In footage with a picture every few minutes no pause is a jump.
        jumps = 1 + np.flatnonzero(np.diff(ticks) > max(furthest, 2 * interval))
        boundaries, shifts = [], []
        for first, stops in zip([0, *jumps.tolist()], [*jumps.tolist(), len(ticks)], strict=True):
            begin = int(ticks[first])
            before, after = (last, begin) if wrap is None else (last % wrap, begin % wrap)
            if first and keep_gaps and after > before:
                gaps.append((end, begin + shift))
            elif place or first:
                shift = end - begin
                discontinuities.append(Discontinuity(before, after, end, shift))
            if first:
                boundaries.append((last + begin + 1) // 2)
            shifts.append(shift)
            last = int(ticks[stops - 1])
            end = last + shift + interval
        parts.append(Part(int(packets.number[place]) if place else 0, tuple(boundaries), tuple(shifts)))
    return Timeline(tuple(discontinuities), tuple(parts), tuple(gaps), end, packets.reached, packets.unread)


def _interval(ticks: npt.NDArray[np.int64]) -> int:
    """The usual interval of frames, ticks; at least 1."""
    steps = np.diff(np.sort(ticks[-INTERVAL_PACKETS:]))
    steps = steps[steps > 0]
    return max(int(np.median(steps)), 1) if len(steps) else 1
