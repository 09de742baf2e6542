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
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from heapq import heappush, heappushpop
from pathlib import Path
from typing import Literal, NamedTuple

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

Clock = Literal["pts", "dts"]

#: Frame intervals by which the time of a keyframe must go back: what is before it in the file is shown before it.
BACK_OF_KEYFRAME = 2
#: Frames that any codec shows after one that is behind them in the file (ITU-T H.264, A.3.1, and H.265, A.4).
MOST_REORDERED = 16
#: Packets from which the interval of frames is estimated.
INTERVAL_PACKETS = 200
#: By how much a gap of decoding times may differ from that of presentation times, s.
REORDERED = 2.0
#: Seconds by which headers may be wrong of what is all there.
CLAIM_SLACK = 0.5
#: Containers of which FFmpeg reads two that were joined as bytes, but no third; and how much of such a file may lie
#: behind the last packet (its index).
CHAINED, LARGEST_TAIL = ("matroska,webm",), 0.1
#: Containers whose timestamps have 33 bits; FFmpeg goes on counting where they begin again at 0.
WRAPPING, WRAP = ("mpegts", "mpeg"), 2**33


@dataclass(frozen=True, slots=True)
class Discontinuity:
    """Where the file's clock goes back or jumps; in ticks of the stream's time base."""

    packet: int
    """Packets of the stream before it, in the order of the file."""
    boundary: int
    """Between the timestamps before it and those after it, where all of the file's increase."""
    file_before: int
    """What the file's own clock shows at the last frame before it."""
    file_after: int
    """The same at the first frame after it."""
    pts: int
    """The session's timestamp of that frame."""
    shift: int
    """To be added to timestamps of packets after it."""

    @property
    def goes_back(self) -> bool:
        """Whether the file's clock shows less after it; else it jumps forward."""
        return self.file_after < self.file_before


@dataclass(frozen=True, slots=True)
class Timeline:
    """How the timestamps of a file become those of its session."""

    discontinuities: tuple[Discontinuity, ...] = ()
    """In the order of the file, and of the session."""
    in_order: bool = True
    """Whether later frames of the file have larger timestamps throughout, so that it can be searched by them."""
    gaps: tuple[tuple[int, int], ...] = ()
    """Timestamps between which the session has no frame, for longer than `MAX_GAP`."""
    end: int | None = None
    """The session's timestamp one frame after the last one; None if it is not known."""
    reached: float = math.inf
    """Where the last packet of all streams ends, s by the file's clock; infinite where the index lists all."""
    unread: float = 0.0
    """Share of the file behind its last packet."""
    strays: frozenset[int] = frozenset()
    """Packets of the stream, in the order of the file, whose timestamps are far from those of both neighbours: they
    are not taken for a clock that jumps, but have none."""

    def file_pts(self, pts: int) -> int:
        """The file's timestamp of what is at `pts` in the session."""
        place = bisect_right([each.pts for each in self.discontinuities], pts)
        return pts - self.discontinuities[place - 1].shift if place else pts

    def is_gap(self, start: int, stop: int) -> bool:
        """Whether all from the session's timestamp `start` up to `stop` lies in one of the `gaps`."""
        return any(begin <= start and stop <= end for begin, end in self.gaps)

    def warnings(self, path: Path, start_pts: int, time_base: Fraction) -> list[SourceWarning]:
        """A warning for each discontinuity, with its session time and the file's own, and for what is not read."""
        times = [float((each.pts - start_pts) * time_base) for each in self.discontinuities]
        warnings = [self._warning(*each, path, time_base) for each in zip(self.discontinuities, times, strict=True)]
        if self.unread > LARGEST_TAIL:
            text = (
                f"{path}: {self.unread:.0%} of the file, at its end, is not read as video; join recordings with a"
            )
            warnings.append(SourceWarning("unread", f"{text} program that writes them anew"))
        return warnings

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

    @staticmethod
    def _warning(each: Discontinuity, time: float, path: Path, time_base: Fraction) -> SourceWarning:
        before, after = float(each.file_before * time_base), float(each.file_after * time_base)
        clocks = f"from {format_time(before)} to {format_time(after)}, at {format_time(time)} of the session"
        if each.goes_back:
            text = f"its clock goes back {clocks}; the session's goes on (for two sessions, cut the file there)"
            return SourceWarning("clock_back", f"{path}: {text}", time, after)
        text = f"its clock jumps {clocks}, which leaves the gap out (to keep it: --keep-gaps)"
        return SourceWarning("clock_jump", f"{path}: {text}", time, after)


class Placing:
    """Gives the packets of one reading their timestamps in the session, in the order of the file.

    Where the file's timestamps go back, reading must start with its first packet.
    """

    def __init__(self, timeline: Timeline) -> None:
        self._of = timeline.discontinuities
        self._keys = [each.boundary if timeline.in_order else each.packet for each in self._of]
        self._by_time = timeline.in_order
        self._strays = timeline.strays
        self._passed, self._packets = 0, 0

    def place(self, packet: Packet[VideoStream]) -> bool:
        """Shift the packet's timestamps; returns whether it is the first one after a clock that went back."""
        if self._packets in self._strays:
            packet.pts = packet.dts = None
        if not self._of:
            self._packets += 1
            return False
        before = self._passed
        key = (packet.dts if packet.pts is None else packet.pts) if self._by_time else self._packets
        if key is not None:
            self._passed = bisect_right(self._keys, key)
        self._packets += 1
        if not self._passed:
            return False
        discontinuity = self._of[self._passed - 1]
        if packet.pts is not None:
            packet.pts += discontinuity.shift
        if packet.dts is not None:
            packet.dts += discontinuity.shift
        return self._passed > before and discontinuity.goes_back and self._packets > 1


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


