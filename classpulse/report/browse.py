"""Shows a database in Datasette: read-only, on this machine alone, and described from the schema itself."""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import rich
import uvicorn
from datasette.app import Datasette
from datasette.database import Database
from sqlalchemy import Table

from engine.runtime.platform import reserve_address
from storage.dictionary import relations
from storage.named import named_queries
from storage.sqlite import SqliteDatabase

#: Columns with few values, by which rows are counted and chosen.
FACETS = (
    "session",
    "judgement",
    "latest",
    "verdict",
    "label",
    "area",
    "why",
    "strategy",
    "state",
    "action",
    "phase",
)
#: Counting all the faces of a term takes longer than Datasette would wait.
SETTINGS = {"sql_time_limit_ms": 10_000, "max_returned_rows": 10_000, "allow_download": False}
HOST = "127.0.0.1"

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]
_App = Callable[
    [_Message, _Receive, _Send], Awaitable[None]
]  # https://asgi.readthedocs.io/en/latest/specs/main.html


class _Reader(Database):  # type: ignore[misc]  # Datasette has no types
    """The file opened read-only, as by every other command, so that no plugin can write to it."""

    def connect(self, write: bool = False) -> sqlite3.Connection:
        if write:
            raise sqlite3.OperationalError(f"{self.path} is only read")
        connection = SqliteDatabase(Path(self.path)).reader()
        self._all_file_connections.append(connection)  # for close()
        return connection


def serve(path: Path, port: int, ready: Callable[[str], None]) -> None:
    """Show the database at `path` until a Ctrl-C; `ready` receives the address. Port 0 picks a free one.

    Raises OSError, with the address in its text, where the port is taken.
    """
    with socket.socket() as listening:
        reserve_address(listening)
        try:
            listening.bind((HOST, port))
        except OSError as error:
            raise OSError(error.errno, error.strerror, f"{HOST}:{port}") from error
        address = f"{HOST}:{listening.getsockname()[1]}"
        config = uvicorn.Config(_only_for(address, app(path)), log_level="warning", lifespan="off")
        listening.listen()
        rich.reconfigure(quiet=True)  # Datasette would print every error with all variables, and names among them
        ready(f"http://{address}/{path.stem}")
        uvicorn.Server(config).run(sockets=[listening])


def app(path: Path) -> _App:
    """Datasette on the database at `path`."""
    datasette = Datasette(metadata=metadata(path), settings=SETTINGS)
    datasette.add_database(_Reader(datasette, path=str(path), is_mutable=True), name=path.stem)
    made: _App = datasette.app()
    return made


def metadata(path: Path) -> dict[str, Any]:
    """Titles, meanings with units, facets and the named queries, https://docs.datasette.io/en/stable/metadata.html."""
    return {
        "title": "classpulse",
        "description": "A verdict is an expression-based indicator, not evidence of what a student thinks.",
        "databases": {
            path.stem: {
                "description": "Ask the views (v_...); the queries below answer what teachers ask.",
                "tables": {table.name: _described(table) for table in relations().values()},
                "queries": {
                    query.name: {"title": query.question, "description": query.note, "sql": query.sql}
                    for query in named_queries().values()
                },
            }
        },
    }


def _described(table: Table) -> dict[str, Any]:
    return {
        "title": f"{table.name}: {table.comment}",
        "columns": {column.name: column.comment for column in table.c},
        "facets": [name for name in FACETS if name in table.c],
    }


def _only_for(address: str, inner: _App) -> _App:
    """The app for requests to this host; a foreign name that resolves to it is refused (DNS rebinding)."""

    async def guarded(scope: _Message, receive: _Receive, send: _Send) -> None:
        hosts = {value.decode("latin-1") for name, value in scope.get("headers", ()) if name == b"host"}
        if hosts <= {address, address.replace(HOST, "localhost")}:
            await inner(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 400, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": f"This is {address}.\n".encode()})

    return guarded
