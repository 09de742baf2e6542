"""An analysis writes the database and nothing else, no picture of a person, and speaks to nobody."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
#: Analyses, and notes every file that Python opens to write, and everybody it speaks to.
SCRIPT = """
import json, os, sys
written = set()

def hook(event, arguments):
    if event == "open" and isinstance(arguments[0], str):
        path, mode, flags = arguments
        if (mode and set(mode) & set("wax+")) or (flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            written.add(os.path.abspath(path))
    elif event in ("os.mkdir", "os.rename", "os.link", "os.symlink", "shutil.copyfile"):
        written.add(os.path.abspath(str(arguments[-1] if event != "os.mkdir" else arguments[0])))
    elif event in ("socket.getaddrinfo", "socket.connect"):
        written.add(f"{event} {arguments}")

sys.addaudithook(hook)
from engine import Settings, analyze

settings = Settings(sample_rate=1, min_face=40, aggregate_only=sys.argv[3] == "class")
analyze(sys.argv[1], sys.argv[2], settings=settings)
print(json.dumps(sorted(written)))
"""


@pytest.mark.parametrize("kept", ["all", "class"])
def test_nothing_but_the_database_is_written(recording: Path, tmp_path: Path, kept: str) -> None:
    """As Python notes it, and as the folders that a library might write to look afterwards."""
    folders = {name: tmp_path / name.lower() for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "CWD", "DB")}
    for folder in folders.values():
        folder.mkdir()
    environment = {name: str(folder) for name, folder in folders.items()}
    environment |= {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "PATH": os.environ["PATH"]}
    db = folders["DB"] / "classpulse.db"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(recording), str(db), kept],
        env=environment, cwd=folders["CWD"], capture_output=True, text=True, check=True,
    )  # fmt: skip
    written = json.loads(done.stdout.splitlines()[-1])
    lock = [path for path in written if path.startswith(f"{db}-") and path.endswith(".lock")]
    assert len(set(lock)) == 1
    assert [path for path in written if path not in (str(db), os.devnull, *lock)] == []
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in files if path != db] == []
    assert b"\xff\xd8\xff" not in db.read_bytes()  # a JPEG begins so
    assert b"\x89PNG" not in db.read_bytes()


def test_no_pass_can_write_a_picture() -> None:
    """In the rooms that see faces nothing is called that writes or packs one."""
    writers = re.compile(r"\b(imwrite|imencode|VideoWriter|imsave|tofile|np\.save|savez)\b|mode=\"w\"")
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for room in ("engine", "tracking", "storage")
        for path in (ROOT / room).rglob("*.py")
        if path.parent.name != "models"  # scripts that made the networks
        for match in writers.finditer(path.read_text("utf-8"))
    ]
    assert found == []
