"""Writes an annotated video: the frames of the recording at their own times, its audio, H.264."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing
from fractions import Fraction
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.video.reformatter import ColorRange, Colorspace

from classpulse.report.annotating import Annotator, Blur
from classpulse.report.queries import Recorded
from engine.errors import SourceError, UsageError
from engine.outputs import output_file
from engine.settings import Settings
from engine.vision.sources.containers import open_recording
from engine.vision.sources.file_times import FileTimes
from engine.vision.sources.protocol import Frame, FrameSource
from engine.vision.sources.registry import open_source
from engine.vision.sources.streams import choose_stream
from engine.vision.sources.timeline import WRAP, WRAPPING
from storage.paths import path_of
from storage.queries import recordings

#: Audio codecs that are copied into the MP4; any other is encoded again.
COPIED = ("aac", "mp3", "ac3", "eac3", "alac", "opus")
#: The comment in the metadata of every annotated video, by which it may be replaced.
MARK = "annotated by classpulse"
#: Longest time that a picture stands in an MP4 as one frame, s: in a longer gap it is written again.
LONGEST_FRAME = 3600
#: By how much sound may be out of step with the picture where the recording's clock goes back or jumps, s.
OUT_OF_STEP = 0.5
#: Frames decoded in advance.
AHEAD = 8


def annotate(
    session: Recorded,
    output: Path,
    *,
    judgement: str | None = None,
    blur: Blur = "excluded",
    video: Path | None = None,
    start: float = 0.0,
    stop: float | None = None,
    on_progress: Callable[[float, float | None], None] | None = None,
) -> int:
    """Write the session's recording from `start` to `stop` (s) with boxes, labels, verdicts and the class drawn in.

    No face is detected again: all is drawn from stored rows. `video` is the recording's path, by default
    the analysed one. With `blur`, faces of all or of excluded students are blurred. `on_progress` receives
    the time and, if known, the end, s. Returns the number of frames written.

    Raises SourceError if the recording is missing or has other bytes, UsageError for an output that is not an MP4,
    that is in a missing folder, or that is a file other than an annotated video.
    """
    if output.suffix.lower() not in (".mp4", ".m4v", ".mov"):
        raise UsageError(f"{output}: an annotated video must be an .mp4; change the name of the output")
    annotator = Annotator(session, judgement, blur)
    path = video or path_of(annotator.row["source"])
    if not path.exists():
        raise SourceError(f"{path}: the recording no longer exists; give its path with --video", exit_status=2)
    refusal = "it is not an annotated video of classpulse, so choose another file with --output"
    settings = Settings.from_json(annotator.row["settings"])
    with open_source(path, settings) as source:
        if source.fingerprint() != annotator.row["sha256"]:
            raise SourceError(f"{path}: not the recording that was analysed; give its path with --video")
        with (
            output_file(
                output,
                recordings=lambda: (path, *recordings(session.database)),
                replaces=is_annotated,
                refusal=refusal,
            ) as written,
            av.open(str(written), "w", format="mp4") as target,
        ):
            target.metadata["comment"] = MARK
            rate = _rate(source, settings)
            return _write(source, target, annotator, (start, stop), rate, on_progress or _silent)


def is_annotated(path: Path) -> bool:
    """Whether the file at `path` is a video that `annotate` wrote."""
    try:
        with open_recording(path) as container:
            return container.metadata.get("comment") == MARK
    except (FFmpegError, OSError):
        return False


def _write(
    video: FrameSource,
    target: Any,
    annotator: Annotator,
    span: tuple[float, float | None],
    rate: Fraction,
    report_progress: Callable[[float, float | None], None],
) -> int:
    start, stop = span
    width, height = video.width // 2 * 2, video.height // 2 * 2  # H.264 halves them for its colours
    if not (width and height):
        raise SourceError(f"{video.path}: {video.width}x{video.height} px is too small for H.264")
    stream = target.add_stream("libx264", rate=rate, options={"preset": "veryfast", "crf": "21"})
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.time_base = stream.codec_context.time_base = video.time_base
    stream.codec_context.colorspace, stream.codec_context.color_range = Colorspace.ITU709, ColorRange.MPEG
    stream.codec_context.thread_count = 0
    end = stop if stop is not None else video.duration
    longest = round(LONGEST_FRAME / video.time_base)
    written = latest = 0
    image = None
    with ExitStack() as stack:
        audio = stack.enter_context(_Audio(video, target, start, stop))
        frames = stack.enter_context(closing(_ahead(video.frames(None, start, stop))))
        for frame in frames:
            pts = frame.pts - video.start_pts - round(start / video.time_base)
            while image is not None and pts - latest > longest:
                image.pts = latest = latest + longest
                target.mux(stream.encode(image))
            annotator.draw(frame.image, frame.time)
            image = av.VideoFrame.from_ndarray(frame.image[:height, :width], format="rgb24")
            image = image.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709)
            image.pts = latest = pts
            image.time_base = video.time_base
            target.mux(stream.encode(image))
            audio.until(frame.time - start)
            written += 1
            report_progress(frame.time, end)
        target.mux(stream.encode(None))
        audio.finish()
    return written


class _Audio:
    """The recording's first audio stream from `start` to `stop`, in step with the images; silence without one."""

    def __init__(self, video: FrameSource, target: Any, start: float, stop: float | None) -> None:
        self._target = target
        self._length = float("inf") if stop is None else stop - start
        self._source = _container(video.path)
        self._clock = _AudioClock(video, self._source, start)
        self._packets: Iterator[Any] = iter(())
        self._encoder: Any = None
        self._written = float("-inf")
        streams = self._source.streams.audio if self._source else ()
        stream = next((s for s in streams if s.codec_context is not None), None)
        if self._source and stream is not None:
            if stream.codec_context.name in COPIED:
                self._out: Any = target.add_stream_from_template(stream)
            else:
                self._out = self._encoder = target.add_stream("aac", rate=stream.codec_context.sample_rate)
            self._packets = self._source.demux(stream)
        self._next = self._following()

    def __enter__(self) -> _Audio:
        return self

    def __exit__(self, *error: object) -> None:
        if self._source:
            self._source.close()

    def until(self, time: float) -> None:
        """Write the audio up to `time` s of the output."""
        while self._next is not None:
            packet, begin = self._next
            if float(packet.dts * packet.time_base) - begin > time:
                return
            self._next = self._following()
            if self._encoder is not None:
                for samples in self._samples(packet, begin):
                    self._target.mux(self._encoder.encode(samples))
            elif self._is_due(packet, begin):
                shift = round(begin / packet.time_base)
                packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
                packet.stream = self._out
                self._target.mux(packet)

    def finish(self) -> None:
        """Write the remaining audio."""
        self.until(float("inf"))
        if self._encoder is not None:
            self._target.mux(self._encoder.encode(None))

    def _samples(self, packet: Any, begin: float) -> Iterator[Any]:
        try:
            decoded = packet.decode()
        except FFmpegError:  # damaged audio packets are skipped, as damaged video packets are
            return
        for samples in decoded:
            if samples.pts is not None and self._is_due(samples, begin):
                samples.pts -= round(begin / samples.time_base)
                yield samples

    def _following(self) -> tuple[Any, float] | None:
        """The next packet with a time, and what its clock shows where the output begins, s.

        None at the end, or at an unreadable packet.
        """
        try:
            packet = next((packet for packet in self._packets if packet.dts is not None), None)
        except FFmpegError:
            return None
        return None if packet is None else (packet, self._clock.begin(float(packet.dts * packet.time_base)))

    def _is_due(self, packet: Any, begin: float) -> bool:
        """Whether it lies in the output, after what was written: glued recordings may overlap a little."""
        time = float(packet.pts * packet.time_base) - begin
        later, self._written = time > self._written, max(time, self._written)
        return later and 0 <= time < self._length


