"""A camera or another live stream: its newest picture, connected again for as long as it is watched.

One thread reads and decodes, so that the camera is never kept waiting; whoever analyses takes the newest picture
and never one that is behind it, so the delay does not grow, however slow the machine is.
"""

from __future__ import annotations

import errno
import socket
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import av
import av.error
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from engine.errors import SourceError
from engine.settings import Settings
from engine.vision.cameras.addresses import without_secrets
from engine.vision.cameras.clock import CameraClock
from engine.vision.sources.containers import packets_of
from engine.vision.sources.fields import Neighbours
from engine.vision.sources.picture import Picture
from engine.vision.sources.protocol import Frame, bucket_of, checked_rate

#: Longest wait for a connection, and for the next picture, s.
TIMEOUT = 5.0
#: Wait before a try to connect again: this share of the time since there was a picture, and at least and at most so
#: many seconds. So a camera that was away for 10 s is back 2 s after it could be, and one for a night within 30 s.
WAITED_SHARE, SHORTEST_WAIT, LONGEST_WAIT = 0.2, 0.5, 30.0
#: Delay from which pictures that no other refers to are not decoded, s.
LATE = 1.0
#: A packet that had to be waited for so long, s, is new; and how long others may come at the beginning, s.
WAITED, LONGEST_BACKLOG = 0.005, 1.0
#: Formats whose pictures come some seconds of them at once, and how long, s, each may wait there for its turn.
_BURSTS, LONGEST_BURST = ("hls", "dash"), 8.0
#: Ticks a second of a session that is watched: microseconds, UTC.
TICKS = 1_000_000
#: How FFmpeg opens a stream: with as much of it as is needed to know what is in it, and no picture held back.
_LIVE = {"flags": "low_delay", "analyzeduration": "1000000", "probesize": "500000"}
#: RTSP over one connection: over UDP every lost packet spoils pictures.
_BY_SCHEME = {"rtsp": {"rtsp_transport": "tcp"}}


@dataclass
class Connection:
    """One connection to a camera, from its first picture to its last. Times are s of the clock of `Camera.now`."""

    start: float
    codec: str
    width: int
    height: int
    stop: float | None = None
    """None while it lasts."""
    reason: str | None = None
    """Why it ended; None while it lasts, and where nobody wanted it any more."""
    decoded: int = 0
    """Pictures that were decoded."""
    sampled: int = 0
    """Of these, the first of each interval of the sample rate."""
    replaced: int = 0
    """Of these, those that a newer one replaced before they were analysed."""
    jumps: int = 0
    """How often the camera's own clock jumped."""


