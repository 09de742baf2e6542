"""Attacks on the connection: half requests, bodies that never come, too many at once; against the real server."""

from __future__ import annotations

import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import uvicorn

from classpulse.web import connections
from classpulse.web.app import create_app
from classpulse.web.connections import Connection, Connections, Loop
from classpulse.web.running import configured, listen
from classpulse.web.serving import Serving


@pytest.fixture
def port(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The server as `classpulse serve` runs it, with short times."""
    import asyncio
    import dataclasses

    monkeypatch.setattr(connections, "HEAD_SECONDS", 1.0)
    monkeypatch.setattr(connections, "BODY_SECONDS", 1.0)
    monkeypatch.setattr(connections, "EVERY", 0.1)
    serving = dataclasses.replace(serving, port=0)
    with listen(serving) as listener:
        server = uvicorn.Server(configured(create_app(serving), serving, listener))

        def serve() -> None:
            with asyncio.Runner(loop_factory=Loop) as runner:
                runner.run(server.serve(sockets=[listener]))

        thread = threading.Thread(target=serve)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join()


def call(port: int, head: bytes) -> socket.socket:
    caller = socket.create_connection(("127.0.0.1", port), timeout=10)
    caller.sendall(head)
    return caller


def is_closed_within(caller: socket.socket, seconds: float) -> bool:
    caller.settimeout(seconds)
    try:
        while caller.recv(65_536):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return True


def seconds_of(port: int, path: str = "/api/jobs") -> float:
    began = time.perf_counter()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        assert answer.status == 200
    return time.perf_counter() - began


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Half: ",
        b"GET /api/jobs HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HTTP/1.1\r\nX-Half: ",
        b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\ntok",
        b"PUT /api/videos/a.mp4 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
    ],
    ids=["nothing", "half a head", "half a second head", "half a body", "half a chunked body"],
)
def test_a_request_that_does_not_come_ends(port: int, head: bytes) -> None:
    with call(port, head) as caller:
        assert is_closed_within(caller, 4)


def test_a_head_that_trickles_ends_all_the_same(port: int) -> None:
    with call(port, b"GET / HTTP/1.1\r\nHost: localhost\r\n") as caller:
        began = time.monotonic()
        try:
            while time.monotonic() - began < 4:
                caller.sendall(b"X-A: b\r\n")
                time.sleep(0.05)
        except ConnectionError:
            pass
        assert time.monotonic() - began < 3


def test_an_upload_that_goes_on_is_not_late(port: int, serving: Serving, recording: Any) -> None:
    content = recording.read_bytes()
    head = f"PUT /api/videos/slow.mp4 HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(content)}\r\n\r\n"
    with call(port, head.encode()) as caller:
        size = max(len(content) // 15, connections.BODY_BYTES)
        for start in range(0, len(content), size):  # a little more than the least that is asked of it
            caller.sendall(content[start : start + size])
            time.sleep(0.2)
        assert caller.recv(100).startswith(b"HTTP/1.1 201")
    assert (serving.videos / "slow.mp4").exists()


def test_half_requests_keep_nobody_out(port: int) -> None:
    """1,100 of them once used up all files that the process may open."""
    with ExitStack() as stack:
        waits = []
        for number in range(1100):
            stack.enter_context(call(port, b"GET / HTTP/1.1\r\nX-Half: "))
            if number % 100 == 99:
                waits.append(seconds_of(port))
        assert max(waits) < 2


def test_what_is_not_http_gets_the_headers_of_every_answer(port: int) -> None:
    with call(port, b"NOT HTTP\r\n\r\n") as caller:
        answer = caller.recv(4096).lower()
    assert answer.startswith(b"http/1.1 400")
    assert b"content-security-policy: default-src 'none'" in answer


# -- who makes room for whom


def pairs(count: int) -> list[tuple[Connection, socket.socket]]:
    made = []
    for _ in range(count):
        ours, theirs = socket.socketpair()
        made.append((Connection(ours.family, ours.type, ours.proto, fileno=ours.detach()), theirs))
    return made


def test_the_oldest_without_a_request_makes_room() -> None:
    open_ = Connections(per_address=3, in_all=4)
    (a, far_a), (b, far_b), (c, _), (d, _), (e, _), (f, _), (g, _) = made = pairs(7)
    assert all(open_.admit(connection, "10.0.0.1") for connection in (a, b, c))
    open_.has_request(a.fileno(), True)
    assert open_.admit(d, "10.0.0.1")  # in place of b
    assert far_b.recv(1) == b""
    far_a.setblocking(False)
    with pytest.raises(BlockingIOError):
        far_a.recv(1)
    for connection in (c, d):
        open_.has_request(connection.fileno(), True)
    assert not open_.admit(e, "10.0.0.1")  # three that are being answered
    assert open_.admit(f, "10.0.0.2")
    assert open_.admit(g, "10.0.0.3")  # in place of f: four in all
    a.close()
    assert open_.admit(e, "10.0.0.1")
    for ours, theirs in made:
        ours.close()
        theirs.close()
