"""A camera for tests: a server on this machine that sends a drawn stream at its own pace."""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import cast

import av
import av.error
import numpy as np
from av.video.stream import VideoStream

from tests.engine.synthetic import numbered


@dataclass
class Act:
    """What a server sends to one visitor: so many pictures, numbered from `first` on."""

    pictures: int = 1000
    first: int = 0
    size: tuple[int, int] = (80, 48)
    codec: str = "mpeg2video"
    rate: int = 20
    stamps: dict[int, float] = field(default_factory=dict)
    """Seconds added to the camera's clock, from the picture of that place on."""
    hangs_after: int | None = None
    """Pictures after which nothing comes any more, though the connection stays."""


class StreamServer:
    """Serves one act to each visitor, in turn (the last one again and again), as MPEG-TS over TCP."""

    def __init__(self, acts: Sequence[Act]) -> None:
        self.acts = list(acts)
        self.visits = 0
        self.pause = 0.0
        """Seconds before the second visitor is served."""
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._closed = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self._socket.getsockname()[1]}"

    def close(self) -> None:
        self._closed.set()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                visitor, _ = self._socket.accept()
            except OSError:
                return
            act = self.acts[min(self.visits, len(self.acts) - 1)]
            self.visits += 1
            if self.visits == 2:
                self._closed.wait(self.pause)
            threading.Thread(target=self._send, args=(visitor, act), daemon=True).start()

    def _send(self, visitor: socket.socket, act: Act) -> None:
        begun = time.monotonic()
        cuts = [0, *sorted(act.stamps), act.pictures]
        try:
            with visitor:
                for first, stop in pairwise(cuts):  # a writer of its own: none writes times that go back
                    late = sum(by for at, by in act.stamps.items() if first >= at)
                    self._write(_Outgoing(visitor), act, range(first, stop), begun, late)
        except (OSError, av.error.FFmpegError):
            pass  # the visitor has left

    def _write(self, out: _Outgoing, act: Act, places: range, begun: float, late: float) -> None:
        with av.open(out, "w", format="mpegts", options={"mpegts_flags": "resend_headers"}) as container:
            stream = cast(VideoStream, container.add_stream(act.codec, rate=act.rate))
            stream.width, stream.height = act.size
            stream.pix_fmt = "yuv420p"
            stream.options = {"bf": "0", "g": "5"}
            for place in places:
                self._closed.wait(max(0.0, begun + place / act.rate - time.monotonic()))
                if place == act.hangs_after:
                    self._closed.wait()
                if self._closed.is_set():
                    return
                frame = av.VideoFrame.from_ndarray(np.asarray(numbered(act.first + place, *act.size)), "rgb24")
                frame.pts = place
                for packet in stream.encode(frame):
                    packet.pts = packet.dts = 900_000 + round((place / act.rate + late) * 90_000)
                    packet.time_base = Fraction(1, 90_000)
                    container.mux(packet)


class _Outgoing(io.RawIOBase):
    """A file that is a connection."""

    def __init__(self, visitor: socket.socket) -> None:
        super().__init__()
        self._visitor = visitor

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._visitor.sendall(data)
        return len(data)
