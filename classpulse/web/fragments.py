"""Fragments of sessions that were rendered before: made once for many readers, until the session changes."""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from engine.version import __version__
from storage import queries

#: What the fragments of a session depend on: its row, names, corrections, judgements and phases. Windows, faces and
#: tracks change with `finished`, a correction or a judgement.
_REVISION = {
    "session": "SELECT name, file_name, source, state, finished FROM sessions WHERE session_id = :session",
    "students": "SELECT student, name, role, coverage FROM v_students WHERE session_id = :session ORDER BY student",
    "corrections": "SELECT count(*), count(undone), max(undone) FROM corrections WHERE session_id = :session",
    "judgements": "SELECT judgement_id, created FROM judgements WHERE session_id = :session ORDER BY judgement_id",
    "phases": "SELECT phase, phase_label, start, stop FROM v_phases WHERE session_id = :session ORDER BY phase",
    "warnings": "SELECT count(*) FROM warnings WHERE session_id = :session",
}
#: The language of all fragments.
LANGUAGE = "en"
#: Bytes of fragments in memory, before and after compression.
LARGEST = 64_000_000

Key = tuple[object, ...]


@dataclass(frozen=True)
class Fragment:
    """A rendered text with its fingerprint, plain and compressed."""

    revision: str
    etag: str
    text: bytes
    packed: bytes

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return len(self.text) + len(self.packed)


class Fragments:
    """The most recently used fragments of a database's sessions."""

    def __init__(self, db: str) -> None:
        self._db = db
        self._lock = threading.Lock()
        self._known: OrderedDict[Key, Fragment] = OrderedDict()
        self._making: dict[Key, threading.Lock] = {}
        self._revisions: dict[int, tuple[object, str]] = {}

    def get(self, session_id: int, key: Key, make: Callable[[], str]) -> Fragment:
        """The fragment with this `key` of a session, from memory while its revision holds; else made once."""
        revision, key = self.revision(session_id), (session_id, LANGUAGE, *key)
        if fragment := self._fresh(key, revision):
            return fragment
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:  # others who ask for the same wait for it
            if fragment := self._fresh(key, revision):
                return fragment
            text = make().encode()
            etag = hashlib.sha256(text + __version__.encode()).hexdigest()[:32]
            fragment = Fragment(revision, f'"{etag}"', text, gzip.compress(text, 6, mtime=0))
            self._keep(key, fragment)
        return fragment

    def answer(self, request: Request, session_id: int, key: Key, make: Callable[[], str]) -> Response:
        """`get` as an answer: 304 to who has it, compressed to who can read that."""
        fragment = self.get(session_id, key, make)
        headers = {"etag": fragment.etag, "vary": "accept-encoding, cookie, authorization"}
        if fragment.etag in [
            tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")
        ]:
            return Response(status_code=304, headers=headers)
        accepted = [part.split(";")[0].strip() for part in request.headers.get("accept-encoding", "").split(",")]
        if "gzip" in accepted:
            return Response(fragment.packed, headers=headers | {"content-encoding": "gzip"}, media_type="text/html")
        return Response(fragment.text, headers=headers, media_type="text/html")

    def revision(self, session_id: int) -> str:
        """What changes with anything that a fragment of the session shows."""
        stamp = self._stamp()
        known = self._revisions.get(session_id)
        if known and stamp is not None and known[0] == stamp:
            return known[1]
        rows = [queries.query(self._db, sql, {"session": session_id}).to_csv() for sql in _REVISION.values()]
        revision = hashlib.sha256("\n".join(rows).encode()).hexdigest()
        self._revisions[session_id] = stamp, revision
        return revision

    def _stamp(self) -> object:
        """What changes with every commit to a database in a file; None for one that is none."""
        path = Path(self._db.removeprefix("sqlite:///"))
        stamps: list[tuple[int, int] | None] = []
        for file in (path, path.with_name(f"{path.name}-wal")):
            try:
                about = file.stat()
            except OSError:
                stamps.append(None)
            else:
                stamps.append((about.st_mtime_ns, about.st_size))
        return tuple(stamps) if stamps[0] else None

    def _fresh(self, key: Key, revision: str) -> Fragment | None:
        with self._lock:
            fragment = self._known.get(key)
            if fragment is None or fragment.revision != revision:
                return None
            self._known.move_to_end(key)
            return fragment

    def _keep(self, key: Key, fragment: Fragment) -> None:
        with self._lock:
            self._known[key] = fragment
            self._known.move_to_end(key)
            self._making.pop(key, None)
            while len(self._known) > 1 and sum(each.size for each in self._known.values()) > LARGEST:
                self._known.popitem(last=False)
