"""Frames of two fields, taken one after the other: each becomes the whole picture at the time of its first field.

The method is FFmpeg's bwdif: where the picture stands still both fields are kept, where it moves the lines of the
second one are interpolated (BBC R&D, WHP 057). A picture depends on its own frame and the two beside it alone, so
it is the same from wherever reading starts.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from av.filter import Graph
from av.video.frame import VideoFrame

#: One picture a frame, in the order of fields that the frame states.
_BWDIF = "mode=send_frame:parity=auto:deint=all"


class Neighbours(NamedTuple):
    """A frame with its ticks, and those before and after it; None at both ends of a recording."""

    before: VideoFrame | None
    ticks: int
    frame: VideoFrame
    after: VideoFrame | None


def alone(frames: Iterator[tuple[int, VideoFrame]]) -> Iterator[Neighbours]:
    """Each frame without its neighbours, as soon as it comes."""
    for ticks, frame in frames:
        yield Neighbours(None, ticks, frame, None)


def with_neighbours(frames: Iterator[tuple[int, VideoFrame]]) -> Iterator[Neighbours]:
    """Each frame with its neighbours, when the next one has come."""
    before, current = None, next(frames, None)
    while current is not None:
        after = next(frames, None)
        yield Neighbours(before, *current, after[1] if after else None)
        before, current = current[1], after


def deinterlaced(of: Neighbours) -> VideoFrame:
    """The picture of an interlaced frame at the time of its first field."""
    frame = of.frame
    before, after = ((side if side is not None and _alike(side, frame) else None) for side in (of.before, of.after))
    graph = Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base or Fraction(1, 25)
    )
    graph.link_nodes(source, graph.add("bwdif", _BWDIF), graph.add("buffersink")).configure()
    for pushed in (before, frame, after):
        if pushed is not None:
            graph.vpush(pushed)
    graph.vpush(None)
    if before is not None:
        graph.vpull()
    return graph.vpull()


def _alike(one: VideoFrame, other: VideoFrame) -> bool:
    return (one.width, one.height, one.format.name) == (other.width, other.height, other.format.name)
