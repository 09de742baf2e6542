"""Streams that come otherwise than over one connection: MPEG-TS in datagrams, and HLS in files of some seconds."""

from __future__ import annotations

import http.server
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from engine.settings import Settings
from engine.vision.cameras.camera import Camera
from engine.vision.sources.protocol import Frame
from tests.engine.synthetic import number, numbered

RATE = 20


@contextmanager
def sending(target: str, container_format: str, options: dict[str, str]) -> Iterator[None]:
    """Numbered pictures, at their own pace, to `target`."""
    ended = threading.Event()

    def send() -> None:
        with av.open(target, "w", format=container_format, options=options) as container:
            stream = container.add_stream("libx264", rate=RATE)
            stream.width, stream.height, stream.pix_fmt = 80, 48, "yuv420p"
            stream.options = {"bf": "0", "g": str(RATE), "tune": "zerolatency"}
            begun = time.monotonic()
            place = 0
            while not ended.wait(max(0.0, begun + place / RATE - time.monotonic())):
                container.mux(
                    stream.encode(av.VideoFrame.from_ndarray(np.asarray(numbered(place % 1000)), "rgb24"))
                )
                place += 1

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def http_server(folder: Path) -> Iterator[str]:
    """Serves the files of a folder."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_request(self, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def watched(address: str, seconds: float) -> tuple[Camera, list[Frame]]:
    with Camera(address, Settings()) as camera:
        begun = camera.now()
        return camera, list(camera.frames(lambda now: now >= begun + seconds))


def check_times(frames: list[Frame]) -> None:
    """Pictures are as far apart as the camera took them."""
    for before, after in pairwise(frames):
        apart = (number(after.image) - number(before.image)) / RATE
        assert after.time - before.time == pytest.approx(apart, abs=0.15)


def test_datagrams_of_mpeg_ts_are_watched_as_they_come() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    with sending(f"udp://127.0.0.1:{port}?pkt_size=1316", "mpegts", {}):
        camera, frames = watched(f"udp://127.0.0.1:{port}", 3)
    assert len(frames) >= 13
    check_times(frames)
    assert len(camera.connections) == 1


def test_of_a_stream_in_files_no_picture_is_lost_because_several_come_at_once(tmp_path: Path) -> None:
    options = {"hls_time": "1", "hls_list_size": "4", "hls_flags": "delete_segments"}
    with sending(str(tmp_path / "live.m3u8"), "hls", options), http_server(tmp_path) as address:
        while not (tmp_path / "live2.ts").exists():
            time.sleep(0.1)
        camera, frames = watched(f"{address}/live.m3u8", 6)
    assert camera.connections[0].replaced == 0
    assert len(frames) >= 20
    check_times(frames[5:])
