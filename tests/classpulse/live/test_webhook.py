"""A web hook gets every window, and one that fails holds nothing up."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from classpulse.live import webhook as module
from classpulse.live.webhook import WebHook
from engine.errors import UsageError


class Receiver:
    """A server that keeps what it gets, and answers as it is told."""

    def __init__(self) -> None:
        self.got: list[Any] = []
        self.status = 204
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(receiver.status)
                self.send_header("Location", receiver.url + "/elsewhere")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    started = Receiver()
    yield started
    started.close()


def test_every_line_arrives_in_order_before_the_end(receiver: Receiver) -> None:
    said: list[str] = []
    with WebHook(f"{receiver.url}/class?token=abc", said.append) as hook:
        for number in range(5):
            hook.send({"window": number, "verdict": "divided"})
    assert receiver.got == [{"window": number, "verdict": "divided"} for number in range(5)]
    assert said == []


@pytest.mark.parametrize(("status", "reason"), [(500, "it answers 500"), (302, "it answers 302")])
def test_one_that_fails_is_told_once_and_that_it_is_back(receiver: Receiver, status: int, reason: str) -> None:
    said: list[str] = []
    receiver.status = status
    with WebHook(f"{receiver.url}/class?token=abc", said.append) as hook:
        hook.send({"window": 0})
        hook.send({"window": 1})
        while len(receiver.got) < 2:
            time.sleep(0.05)
        receiver.status = 204
        hook.send({"window": 2})
    assert said == [
        f"{receiver.url}: {reason}; the class's windows do not arrive there",
        f"{receiver.url}: the class's windows arrive again",
    ]
    assert len(receiver.got) == 3  # and nothing at the place that the answer named


def test_one_that_nobody_answers_holds_nothing_up_and_keeps_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_END", 0.2)
    monkeypatch.setattr(module.WebHook, "_post", lambda *_: time.sleep(60))
    begun = time.monotonic()
    with WebHook("http://localhost:9/x", lambda _: None) as hook:
        for number in range(1000):
            hook.send({"window": number})
        waiting = [json.loads(line)["window"] for line in list(hook._lines.queue)]
    assert time.monotonic() - begun < 5
    assert waiting[-1] == 999
    assert len(waiting) == module.WAITING


@pytest.mark.parametrize("url", ["http://school.example/x", "ftp://127.0.0.1/x", "school.example", "https://"])
def test_nothing_is_sent_unencrypted_over_a_network(url: str) -> None:
    with pytest.raises(UsageError, match="a web hook is https://"):
        WebHook(url, lambda _: None)