def read_timeline(
    container: InputContainer, stream: VideoStream, clock: Clock, start_pts: int, max_gap: float | None
) -> Timeline:
    """The timeline of a stream of an open file, from its first packet; frames have the times of `clock`.

    The first frame is at `start_pts`. Forward jumps of more than `max_gap` (s) are left out, all but a frame's
    interval; with None they are `gaps`. Reads the index where that lists every packet, else the whole file, without
    decoding.
    """
    time_base = stream.time_base
    assert time_base is not None  # every stream that decodes has one
    furthest = float((MAX_GAP if max_gap is None else max_gap) / time_base)
    if (indexed := _indexed(stream, start_pts, furthest - float(REORDERED / time_base))) is not None:
        return indexed
    packets = _read(container, stream, clock)
    if not len(packets.ticks):
        return Timeline(reached=packets.reached)
    packets, strays = _without_strays(packets, furthest)
    starts = _section_starts(packets, furthest)
    wrap = WRAP if container.format.name in WRAPPING else None
    timeline = _joined(packets, starts, wrap, keep_gaps=max_gap is None)
    # Strays are known by their number, so reading must begin with the first packet.
    return dataclasses.replace(timeline, strays=strays, in_order=timeline.in_order and not strays)


def _indexed(stream: VideoStream, start_pts: int, furthest: float) -> Timeline | None:
    """The timeline of a stream whose index lists all packets without a discontinuity, else None.

    It has decoding times, which for neighbours differ from presentation times by little.
    """
    entries = stream.index_entries
    if not stream.frames or len(entries) != stream.frames:
        return None
    ticks = np.array([entry.timestamp for entry in entries if not entry.is_discard], np.int64)
    steps = np.diff(ticks)
    if not len(ticks) or steps.min(initial=0) < 0 or steps.max(initial=0) > furthest:
        return None
    return Timeline(end=start_pts + int(ticks[-1] - ticks[0]) + _interval(ticks))


def _read(container: InputContainer, stream: VideoStream, clock: Clock) -> _Packets:
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
    """The packets without those whose clock is far from that of both neighbours, which agree; and their numbers."""
    ticks = packets.ticks
    before, here, after = ticks[:-2], ticks[1:-1], ticks[2:]
    far = (
        (np.abs(here - before) > furthest)
        & (np.abs(here - after) > furthest)
        & (np.abs(after - before) <= furthest)
    )
    stray = np.concatenate([[False], far, [False]]) if len(ticks) > 2 else np.zeros(len(ticks), np.bool_)
    if not stray.any():
        return packets, frozenset()
    kept = {name: getattr(packets, name)[~stray] for name in ("ticks", "number", "keyframe")}
    return packets._replace(**kept), frozenset(packets.number[stray].tolist())


def _section_starts(packets: _Packets, furthest: float) -> list[int]:
    """The packets, by place, before which the clock goes back, or jumps by more than `furthest` ticks; and 0."""
    early = BACK_OF_KEYFRAME * _interval(packets.ticks[:INTERVAL_PACKETS])
    starts, latest = [0], int(packets.ticks[0])
    largest: list[int] = []  # timestamps so far, a heap
    for place, (ticks, keyframe) in enumerate(zip(packets.ticks.tolist(), packets.keyframe.tolist(), strict=True)):
        reordered = len(largest) <= MOST_REORDERED or ticks > largest[0]
        if (latest - ticks >= early if keyframe else not reordered) or abs(ticks - latest) > furthest:
            starts.append(place)
            latest, largest = ticks, []
        latest = max(latest, ticks)
        if len(largest) <= MOST_REORDERED:
            heappush(largest, ticks)
        else:
            heappushpop(largest, ticks)
    return starts


def _joined(packets: _Packets, starts: Sequence[int], wrap: int | None, *, keep_gaps: bool) -> Timeline:
    """Each section one frame's interval after the one before it; after a jump its own, with `keep_gaps`."""
    discontinuities, gaps = [], []
    shift = last = end = 0
    in_order = True
    for place, stop in zip(starts, [*starts[1:], len(packets.ticks)], strict=True):
        section = packets.ticks[place:stop]
        first = int(section.min())
        before, after = (last, first) if wrap is None else (last % wrap, first % wrap)
        if place and keep_gaps and after > before:
            gaps.append((end, first + shift))
        elif place:
            shift = end - first
            in_order &= first > last
            number = int(packets.number[place])
            discontinuities.append(Discontinuity(number, (last + first + 1) // 2, before, after, end, shift))
        last = int(section.max())
        end = last + shift + _interval(section if len(section) > 1 else packets.ticks[:INTERVAL_PACKETS])
    return Timeline(tuple(discontinuities), in_order, tuple(gaps), end, packets.reached, packets.unread)


def _interval(ticks: npt.NDArray[np.int64]) -> int:
    """The usual interval of frames, ticks; at least 1."""
    steps = np.diff(np.sort(ticks[-INTERVAL_PACKETS:]))
    steps = steps[steps > 0]
    return max(int(np.median(steps)), 1) if len(steps) else 1
