"""The server: listens, prints its address, and ends at Ctrl-C without waiting for browsers."""

from __future__ import annotations

import errno
import socket

import uvicorn

from classpulse.web.app import create_app
from classpulse.web.serving import Serving
from engine.errors import UsageError
from engine.runtime.platform import reserve_address

#: Seconds for open responses to end; the stream of progress would never end by itself.
FAREWELL = 1


def run(serving: Serving) -> None:
    """Serve until Ctrl-C. Raises UsageError if it cannot listen on the address."""
    app = create_app(serving)
    with listen(serving) as listener:
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        print(f"classpulse at http://{shown}:{port} – Ctrl-C stops it", flush=True)  # noqa: T201 -- what the command says
        if not serving.has_database:
            print(f"{serving.db} does not exist yet; the first analysis creates it", flush=True)  # noqa: T201
        config = uvicorn.Config(
            app,
            log_level="warning",  # addresses name sessions, and the log must not record access to them
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=FAREWELL,
        )
        uvicorn.Server(config).run(sockets=[listener])


def listen(serving: Serving) -> socket.socket:
    """A socket at the address."""
    try:
        family, *_, address = socket.getaddrinfo(
            serving.host, serving.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        reserve_address(listener)
        try:
            listener.bind(address)
            listener.listen()  # connections before the server is ready wait
        except OSError:
            listener.close()
            raise
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            remedy = "another program listens there; choose another --port"
        else:
            remedy = f"{error.strerror or error}; choose another --host or --port"
        raise UsageError(f"{serving.host}:{serving.port}: {remedy}") from error
    return listener
