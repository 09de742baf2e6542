"""Frames of a video file with their true timestamps, the same ones from wherever reading starts."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from fractions import Fraction
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import Self
from weakref import WeakSet

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from engine.errors import SourceError
from engine.settings import Settings
from engine.vision.sources.containers import index_of, is_joined_mp4, open_recording, packets_of
from engine.vision.sources.fields import Neighbours, alone, with_neighbours
from engine.vision.sources.geometry import Image
from engine.vision.sources.packets import SkippablePackets
from engine.vision.sources.picture import Picture, PixelShapes
from engine.vision.sources.protocol import Frame, SourceWarning, bucket_of, checked_rate
from engine.vision.sources.sizes import Sizes, may_change
from engine.vision.sources.streams import choose_stream
from engine.vision.sources.timeline import Clock, Placing, Timeline, indexed_timeline, read_timeline

#: Containers that store presentation times and an index of their keyframes. In all others a seek may land anywhere,
#: or where the clock was reset, so they are decoded from their start.
INDEXED = {"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"}
#: How far before the wanted time to seek, s: further back each time that a seek landed too late.
SEEK_BACK = (0, 10, 60)
#: Where files say when they were recorded: Apple's cameras, all others.
CREATION_TAGS = ("com.apple.quicktime.creationdate", "creation_time")
#: Cameras whose clock was never set count from 1904, 1970 or 1980.
CLOCK_SET = 1990
#: Of them every fourth shows how bright the recording is.
EXPOSED = 4
#: Frames that show whether a stream's presentation times are usable: more than any codec reorders.
PROBE_FRAMES = 20


class Video:
    """A video file: a `FrameSource`.

    Raises SourceError where `path` is not a file (exit status 2) or nothing in it decodes (exit status 1). Of the
    settings, `stream`, `aspect` and `max_gap` change what it gives.
    """

    path: Path
    name: str
    width: int
    """Of the upright image in square pixels, px."""
    height: int
    time_base: Fraction
    """Seconds a tick."""
    start_pts: int
    """The file's timestamp of the first frame that decodes; session time 0."""
    duration: float | None
    """Seconds of the picture, and of what the header claims beyond where the file breaks off; None if unknown."""
    recorded: datetime | None
    """When the recording began, according to its file; None without, or where the camera's clock was not set."""
    codec: str
    rate: Fraction | None
    """Frames a second on the average, as its header says; None if it does not."""
    seekable: bool
    """Whether reading from the middle starts near there; if not, everything before it is decoded too."""
    damaged: int
    """Packets and frames that the last `frames()` left out: they did not decode whole, or are `dropped` ones."""
    dropped: int
    """Frames among them whose timestamp did not increase."""
    warnings: list[SourceWarning]

    def __init__(self, path: str | PathLike[str], settings: Settings | None = None) -> None:
        settings = settings or Settings()
        self.path = Path(path)
        self.name = self.path.name
        if not self.path.exists():
            raise SourceError(f"{self.path}: no such file; check the path", exit_status=2)
        if not self.path.is_file():
            raise SourceError(f"{self.path}: not a file; name one video file", exit_status=2)
        if self.path.stat().st_size == 0:
            raise SourceError(f"{self.path}: the file is empty; copy the recording again")
        self.dropped = self.damaged = 0
        self._picture = Picture(self.path, None if settings.aspect is None else Fraction(*settings.aspect))
        self._timeline = Timeline()
        self._clock: Clock = "pts"
        self._readers: WeakSet[Generator[Frame]] = WeakSet()
        with self._file() as container:
            self._stream, self.warnings = choose_stream(container, self.path, settings.stream)
            stream = self._stream_of(container)
            # Before anything is read: reading may add to it.
            index = index_of(container, stream)
            frames = self._decode(container, stream)
            first = next(frames, None)
            if first is None or stream.time_base is None:
                raise SourceError(
                    f"{self.path}: no frame can be decoded; convert the file with another program first"
                )
            self._picture.begin(stream, first)
            probed = [first, *islice(frames, PROBE_FRAMES - 1)]
            self._picture.expose(probed[::EXPOSED])
            self._interlaced = any(frame.interlaced_frame for frame in probed)
            increasing = first.pts is not None and all(map(_goes_on, probed, probed[1:]))
            # AVI and raw streams have no presentation times, and what is returned as such is in decoding order.
            # The decoding time of the packet that released a frame then keeps the right pace.
            self._clock = "pts" if increasing else "dts"
            self.time_base = stream.time_base
            self.start_pts = getattr(first, self._clock) or 0
            self.codec = stream.codec_context.name
            self.rate = stream.average_rate
            claimed = _claimed_duration(container, stream)
            self.recorded = _recorded(container, stream)
            in_place = increasing and container.format.name in INDEXED
            timeline = indexed_timeline(index, self.start_pts, self.time_base, settings.max_gap)
            one_size = not may_change(stream, index, self.path)
        if not (timeline and one_size):
            read = self._read_packets(settings.max_gap)
            timeline = timeline or read
        self._timeline = timeline
        self.width, self.height = self._picture.size
        self.warnings += self._picture.warnings
        self.seekable = in_place and self._timeline.in_order
        self.duration = self._timeline.duration(claimed, self.start_pts, self.time_base)
        joined = is_joined_mp4(self.path)
        self.warnings += self._timeline.warnings(self.path, self.start_pts, self.time_base, joined=joined)

    def _read_packets(self, max_gap: float | None) -> Timeline:
        """The timeline from all packets of the file, in which frames of other sizes are made room for."""
        with self._open() as (container, stream):
            sizes = Sizes(stream)

            def make_room(packet: Packet[VideoStream]) -> None:
                for frame in sizes.frames_of(packet):
                    self._picture.make_room(frame, stream)

            return read_timeline(container, stream, self._clock, max_gap, make_room)

    @staticmethod
    def accepts(location: str) -> bool:
        """Whether it is not a folder: errors about a file that is missing are this class's, too."""
        return not Path(location).is_dir()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End every reader that is still open; the file is not open between readers."""
        for reader in list(self._readers):
            reader.close()

    def fingerprint(self) -> str:
        """SHA-256 of the file's bytes."""
        return fingerprint(self.path)

    def frames(self, sample_rate: float | None, start: float = 0.0, stop: float | None = None) -> Generator[Frame]:
        """Frames with start <= time < stop (s), in order of time.

        With a `sample_rate` the first frame of each bucket floor(time * sample_rate) is sampled, else
        every frame. The sample does not depend on `start` and `stop`: the frames of adjoining spans are
        together those of the whole (frames that refer to damaged ones aside, which the decoder may conceal
        differently). Damaged packets are skipped, and footage that breaks off just ends; `dropped` and `damaged`
        count what was left out.
        """
        reader = self._sample(checked_rate(sample_rate), start, stop)
        self._readers.add(reader)
        return reader

    def _sample(self, rate: Fraction | None, start: float, stop: float | None) -> Generator[Frame]:
        if stop is not None and self._timeline.is_gap(self._pts(start), self._pts(stop)):
            return
        # The bucket that holds `start` may have begun before it.
        first = math.floor(Fraction(start) / self.time_base) if rate is None else bucket_of(Fraction(start), rate)
        fields = self._interlaced
        skips = rate is not None and self.seekable and not fields
        skippable = SkippablePackets(rate * self.time_base) if rate is not None and skips else None
        missed: int | None = first
        while missed is not None:
            missed = yield from self._first_of_buckets(rate, missed, (start, stop), skippable, fields)
            # From there on every frame is decoded: damage, where the first that is whole must be found, or fields.
            fields, skippable = self._interlaced, None

    def _pts(self, time: float) -> int:
        return self.start_pts + math.ceil(Fraction(time) / self.time_base)

    def _first_of_buckets(
        self,
        rate: Fraction | None,
        first: int,
        span: tuple[float, float | None],
        skippable: SkippablePackets | None,
        fields: bool,
    ) -> Generator[Frame, None, int | None]:
        """The frames of the buckets from `first` on; returns the first one whose frame may not be the right one.

        Interlaced frames are right with `fields` alone.
        """
        start, stop = span
        last_bucket = first - 1
        needed = first if rate is None else math.floor(first / rate / self.time_base)
        # The first frame's picture depends on the one before it.
        with closing(self._timed(needed - fields, skippable)) as frames:
            for pictured in with_neighbours(frames) if fields else alone(frames):
                ticks, frame = pictured.ticks, pictured.frame
                exact = ticks * self.time_base
                time = float(exact)
                bucket = ticks if rate is None else bucket_of(exact, rate)
                if bucket > last_bucket and skippable:
                    missed = skippable.first_missed(last_bucket, bucket, ticks)
                    if missed is not None:
                        return missed
                if stop is not None and time >= stop:
                    return None
                if bucket > last_bucket:
                    if frame.interlaced_frame and not fields:
                        self._interlaced = True
                        return bucket
                    if time >= start:
                        image = self._image(pictured)
                        if image is None:
                            continue
                        yield Frame(self.start_pts + ticks, time, image)
                    last_bucket = bucket
        return skippable.first_missed(last_bucket) if skippable else None

    def _image(self, pictured: Neighbours) -> Image | None:
        """The picture of a frame; None, and counted as damaged, where its colours are of no kind that there is."""
        try:
            return self._picture.image(pictured)
        except FFmpegError:
            self.damaged += 1
            return None

    def _timed(self, needed: int, skippable: SkippablePackets | None) -> Generator[tuple[int, VideoFrame]]:
        """Frames with their ticks since the start, increasing; from `needed` on without `skippable` ones only."""
        last, after = -1, 0
        with closing(self._from(needed, skippable)) as frames:
            for frame in frames:
                pts: int | None = getattr(frame, self._clock)
                # Where the time is missing (raw streams, the last frames by decoding time), one frame on.
                ticks = after if pts is None else pts - self.start_pts
                if ticks <= last:
                    self.dropped += 1
                    self.damaged += 1
                    continue
                last, after = ticks, ticks + max(frame.duration, 1)
                yield ticks, frame

    def _from(self, needed: int, skippable: SkippablePackets | None) -> Generator[VideoFrame]:
        """Decoded frames, from a keyframe at or before `needed` ticks where the container can seek."""
        for back in SEEK_BACK if self.seekable else ():
            target = needed - math.ceil(back / self.time_base)
            if target <= 0:
                break
            self.dropped = self.damaged = 0
            with self._open() as (container, stream):
                try:
                    container.seek(self._timeline.file_pts(self.start_pts + target), stream=stream)
                except FFmpegError:  # no index as far as that
                    break
                frames = self._decode(container, stream, skippable)
                # Frames before the first keyframe may refer to some that were not decoded.
                latest = self.start_pts + needed
                landed = next((f for f in frames if f.key_frame or f.pts is None or f.pts > latest), None)
                if landed is not None and landed.pts is not None and landed.pts <= latest:
                    yield landed
                    yield from frames
                    return
        self.dropped = self.damaged = 0
        with self._open() as (container, stream):
            yield from self._decode(container, stream, skippable)

    def _decode(
        self, container: InputContainer, stream: VideoStream, skippable: SkippablePackets | None = None
    ) -> Iterator[VideoFrame]:
        packets = packets_of(container, stream)
        placing = Placing(self._timeline, self._clock)
        shapes = self._picture.pixel_shapes()
        unseen: list[int] = []  # timestamps of packets after a flush, until a frame of them decodes
        flushed = False
        while True:
            try:
                packet = next(packets, None)
            except FFmpegError:  # cut off or garbled; that looks like an I/O error in some containers
                self.damaged += 1
                packet = None
            if packet and placing.place(packet):  # what follows refers to nothing before it
                yield from self._intact(stream, None, shapes)
                stream.codec_context.flush_buffers()
                unseen, flushed = [], True
            if skippable and packet and packet.pts is not None:
                skip = skippable.skips(packet.pts - self.start_pts)
                # Takes effect on frames that no other refers to; all others are decoded all the same.
                stream.codec_context.skip_frame = "NONREF" if skip else "DEFAULT"
            frames = self._intact(stream, packet, shapes)
            if flushed:
                if packet and packet.pts is not None:
                    unseen.append(packet.pts)
                # What refers to frames before the flush is left out by the decoder without a word.
                first = next((frame.pts for frame in frames if frame.pts is not None), None)
                if first is not None or packet is None:
                    self.damaged += sum(first is None or pts < first for pts in unseen)
                    flushed = False
            yield from frames
            if packet is None:
                return

    def _intact(
        self, stream: VideoStream, packet: Packet[VideoStream] | None, shapes: PixelShapes | None
    ) -> list[VideoFrame]:
        """What decodes whole with a packet, or as the rest with None."""
        try:
            frames = stream.codec_context.decode(packet)
        except EOFError:  # drained by demux's own last packet
            return []
        except FFmpegError:
            self.damaged += 1
            return []
        intact = [frame for frame in frames if not frame.is_corrupt]
        self.damaged += len(frames) - len(intact)
        if shapes:
            shapes.mark(intact, stream.codec_context.sample_aspect_ratio, packet.pts if packet else None)
        return intact

    @contextmanager
    def _open(self) -> Iterator[tuple[InputContainer, VideoStream]]:
        with self._file() as container:
            yield container, self._stream_of(container)

    def _stream_of(self, container: InputContainer) -> VideoStream:
        """The chosen stream, ready to be decoded."""
        stream = container.streams[self._stream]
        if not isinstance(stream, VideoStream):
            raise SourceError(f"{self.path}: was changed while it was read; run the command again")
        # With several threads, damaged footage decodes to other frames, and fewer, depending on their number;
        # and every frame costs a fifth more CPU time.
        stream.codec_context.thread_count = 1
        return stream

    @contextmanager
    def _file(self) -> Iterator[InputContainer]:
        try:
            container = open_recording(self.path)
        except FFmpegError as error:
            raise SourceError(
                f"{self.path}: cannot be read as a video ({error.strerror}); convert it to mp4, or copy it again"
            ) from error
        with container:
            yield container


def fingerprint(path: str | PathLike[str]) -> str:
    """SHA-256 of the file's bytes as hexadecimal digits; SourceError (exit status 2) when it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}; check the path and its permissions", exit_status=2) from error


def _goes_on(frame: VideoFrame, following: VideoFrame) -> bool:
    """Whether time goes on as it must, or begins again with a keyframe."""
    if frame.pts is None or following.pts is None:
        return False
    return bool(frame.pts < following.pts or following.key_frame)


def _recorded(container: InputContainer, stream: VideoStream) -> datetime | None:
    tags = container.metadata, stream.metadata
    text = next((tag[name] for name in CREATION_TAGS for tag in tags if tag.get(name)), "")
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    time = time.replace(tzinfo=time.tzinfo or UTC).astimezone(UTC)
    return time if time.year >= CLOCK_SET else None


def _claimed_duration(container: InputContainer, stream: VideoStream) -> float | None:
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return None if container.duration is None else container.duration / av.time_base
