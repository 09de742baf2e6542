"""Names that are not UTF-8: stored and shown with escapes, found again under their bytes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from storage.paths import escaped, path_of
from storage.store import Store
from tests.storage.conftest import write_session


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("café.mp4", "café.mp4"),
        (os.fsdecode(b"caf\xe9.mp4"), r"caf\xe9.mp4"),
        (os.fsdecode(b"\x80\xff"), r"\x80\xff"),
        ("half \ud83d", r"half \ud83d"),
        (r"C:\xe9", r"C:\xe9"),
    ],
)
def test_bytes_that_are_not_utf_8_are_escaped(text: str, stored: str) -> None:
    assert escaped(text) == stored
    stored.encode()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no names of bytes")
def test_the_path_is_found_again(tmp_path: Path) -> None:
    real = tmp_path / os.fsdecode(b"caf\xe9.mp4")
    real.touch()
    assert path_of(escaped(str(real))) == real
    literal = tmp_path / r"caf\xe9.mp4"
    literal.touch()  # a file that really is called so comes first
    assert path_of(escaped(str(real))) == literal
    assert path_of(str(tmp_path / r"\xg1")) == tmp_path / r"\xg1"


def test_a_session_of_such_a_file_is_found_by_its_name(store: Store) -> None:
    name = os.fsdecode(b"caf\xe9.mp4")
    session = write_session(store, name=name, source=f"/lessons/{name}")
    row = store.session(session)
    assert (row["name"], row["source"], row["file_name"]) == (
        r"caf\xe9.mp4",
        r"/lessons/caf\xe9.mp4",
        r"caf\xe9.mp4",
    )
    for key in (name, r"caf\xe9.mp4", f"elsewhere/{name}"):
        assert store.find_session(key) == session
