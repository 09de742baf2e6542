"""What students are called in an export: by label, by name on demand, or by a pseudonym that needs a key file."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from engine.errors import SourceError, UsageError
from engine.outputs import output_file
from engine.sessions.students import are_students, number_of
from engine.texts import normalised

#: The first line of a key file.
_HEAD = "classpulse pseudonyms 1"
_KEY = re.compile(rf"{_HEAD}\n([0-9a-f]{{64}})\n")
#: Columns that name a session or a file of it, which may contain names of people.
_SESSION_COLUMNS = ("session", "file_name")
#: Columns with the number of a student.
_NUMBERS = ("student", "found")
#: Columns that identify a person beyond the session's label.
NAMES = ("name", "person")


class Readable(Protocol):
    """A session, as far as its people are asked for."""

    def info(self) -> dict[str, Any]:
        """The session's row."""

    def students(self) -> pd.DataFrame:
        """A row for every student."""


class People:
    """The students of one session, as an export shows them."""

    def __init__(self, session: Readable, *, names: bool = False, key: bytes | None = None) -> None:
        info, self.students = session.info(), session.students()
        self.names, self.key = names, key
        self.session = str(info["name"])
        # A camera's session has no file, and so no digest.
        recording = info["sha256"] or info["created"]
        self._shown: dict[str, str] = {}
        for label, name in self.students[["label", "name"]].itertuples(index=False):
            named = isinstance(name, str)
            if key is not None:
                # By name a person is the same in every session; without one there is only this recording's student.
                self._shown[label] = pseudonym(key, f"name {normalised(name)}" if named else f"{recording} {label}")
            else:
                self._shown[label] = str(name) if named and names else label
        if key is not None:
            self.session = pseudonym(key, f"session {recording}")
        order = sorted(self._shown, key=self._shown.__getitem__) if key is not None else list(self._shown)
        self._numbers = {
            number_of(label): place if key is not None else number_of(label) for place, label in enumerate(order)
        }

    def judged(self) -> list[str]:
        """The labels of those who are judged, in the order of what they are called here."""
        labels = self.students.loc[are_students(self.students), "label"]
        return sorted(labels, key=self.number)

    def called(self, label: str) -> str:
        """What the student with this label is called."""
        return self._shown[label]

    def file_stem(self, label: str) -> str:
        """The same, for the name of a file: never a name."""
        return label if self.key is None else self._shown[label]

    def number(self, label: str) -> int:
        """The student's number; with pseudonyms another one, which tells nothing of the label."""
        return self._numbers[number_of(label)]

    def relabelled(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Rows of a table or view without NAMES unless asked for, and with pseudonyms in place of labels."""
        hidden = [] if self.names else [name for name in NAMES if name in rows]
        rows = rows.drop(columns=hidden)
        if self.key is None:
            return rows
        rows = rows.drop(columns=[name for name in _SESSION_COLUMNS if name in rows])
        numbers: Mapping[Any, int] = self._numbers
        replaced = {name: rows[name].map(numbers).astype("Int64") for name in _NUMBERS if name in rows}
        if "label" in rows:
            replaced["label"] = rows["label"].map(self._shown)
        rows = rows.assign(**replaced)
        order = [name for name in ("judgement_id", "window", "phase", "pts", "face", "student") if name in rows]
        return rows.sort_values(order, kind="stable", ignore_index=True) if "student" in rows else rows


def pseudonym(key: bytes, of: str) -> str:
    """50 bits of HMAC-SHA256, as X and ten letters or digits: stable for one key, and nothing without it."""
    digest = hmac.new(key, of.encode("utf-8", "surrogateescape"), hashlib.sha256).digest()
    return "X" + base64.b32encode(digest)[:10].decode()


def read_key(path: Path, folder: Path) -> bytes:
    """The key in a file, which is made where it is not there, readable by its owner alone.

    Raises UsageError for another file, and for one in the `folder` of the export: who has both has the labels.
    """
    if path.absolute().is_relative_to(folder.absolute()):
        raise UsageError(f"{path}: the key must not lie in the export; keep it elsewhere")
    if not path.exists():
        with output_file(path, replaces=lambda _: False) as partial:
            partial.write_text(f"{_HEAD}\n{secrets.token_hex(32)}\n", "ascii")
    try:
        match = _KEY.fullmatch(path.read_bytes()[:200].decode("ascii", "replace"))
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}; check the path", exit_status=2) from error
    if match is None:
        raise UsageError(f"{path}: not a key file of classpulse; name a new file, and it is made")
    return bytes.fromhex(match[1])
