"""A camera behind a real RTSP server that is killed, hangs, and comes back as another one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import pytest

from engine.errors import SourceError
from engine.settings import Settings
from engine.vision.cameras.camera import TICKS, Camera
from engine.vision.sources.protocol import Frame
from tests.engine.synthetic import number, numbered, write_video
from tests.engine.vision.cameras.rtsp import RtspServer, why_missing

pytestmark = pytest.mark.skipif(why_missing() is not None, reason=why_missing() or "")


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A minute of numbered pictures, 25 a second, in two codecs and sizes."""
    folder = tmp_path_factory.mktemp("recordings")
    written = {}
    for codec, library, size in (("h264", "libx264", (80, 48)), ("h265", "libx265", (160, 96))):
        pictures = [numbered(i % 1000, *size) for i in range(1500)]
        written[codec] = write_video(
            folder / f"{codec}.mp4",
            images=pictures,
            time_base=Fraction(1, 25),
            codec=library,
            options={"g": "25", "bf": "0", "x265-params": "log-level=none"}
            if codec == "h265"
            else {"g": "25", "bf": "0"},
        )
    return written


@contextmanager
def rtsp(path: Path, codec: str = "h264", port: int = 0) -> Iterator[RtspServer]:
    server = RtspServer(path, codec, port)
    try:
        yield server
    finally:
        server.kill()


class Watcher:
    """A camera, and what came of it so far."""

    def __init__(self, camera: Camera) -> None:
        self.camera = camera
        self.frames: list[Frame] = []

    def until(self, holds: Callable[[], bool], longest: float) -> float:
        """Take pictures until that holds; returns the seconds it took."""
        begun = self.camera.now()
        for frame in self.camera.frames(lambda now: holds() or now > begun + longest):
            self.frames.append(frame)
        assert holds(), f"not within {longest} s"
        return self.camera.now() - begun

    def during(self, seconds: float) -> None:
        end = self.camera.now() + seconds
        self.until(lambda: self.camera.now() >= end, seconds + 1)


def test_a_server_that_is_killed_is_noticed_and_the_first_picture_is_there_soon_after_it_is_back(
    recordings: dict[str, Path],
) -> None:
    lines: list[str] = []
    with rtsp(recordings["h264"]) as server, Camera(server.address(), Settings(), report=lines.append) as camera:
        watcher = Watcher(camera)
        watcher.during(2)
        assert len(watcher.frames) >= 9
        server.kill()
        assert watcher.until(lambda: len(lines) == 2, 6) < 1
        watcher.during(4)
        known = len(watcher.frames)
        with rtsp(recordings["h265"], "h265", server.port):  # night mode: another codec and size
            assert watcher.until(lambda: len(watcher.frames) > known, 10) <= 3
            watcher.during(1)
            said = list(lines)
    back, after = watcher.frames[known], watcher.frames[-1]
    assert (said[0], said[1].split(" (")[0]) == (
        f"{server.address()}: connected (h264, 80x48)",
        f"{server.address()}: lost",
    )
    assert said[2].split(" after ")[0] == f"{server.address()}: back"
    assert said[2].endswith("(hevc, 160x96)")
    assert len(said) == 3
    assert back.image.shape == after.image.shape == (48, 80, 3)
    apart = (number(after.image) - number(back.image)) / 25
    assert after.time - back.time == pytest.approx(apart, abs=0.1)
    # The break is in the times, too.
    assert back.time - watcher.frames[known - 1].time > 4
    first, second = camera.connections
    assert (first.codec, second.codec) == ("h264", "hevc")
    assert second.start == pytest.approx((back.pts / TICKS), abs=0.2)


def test_a_server_that_hangs_is_noticed_within_6_s_and_goes_on_when_it_does(recordings: dict[str, Path]) -> None:
    lines: list[str] = []
    with rtsp(recordings["h264"]) as server, Camera(server.address(), Settings(), report=lines.append) as camera:
        watcher = Watcher(camera)
        watcher.during(1)
        server.hang()
        assert 4 < watcher.until(lambda: len(lines) == 2, 8) <= 6
        assert lines[1].split("; ")[0] == f"{server.address()}: lost (no answer within 5 s)"
        server.go_on()
        known = len(watcher.frames)
        watcher.until(lambda: len(watcher.frames) > known, 10)
    assert len(lines) == 3
    assert len(camera.connections) == 2


@pytest.mark.parametrize(
    ("place", "user", "complaint"),
    [
        ("nothing", "", "Server returned 404 Not Found; check the path behind the host's name"),
        ("sound", "", "there is no video in this stream; check its address"),
        ("locked", "", "Server returned 401 Unauthorized (authorization failed); name the user as USER@HOST and"),
        ("locked", "zaphod:x@", "Server returned 401 Unauthorized (authorization failed); check the user and the"),
    ],
)
def test_what_a_server_does_not_give_is_one_line_within_6_s(
    recordings: dict[str, Path], place: str, user: str, complaint: str
) -> None:
    with rtsp(recordings["h264"]) as server:
        begun = time.monotonic()
        with pytest.raises(SourceError) as raised:
            Camera(server.address(place, user), Settings())
        assert time.monotonic() - begun < 6
    assert str(raised.value).startswith(f"{server.address(place)}: {complaint}")


def test_a_server_that_hangs_from_the_beginning_is_one_line_within_6_s(recordings: dict[str, Path]) -> None:
    with rtsp(recordings["h264"]) as server:
        server.hang()
        begun = time.monotonic()
        with pytest.raises(SourceError, match="no answer within 5 s; check the address"):
            Camera(server.address(), Settings())
        assert time.monotonic() - begun < 6


def test_whoever_has_the_password_sees_the_picture(recordings: dict[str, Path]) -> None:
    with (
        rtsp(recordings["h264"]) as server,
        Camera(server.address("locked", "zaphod:hunter2@"), Settings()) as camera,
    ):
        assert (camera.width, camera.height) == (80, 48)