class Camera:
    """Reads the stream at `location`; close it, or use it as a context manager.

    Timestamps are microseconds UTC of this machine's clock, whatever the camera's shows. `begin` is the timestamp
    at which session time is 0: by default that of the first picture. `report` is called with one line whenever the
    state of the connection changes, from the reading thread. Every picture has the size of the first one. Whoever
    sets `stopped`, a signal's handler too, lets `frames` end after the picture that is there.

    Raises SourceError where the first connection fails, within `TIMEOUT` seconds and some. Later ones are tried for
    ever.
    """

    time_base = Fraction(1, TICKS)
    width: int
    """Of the upright picture, px."""
    height: int

    def __init__(
        self,
        location: str,
        settings: Settings,
        begin: int | None = None,
        report: Callable[[str], None] | None = None,
        stopped: threading.Event | None = None,
    ) -> None:
        self.shown = without_secrets(location)
        self.connections: list[Connection] = []
        self.damaged = 0
        """Packets or pictures that did not decode, or whose time fits nothing."""
        self._location, self._report = location, report or _silent
        self._rate = checked_rate(settings.sample_rate)
        self._aspect = None if settings.aspect is None else Fraction(*settings.aspect)
        self._size: tuple[int, int] | None = None
        self._newest: Frame | None = None
        self._failure: BaseException | None = None
        self._taken = -1  # the interval of the newest sampled picture
        self._changed = threading.Condition()
        self._asked = stopped or threading.Event()
        self._closed = threading.Event()
        self._wall, self._started = time.time(), time.monotonic()
        self._heard = self._wall  # when the camera last gave something
        self._begin = begin
        try:
            container = self._open()
        except (FFmpegError, OSError) as error:
            raise SourceError(f"{self.shown}: {self._reason(error)}; {_remedy(location, error)}") from None
        if not container.streams.video:
            container.close()
            raise SourceError(f"{self.shown}: there is no video in this stream; check its address")
        self._thread = threading.Thread(target=self._run, args=(container,), daemon=True)
        self._thread.start()
        with self._changed:
            self._changed.wait_for(lambda: self._size or self._failure or self._is_over(), 2 * TIMEOUT)
        if self._failure is not None:
            raise self._failure
        if self._size is None:
            self.close()
            raise SourceError(
                f"{self.shown}: it answers, but no picture comes; check the camera, and whether others see it"
            )
        self.width, self.height = self._size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def start_pts(self) -> int:
        """Timestamp at which session time is 0."""
        assert self._begin is not None  # the first picture has come
        return self._begin

    def now(self) -> float:
        """Seconds since 1970, UTC; unlike the system's clock it is not set meanwhile."""
        return self._wall + time.monotonic() - self._started

    def _is_over(self) -> bool:
        return self._closed.is_set() or self._asked.is_set()

    def _wait(self, seconds: float) -> None:
        """So long, or until it is over."""
        end = time.monotonic() + seconds
        while not self._is_over() and (left := end - time.monotonic()) > 0:
            self._closed.wait(min(left, 0.1))

    def close(self) -> None:
        """Stop, and wait until the connection is closed."""
        self._closed.set()
        self._thread.join(TIMEOUT + 1)

    def frames(self, until: Callable[[float], bool] | None = None) -> Generator[Frame]:
        """The newest picture of each interval of the sample rate, as it comes.

        Pictures that came while the caller was busy are replaced by newer ones, and counted. It ends when the
        camera is stopped, or when `until`, asked ten times a second with the time of `now`, says so.
        """
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._newest is not None, timeout=0.1)
                frame, self._newest = self._newest, None
                self._changed.notify_all()
            if self._failure is not None:
                raise self._failure
            if frame is not None:
                yield frame
            elif self._is_over():
                return
            if until is not None and until(self.now()):
                return

    # -- the thread that reads

    def _open(self) -> InputContainer:
        scheme = self._location.partition(":")[0].lower().removesuffix("s")
        options = _LIVE | _BY_SCHEME.get(scheme, {})
        self._heard = self.now()
        opened: InputContainer = av.open(self._location, options=options, timeout=(TIMEOUT, TIMEOUT))
        return opened

    def _run(self, container: InputContainer) -> None:
        try:
            self._read_on(container)
        except BaseException as error:  # noqa: BLE001 - it is raised where the pictures are taken
            with self._changed:
                self._failure = error
                self._changed.notify_all()

    def _read_on(self, container: InputContainer | None) -> None:
        """Read until stopped, connecting again whenever the stream ends."""
        lost = self.now()
        while not self._is_over():
            known = len(self.connections)
            try:
                if container is None:
                    container = self._open()
                with container:
                    self._read(container)
                reason = "the stream ended"
            except (FFmpegError, OSError, IndexError) as error:  # IndexError: no video in it now
                reason = self._reason(error)
            container = None
            if len(self.connections) > known:
                lost = self.now()
                self._disconnected(reason)
            self._wait(min(max(WAITED_SHARE * (self.now() - lost), SHORTEST_WAIT), LONGEST_WAIT))

    def _reason(self, error: Exception) -> str:
        """What went wrong, without the address, in which there may be a password."""
        # What FFmpeg says of that depends on the protocol.
        if isinstance(error, av.error.ExitError) or self.now() - self._heard >= TIMEOUT:
            return f"no answer within {TIMEOUT:g} s"
        if isinstance(error, IndexError):
            return "there is no video in it"
        return str(getattr(error, "strerror", None) or type(error).__name__)

    def _disconnected(self, reason: str) -> None:
        connection = self.connections[-1]
        connection.stop = self.now()
        if not self._is_over():
            connection.reason = reason
            self._report(f"{self.shown}: lost ({reason}); connecting again until it is back")

    def _read(self, container: InputContainer) -> None:
        """Decode the stream until it ends, hangs, or nobody wants it any more."""
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        clock = CameraClock()
        bursts = container.format.name in _BURSTS
        reading = _Reading(stream, Picture(Path(self.shown), self._aspect), bursts)
        packets = packets_of(container, stream)
        opened = asked = self.now()
        is_live = False
        while not self._is_over() and (packet := next(packets, None)) is not None:
            arrived = self.now()
            if arrived - asked >= TIMEOUT:
                raise TimeoutError  # at the timeout FFmpeg gives the picture that its parser held back
            self._heard = arrived
            # What was read to learn what is in the stream comes at once, and would seem to be taken only now.
            is_live = is_live or arrived - asked > WAITED or arrived - opened > LONGEST_BACKLOG
            try:
                pictures = packet.decode()
            except (av.error.InvalidDataError, EOFError):
                self.damaged += 1
                pictures = []
            for picture in pictures if is_live else ():
                self._take(picture, arrived, clock, reading)
            asked = self.now()

    def _take(self, picture: VideoFrame, arrived: float, clock: CameraClock, reading: _Reading) -> None:
        """Sample a decoded `picture` that arrived then, where it is the first of its interval."""
        stamp = None if picture.pts is None or picture.time_base is None else float(picture.pts * picture.time_base)
        taken = None if stamp is None or picture.is_corrupt else clock.time_of(stamp, arrived)
        if taken is None:
            self.damaged += 1
            return
        connection = reading.connection or self._connected(picture, taken, reading)
        connection.decoded += 1
        connection.jumps = clock.jumps
        reading.stream.codec_context.skip_frame = "NONREF" if arrived - taken > LATE else "DEFAULT"
        pts = round(taken * TICKS)
        exact = (pts - self.start_pts) * self.time_base
        interval = bucket_of(exact, self._rate) if self._rate else pts - self.start_pts
        if interval <= self._taken:
            return
        self._taken = interval
        try:
            image = reading.picture.image(Neighbours(None, pts, picture, None))
        except FFmpegError:
            self.damaged += 1
            return
        connection.sampled += 1
        with self._changed:
            if reading.comes_in_bursts and arrived - taken < LONGEST_BURST:
                self._changed.wait_for(lambda: self._newest is None or self._is_over(), 1.0)
            connection.replaced += self._newest is not None
            self._newest = Frame(pts, float(exact), image)
            self._changed.notify_all()

    def _connected(self, first: VideoFrame, taken: float, reading: _Reading) -> Connection:
        """Begin a connection with its first picture."""
        reading.picture.begin(reading.stream, first)
        reading.picture.expose([first])
        codec = reading.stream.codec_context.name
        width, height = reading.picture.size
        connection = reading.connection = Connection(taken, codec, width, height)
        back = bool(self.connections)
        what = f"{codec}, {width}x{height}"
        if back:
            away = taken - (self.connections[-1].stop or taken)
            self._report(f"{self.shown}: back after {away:.0f} s ({what})")
        else:
            self._report(f"{self.shown}: connected ({what})")
        if self._begin is None:
            self._begin = round(taken * TICKS)
        if self._size is None:
            with self._changed:
                self._size = width, height
                self._changed.notify_all()
        reading.picture.size = self._size
        self.connections.append(connection)
        return connection


@dataclass
class _Reading:
    """What one connection is read with."""

    stream: VideoStream
    picture: Picture
    comes_in_bursts: bool
    connection: Connection | None = None


def _remedy(location: str, error: Exception) -> str:
    """What may help where the first connection failed."""
    if isinstance(error, OSError) and error.errno == errno.EIO:  # FFmpeg's for any name that it cannot find
        try:
            socket.getaddrinfo(urlsplit(location).hostname, None)
        except OSError:
            return "there is no host of this name; check it, and the network"
    remedies: list[tuple[type[Exception], str]] = [
        (
            av.error.HTTPUnauthorizedError,
            "check the user and the password"
            if urlsplit(location).username
            else "name the user as USER@HOST and give --password-file",
        ),
        (av.error.HTTPForbiddenError, "the user may not see this stream; ask who runs the camera"),
        (av.error.HTTPNotFoundError, "check the path behind the host's name"),
    ]
    usual = "check the address, and whether the camera is switched on"
    return next((text for kind, text in remedies if isinstance(error, kind)), usual)


def _silent(line: str) -> None:
    del line
