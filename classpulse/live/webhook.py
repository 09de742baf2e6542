"""A web hook: each window of a lesson that goes on is sent to an address; one that is slow holds nothing up."""

from __future__ import annotations

import ipaddress
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from queue import Empty, Full, Queue
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from classpulse.live.lines import encoded, host_of
from engine.errors import UsageError

#: Longest that an answer is waited for, s, and how long the last lines may take at the end.
TIMEOUT, AT_END = 5.0, 6.0
#: Lines that wait for an address that does not answer; after that the oldest are dropped.
WAITING = 100


class WebHook:
    """Posts lines to `url` from a thread of its own; `say` is called with one line when it fails, or is back.

    Nothing is sent over the network unencrypted: raises UsageError for what is neither https nor this machine.
    """

    def __init__(self, url: str, say: Callable[[str], None]) -> None:
        parts = urlsplit(url)
        if not parts.hostname or not (
            parts.scheme == "https" or (parts.scheme == "http" and _is_this_machine(parts.hostname))
        ):
            raise UsageError(f"{host_of(url)}: a web hook is https://..., or http://127.0.0.1:PORT/...")
        self._url, self._shown, self._say = url, host_of(url), say
        self._lines: Queue[bytes] = Queue(WAITING)
        self._closed = threading.Event()
        self._failed = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()
        self._thread.join(AT_END)

    def send(self, line: dict[str, Any]) -> None:
        """Have a line sent, and do not wait for it."""
        while True:
            try:
                self._lines.put_nowait(encoded(line).encode())
                return
            except Full:
                self._lines.get_nowait()

    def _run(self) -> None:
        while not (self._closed.is_set() and self._lines.empty()):
            try:
                line = self._lines.get(timeout=0.1)
            except Empty:
                continue
            self._post(line)

    def _post(self, line: bytes) -> None:
        request = urllib.request.Request(self._url, line, {"Content-Type": "application/json"}, method="POST")
        try:
            with _OPENER.open(request, timeout=TIMEOUT):
                pass
        except (OSError, ValueError) as error:  # ValueError: an answer that is none of HTTP's
            if not self._failed:
                self._say(f"{self._shown}: {_reason(error)}; the class's windows do not arrive there")
            self._failed = True
        else:
            if self._failed:
                self._say(f"{self._shown}: the class's windows arrive again")
            self._failed = False


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """An answer that sends the line elsewhere, perhaps unencrypted, is a failure."""

    def redirect_request(self, *_: Any) -> None:
        return None


#: Nothing in the environment sends lines over another host either.
_OPENER = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"it answers {error.code}"
    if isinstance(error, TimeoutError):
        return f"no answer within {TIMEOUT:g} s"
    reason = getattr(error, "reason", error)
    return str(getattr(reason, "strerror", None) or type(reason).__name__)
