"""A camera as a source: newest pictures, connections lost and made again, one line for each change."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest

from engine.errors import SourceError, UsageError
from engine.settings import Settings
from engine.vision.cameras import camera as module
from engine.vision.cameras.addresses import is_stream, with_password, without_secrets
from engine.vision.cameras.camera import TICKS, Camera
from engine.vision.sources.protocol import Frame
from tests.engine.synthetic import number
from tests.engine.vision.cameras.streams import Act, StreamServer


@contextmanager
def served(*acts: Act) -> Iterator[StreamServer]:
    server = StreamServer(acts)
    try:
        yield server
    finally:
        server.close()


def watched(
    *acts: Act, seconds: float, rate: float | None = 5, slow: Callable[[], object] = lambda: None
) -> tuple[Camera, list[Frame], list[str]]:
    """The camera, closed, its frames of so many seconds, and what it said; `slow` is called with each frame."""
    lines: list[str] = []
    frames = []
    with served(*acts) as server, Camera(server.address, Settings(sample_rate=rate), report=lines.append) as camera:
        begun = camera.now()
        for frame in camera.frames(lambda now: now >= begun + seconds):
            frames.append(frame)
            slow()
        lines[:] = [line.replace(server.address, "camera") for line in lines]
    return camera, frames, lines


def test_one_picture_of_each_interval_comes_when_it_is_taken() -> None:
    camera, frames, lines = watched(Act(), seconds=3)
    assert (camera.width, camera.height) == (80, 48)
    intervals = [int(frame.time * 5) for frame in frames]
    assert intervals == sorted(set(intervals))
    assert len(frames) >= 13
    assert [number(frame.image) for frame in frames] == sorted(number(frame.image) for frame in frames)
    for before, after in pairwise(frames):
        # 20 pictures a second, whose numbers tell when the camera took them
        apart = (number(after.image) - number(before.image)) / 20
        assert after.time - before.time == pytest.approx(apart, abs=0.1)
    assert all(frame.pts - camera.start_pts == round(frame.time * TICKS) for frame in frames)
    assert lines == ["camera: connected (mpeg2video, 80x48)"]
    (connection,) = camera.connections
    assert connection.reason is None
    assert connection.stop is not None
    assert connection.sampled - connection.replaced - len(frames) in (0, 1)  # the last one may be left


def test_whoever_is_slow_gets_newer_pictures_and_no_queue() -> None:
    import time

    camera, frames, _ = watched(Act(), seconds=4, slow=lambda: time.sleep(0.9))
    assert len(frames) <= 6
    (connection,) = camera.connections
    assert connection.replaced >= 8
    for before, after in pairwise(frames[1:]):
        assert after.time - before.time == pytest.approx(0.9, abs=0.35)


def test_a_stream_that_ends_is_connected_to_again_and_goes_on_at_the_right_time() -> None:
    camera, frames, lines = watched(Act(pictures=40), Act(first=200, size=(120, 80), codec="mpeg4"), seconds=6)
    first, second = camera.connections
    assert first.stop is not None
    assert (first.reason, first.codec, first.width) == ("the stream ended", "mpeg2video", 80)
    assert (second.codec, second.width, second.height) == ("mpeg4", 120, 80)
    assert lines == [
        "camera: connected (mpeg2video, 80x48)",
        "camera: lost (the stream ended); connecting again until it is back",
        f"camera: back after {second.start - first.stop:.0f} s (mpeg4, 120x80)",
    ]
    assert {frame.image.shape for frame in frames} == {(48, 80, 3)}  # a session has one size
    assert all(before.time < after.time for before, after in pairwise(frames))
    assert frames[-1].time > second.start - camera.start_pts / TICKS


def test_a_stream_that_hangs_is_noticed_and_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT", 1.0)
    camera, _, lines = watched(Act(hangs_after=40), Act(first=100), seconds=6)
    assert camera.connections[0].reason == "no answer within 1 s"
    assert len(camera.connections) == 2
    assert [line.split(" (")[0] for line in lines[:2]] == ["camera: connected", "camera: lost"]


def test_nothing_is_said_of_tries_that_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_WAIT", 0.05)
    monkeypatch.setattr(module, "SHORTEST_WAIT", 0.05)
    lines: list[str] = []
    with served(Act(pictures=30)) as server, Camera(server.address, Settings(), report=lines.append) as camera:
        server.close()  # what is connected still plays its pictures to the end
        begun = camera.now()
        list(camera.frames(lambda now: now >= begun + 4))
    assert [line.split("; ")[0].split(": ", 1)[1].split(" (")[0] for line in lines] == ["connected", "lost"]
    assert len(camera.connections) == 1


def test_what_goes_wrong_in_the_thread_that_reads_is_raised_where_pictures_are_taken() -> None:
    def report(line: str) -> None:
        raise RuntimeError(line.rsplit(": ")[-1])

    with served(Act()) as server, pytest.raises(RuntimeError, match="connected"):
        Camera(server.address, Settings(), report=report)
    with served(Act(pictures=40)) as server:
        lines: list[str] = []

        def fail_later(line: str) -> None:
            lines.append(line)
            if len(lines) == 2:
                raise RuntimeError("out of order")

        with Camera(server.address, Settings(), report=fail_later) as camera:
            end = camera.now() + 8
            with pytest.raises(RuntimeError, match="out of order"):
                list(camera.frames(lambda now: now > end))


@pytest.mark.parametrize("by", [3 * 3600.0, -60.0])
def test_a_camera_whose_clock_is_set_goes_on_at_the_right_time(by: float) -> None:
    camera, frames, lines = watched(Act(stamps={40: by}), seconds=5)
    assert [connection.jumps for connection in camera.connections] == [1]
    assert len(lines) == 1
    assert frames[-1].time == pytest.approx(5, abs=0.8)
    assert max(after.time - before.time for before, after in pairwise(frames)) < 0.6


def test_a_host_that_refuses_and_one_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(
            SourceError, match=r"^rtsp://127\.0\.0\.1:\d+/x: no answer within 0\.5 s; check the address"
        ):
            Camera(f"rtsp://eve:secret@127.0.0.1:{port}/x", Settings())
    with pytest.raises(SourceError, match=r"^rtsp://127\.0\.0\.1:\d+/x: Connection refused; check the address"):
        Camera(f"rtsp://eve:secret@127.0.0.1:{port}/x", Settings())


def test_a_host_that_there_is_not() -> None:
    with pytest.raises(
        SourceError, match=r"^rtsp://camera\.invalid/x: Input/output error; there is no host of this name"
    ):
        Camera("rtsp://camera.invalid/x", Settings())


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtsp://admin:s3cret@camera.local:554/stream1", "rtsp://camera.local:554/stream1"),
        (
            "rtsp://a:b@c@camera.local/1?channel=2&password=x&Token=y",
            "rtsp://camera.local/1?channel=2&password=***&Token=***",
        ),
        ("http://127.0.0.1:8080/live.m3u8", "http://127.0.0.1:8080/live.m3u8"),
        ("srt://host:9000?mode=caller&passphrase=abcdefghij", "srt://host:9000?mode=caller&passphrase=***"),
    ],
)
def test_nobody_sees_a_password(address: str, shown: str) -> None:
    assert is_stream(address)
    assert without_secrets(address) == shown


def test_a_password_that_is_given_apart_belongs_to_the_user_in_the_address() -> None:
    assert with_password("rtsp://admin@camera/1", "p@ss:/w") == "rtsp://admin:p%40ss%3A%2Fw@camera/1"
    with pytest.raises(UsageError, match=r"^rtsp://camera/1: no user is named to whom the password belongs"):
        with_password("rtsp://camera/1", "x")
    with pytest.raises(UsageError, match=r"^rtsp://camera/1: it has a password already; give it once$"):
        with_password("rtsp://admin:x@camera/1", "y")


@pytest.mark.parametrize(
    "location", ["lesson.mp4", "/dev/video0", "C:/lesson.mp4", "ftp://x/y", "rtsp://", "rtsp:/x"]
)
def test_what_is_no_stream(location: str) -> None:
    assert not is_stream(location)
