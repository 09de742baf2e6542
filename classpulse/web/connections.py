"""Connections that say nothing, or too slowly, end; and no address may hold them all."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from classpulse.web.guard import HEADERS
from classpulse.web.logins import network

#: Seconds for the head of a request, from the connection or the answer before on; also for a TLS handshake.
HEAD_SECONDS = 10.0
#: A body, such as an upload, has to bring so many bytes in so many seconds, wherever it is being read.
BODY_SECONDS, BODY_BYTES = 20.0, 16_384
#: How often a connection is looked at, s.
EVERY = 1.0
#: Connections from one address (a browser opens six; a class behind one router has thirty browsers), and from all.
PER_ADDRESS, IN_ALL = 200, 700
#: Connections accepted in a row, before those that were shut down meanwhile are closed.
BACKLOG = 64


class Connection(socket.socket):
    """An accepted connection."""

    network: str = ""
    waiting: bool = True
    """Whether a request is yet to come: such a one makes room for others."""
    connections: Connections | None = None

    def close(self) -> None:
        """Close it; it counts no longer."""
        if self.connections is not None:
            self.connections.remove(self)
        super().close()


class Connections:
    """The open connections of a server. Where there are too many, the oldest without a request is shut down."""

    def __init__(self, per_address: int = PER_ADDRESS, in_all: int = IN_ALL) -> None:
        self._per_address = per_address
        self._in_all = in_all
        self._open: dict[int, Connection] = {}  # by descriptor, the oldest first
        self._of: dict[str, dict[int, Connection]] = {}

    def admit(self, connection: Connection, address: str) -> bool:
        """Count a connection; False where there is no room for it."""
        key = network(address)
        for peers, most in ((self._of.get(key, {}), self._per_address), (self._open, self._in_all)):
            if len(peers) < most:
                continue
            oldest = next((peer for peer in peers.values() if peer.waiting), None)
            if oldest is None:
                return False
            self.remove(oldest)
            with suppress(OSError):  # it has gone by itself
                oldest.shutdown(socket.SHUT_RDWR)  # the event loop finds it at its end, and closes it
        connection.network, connection.connections = key, self
        self._open[connection.fileno()] = connection
        self._of.setdefault(key, {})[connection.fileno()] = connection
        return True

    def remove(self, connection: Connection) -> None:
        """Count it no longer."""
        number = connection.fileno()
        if self._open.get(number) is connection:
            del self._open[number]
            del self._of[connection.network][number]
            if not self._of[connection.network]:
                del self._of[connection.network]

    def has_request(self, number: int, has: bool) -> None:
        """Note whether the connection of that descriptor has sent the head of a request."""
        if number in self._open:
            self._open[number].waiting = not has


class Listener(socket.socket):
    """A listening socket that admits connections by their address, before anything is read of them."""

    connections: Connections

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection; raises ConnectionAbortedError for one that is not admitted."""
        accepted, address = super().accept()
        connection = Connection(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
        if not self.connections.admit(connection, str(address[0])):
            connection.close()
            raise ConnectionAbortedError
        return connection, address


class Loop(asyncio.SelectorEventLoop):
    """An event loop that waits for a TLS handshake no longer than for the head of a request."""

    async def create_server(self, *args: Any, **options: Any) -> asyncio.Server:
        """As the loop's own."""
        if options.get("ssl"):
            options.setdefault("ssl_handshake_timeout", HEAD_SECONDS)
        return await super().create_server(*args, **options)


class TimedProtocol(H11Protocol):  # type: ignore[misc]  # uvicorn's has no types here
    """HTTP/1.1 by uvicorn, with an end for requests that do not come."""

    def __init__(self, *args: Any, connections: Connections, **options: Any) -> None:
        super().__init__(*args, **options)
        self._peers = connections
        self._state: object = None
        self._since = 0.0
        self._received = 0
        self._look: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        """From here on the head of a request is waited for."""
        super().connection_made(transport)
        self._number = transport.get_extra_info("socket").fileno()
        self._begin()
        self._look = self.loop.call_later(EVERY, self._check)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any longer."""
        if self._look is not None:
            self._look.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read what came."""
        self._received += len(data)
        super().data_received(data)
        self._peers.has_request(self._number, self.conn.their_state is not h11.IDLE)

    def on_response_complete(self) -> None:
        """The head of the next request is waited for."""
        super().on_response_complete()
        self._begin()

    def _begin(self) -> None:
        self._state, self._since, self._received = self.conn.their_state, self.loop.time(), 0
        self._peers.has_request(self._number, self._state is not h11.IDLE)

    def _check(self) -> None:
        if self.transport.is_closing():
            return
        self._look = self.loop.call_later(EVERY, self._check)
        if self.conn.their_state is not self._state or self.flow.read_paused:
            self._begin()  # what comes next has its own time, and what we do not read is not late
            return
        waited = self.loop.time() - self._since
        if self._state is h11.IDLE and waited > HEAD_SECONDS:
            self.transport.abort()
        elif self._state is h11.SEND_BODY and waited > BODY_SECONDS:
            if self._received < BODY_BYTES:
                self.transport.abort()
            self._begin()

    def send_400_response(self, msg: str) -> None:
        """To what is not HTTP: as uvicorn's, with the headers that all answers have."""
        headers = {"content-type": "text/plain; charset=utf-8", "connection": "close", "cache-control": "no-store"}
        answer = h11.Response(
            status_code=400,
            headers=[(name.encode(), value.encode()) for name, value in (headers | HEADERS).items()],
            reason=b"Bad Request",
        )
        for event in (answer, h11.Data(data=msg.encode("ascii", "replace")), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event))
        self.transport.close()
