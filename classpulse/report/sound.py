"""The sound of an annotated video: that of the recording, in step with its pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from av.container import InputContainer
from av.error import FFmpegError

from engine.vision.sources.containers import open_recording
from engine.vision.sources.file_times import FileTimes
from engine.vision.sources.joined import files_of
from engine.vision.sources.protocol import FrameSource
from engine.vision.sources.timeline import WRAP, WRAPPING

#: Audio codecs that are copied into the MP4; any other is encoded again.
COPIED = ("aac", "mp3", "ac3", "eac3", "alac", "opus")
#: By how much sound may be out of step with the picture where the recording's clock goes back or jumps, s.
OUT_OF_STEP = 0.5


class Sound:
    """The recording's first audio stream from `start` to `stop`, in step with the images; silence without one.

    Of a lesson in several files those are heard whose sound is of one kind with the first's.
    """

    def __init__(self, video: FrameSource, target: Any, start: float, stop: float | None) -> None:
        length = float("inf") if stop is None else stop - start
        self._output = _Output(target)
        self._files = [_Audio(file, self._output, start - begin, length) for file, begin in files_of(video)]

    def __enter__(self) -> Sound:
        return self

    def __exit__(self, *error: object) -> None:
        for file in self._files:
            file.close()

    def until(self, time: float) -> None:
        """Write the audio up to `time` s of the output."""
        for file in self._files:
            file.until(time)

    def finish(self) -> None:
        """Write the remaining audio."""
        self.until(float("inf"))
        self._output.finish()


class _Output:
    """The one audio stream that is written: copied packets, or samples that are encoded again."""

    def __init__(self, target: Any) -> None:
        self._target = target
        self._kind: tuple[object, ...] | None = None
        self._out: Any = None
        self.encoder: Any = None
        self.written = float("-inf")
        """Time of what was written last, s of the output."""

    def takes(self, stream: Any) -> bool:
        """Whether the packets of `stream` can be written; the first one decides of which kind all are."""
        codec = stream.codec_context
        kind = codec.name, codec.sample_rate, codec.layout.name, codec.extradata
        if self._kind is None:
            self._kind = kind
            if codec.name in COPIED:
                self._out = self._target.add_stream_from_template(stream)
            else:
                self._out = self.encoder = self._target.add_stream("aac", rate=codec.sample_rate)
        return kind == self._kind

    def copy(self, packet: Any) -> None:
        packet.stream = self._out
        self._target.mux(packet)

    def encode(self, samples: Any) -> None:
        self._target.mux(self.encoder.encode(samples))

    def finish(self) -> None:
        if self.encoder is not None:
            self.encode(None)


class _Audio:
    """The audio of one file, of which `start` s stand before the output's begin (less than 0: after it)."""

    def __init__(self, video: FrameSource, output: _Output, start: float, length: float) -> None:
        self._output, self._length = output, length
        self._source = container_of(video.path)
        self._clock = _AudioClock(video, self._source, start)
        self._packets: Iterator[Any] = iter(())
        streams = self._source.streams.audio if self._source else ()
        stream = next((s for s in streams if s.codec_context is not None), None)
        if self._source and stream is not None and output.takes(stream):
            self._packets = self._source.demux(stream)
        self._next = self._following()

    def close(self) -> None:
        if self._source:
            self._source.close()

    def until(self, time: float) -> None:
        """Write the audio up to `time` s of the output."""
        while self._next is not None:
            packet, begin = self._next
            if float(packet.dts * packet.time_base) - begin > time:
                return
            self._next = self._following()
            if self._output.encoder is not None:
                for samples in self._samples(packet, begin):
                    self._output.encode(samples)
            elif self._is_due(packet, begin):
                shift = round(begin / packet.time_base)
                packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
                self._output.copy(packet)

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
        later, self._output.written = time > self._output.written, max(time, self._output.written)
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


def container_of(path: Path) -> InputContainer | None:
    """The recording as FFmpeg opens it; None for a folder, or a file that only a plugin's source reads."""
    try:
        return open_recording(path) if path.is_file() else None
    except FFmpegError:
        return None