class _AudioClock:
    """Follows the recording's clock, which may go back or jump, through its audio packets in the file's order."""

    def __init__(self, video: FrameSource, source: InputContainer | None, start: float) -> None:
        self._times = FileTimes.of(video.start_pts, video.time_base, video.warnings)
        self._wraps = source is not None and source.format.name in WRAPPING
        self._start, self._section, self._latest, self._turned = start, 0, float("-inf"), 0.0

    def begin(self, file_time: float) -> float:
        """What the clock would show where the output begins, s, if it had always gone as at the next packet."""
        went_back = file_time < self._latest - OUT_OF_STEP
        while went_back or file_time - self._turned > self._times.ends(self._section) + OUT_OF_STEP:
            if self._section + 1 == len(self._times.sections):
                break
            self._section, went_back = self._section + 1, False
            if self._wraps:  # FFmpeg goes on counting where the clock begins again at 0
                period = WRAP / 90_000
                self._turned = period * round((file_time - self._times.sections[self._section][1]) / period)
        self._latest = file_time
        time, shown = self._times.sections[self._section]
        return shown + self._turned - time + self._start


def _ahead(frames: Generator[Frame]) -> Generator[Frame]:
    """The same frames, decoded in advance by a separate thread."""
    queue: Queue[Frame | BaseException | None] = Queue(AHEAD)
    ended = False

    def decode() -> None:
        try:
            for frame in frames:
                queue.put(frame)
                if ended:
                    return
            queue.put(None)
        except BaseException as error:  # noqa: BLE001 -- raised again where the frames are wanted
            queue.put(error)

    thread = Thread(target=decode, daemon=True)
    thread.start()
    try:
        while (item := queue.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        ended = True
        while thread.is_alive():  # it may wait for room
            while not queue.empty():
                queue.get()
            thread.join(0.01)


def _rate(video: FrameSource, settings: Settings) -> Fraction:
    """Nominal frames per second for players; every frame keeps its own time."""
    container = _container(video.path)
    if container is None:
        return Fraction(25)
    with container:
        try:
            index, _ = choose_stream(container, video.path, settings.stream)
        except SourceError:  # another package's source knows what to read of it
            return Fraction(25)
        return container.streams[index].average_rate or Fraction(25)


def _container(path: Path) -> InputContainer | None:
    """The recording as FFmpeg opens it; None for a folder, or a file that only a plugin's source reads."""
    try:
        return open_recording(path) if path.is_file() else None
    except FFmpegError:
        return None


def _silent(time: float, end: float | None) -> None:
    del time, end
