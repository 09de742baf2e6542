"""Writes an annotated video: the frames of the recording at their own times, its audio, H.264."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack, closing
from fractions import Fraction
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import av
from av.error import FFmpegError
from av.video.reformatter import ColorRange, Colorspace

from classpulse.report.annotating import Annotator, Blur
from classpulse.report.queries import Recorded
from classpulse.report.sound import Sound, container_of
from engine.errors import SourceError, UsageError
from engine.outputs import output_file
from engine.sessions.records import located
from engine.settings import Settings
from engine.vision.cameras.addresses import is_stream
from engine.vision.sources.containers import open_recording
from engine.vision.sources.protocol import Frame, FrameSource
from engine.vision.sources.registry import open_source
from engine.vision.sources.streams import choose_stream
from storage.queries import recordings
from storage.store import Store

#: The comment in the metadata of every annotated video, by which it may be replaced.
MARK = "annotated by classpulse"
#: Longest time that a picture stands in an MP4 as one frame, s: in a longer gap it is written again.
LONGEST_FRAME = 3600
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

    No face is detected again: all is drawn from stored rows. `video` is the recording's path, by default the
    analysed one; of a lesson in several files, the folder with them. With `blur`, faces of all or of excluded
    students are blurred. `on_progress` receives the time and, if known, the end, s. Returns the number of frames
    written.

    Raises SourceError if the recording is missing or has other bytes, UsageError for an output that is not an MP4,
    that is in a missing folder, or that is a file other than an annotated video.
    """
    if output.suffix.lower() not in (".mp4", ".m4v", ".mov"):
        raise UsageError(f"{output}: an annotated video must be an .mp4; change the name of the output")
    annotator = Annotator(session, judgement, blur)
    with Store.open(session.database, must_exist=True, read_only=True) as store:
        paths, settings = located(store, session.session_id, video)
    path = paths[0]
    if video is None and is_stream(annotator.row["source"]):
        raise SourceError(
            f"{annotator.row['source']}: no picture of a camera is kept to be annotated", exit_status=2
        )
    if missing := next((each for each in paths if not each.exists()), None):
        raise SourceError(f"{missing}: the recording no longer exists; give its path with --video", exit_status=2)
    refusal = "it is not an annotated video of classpulse, so choose another file with --output"
    with open_source(path, settings) as source:
        if source.fingerprint() != annotator.row["sha256"]:
            raise SourceError(f"{path}: not the recording that was analysed; give its path with --video")
        with (
            output_file(
                output,
                recordings=lambda: (*paths, *recordings(session.database)),
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
        sound = stack.enter_context(Sound(video, target, start, stop))
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
            sound.until(frame.time - start)
            written += 1
            report_progress(frame.time, end)
        target.mux(stream.encode(None))
        sound.finish()
    return written


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
    container = container_of(video.path)
    if container is None:
        return Fraction(25)
    with container:
        try:
            index, _ = choose_stream(container, video.path, settings.stream)
        except SourceError:  # another package's source knows what to read of it
            return Fraction(25)
        return container.streams[index].average_rate or Fraction(25)


def _silent(time: float, end: float | None) -> None:
    del time, end
