"""The server: listens, prints its address, and ends at Ctrl-C without waiting for browsers."""

from __future__ import annotations

import asyncio
import errno
import socket
from functools import partial

import uvicorn
from fastapi import FastAPI

from classpulse.web.app import create_app
from classpulse.web.connections import BACKLOG, IN_ALL, Connections, Listener, Loop, TimedProtocol
from classpulse.web.serving import Serving
from engine.errors import UsageError
from engine.runtime.platform import allow_open_files, reserve_address

#: Seconds for open responses to end; the stream of progress would never end by itself.
FAREWELL = 1
#: Files that a process of this kind may need beside its connections.
FILES = 300


def run(serving: Serving) -> None:
    """Serve until Ctrl-C. Raises UsageError if it cannot listen on the address, or another has the queue."""
    with listen(serving) as listener:  # first: a server that cannot even listen must not touch the queue
        app = create_app(serving)
        app.state.services.jobs.claim()
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        scheme = "https" if serving.tls_cert else "http"
        print(f"classpulse at {scheme}://{shown}:{port} – Ctrl-C stops it", flush=True)  # noqa: T201 -- what the command says
        if not serving.has_database:
            print(f"{serving.db} does not exist yet; the first analysis creates it", flush=True)  # noqa: T201
        with asyncio.Runner(loop_factory=Loop) as runner:
            runner.run(uvicorn.Server(configured(app, serving, listener)).serve(sockets=[listener]))


def configured(app: FastAPI, serving: Serving, listener: Listener) -> uvicorn.Config:
    """Uvicorn's settings: what it may log, whom it believes, and how long it waits."""
    return uvicorn.Config(
        app,
        http=partial(TimedProtocol, connections=listener.connections),
        ws="none",
        log_level="warning",  # addresses name sessions, and the log must not record access to them
        access_log=False,
        server_header=False,
        # What X-Forwarded-For says counts only from a proxy that was named: anybody may write anything there.
        proxy_headers=serving.proxy is not None,
        forwarded_allow_ips=["127.0.0.1", "::1"],
        ssl_certfile=serving.tls_cert,
        ssl_keyfile=serving.tls_key,
        backlog=BACKLOG,
        timeout_graceful_shutdown=FAREWELL,
    )


def listen(serving: Serving) -> Listener:
    """A socket at the address, which admits connections as `Connections` allows."""
    try:
        family, *_, address = socket.getaddrinfo(
            serving.host, serving.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = Listener(family, socket.SOCK_STREAM)
        files = allow_open_files(IN_ALL + FILES)
        listener.connections = Connections(in_all=max(min(IN_ALL, files - FILES), 50))
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
