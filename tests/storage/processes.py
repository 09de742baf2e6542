"""Other processes that write to a database, for a test to start and interrupt, and another user to be."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage import queries
from storage.store import Store

ROOT = Path(__file__).parents[2]
#: The exit status of a process that SIGKILL, which Windows does not have, has ended.
KILLED = -9

#: Begins a session and writes segments of 2,000 faces without end, for a test to interrupt.
WRITER = """
    import sys
    from fractions import Fraction
    import numpy as np
    from storage import schema
    from storage.store import Store

    def columns(segment):
        pts = np.arange(segment * 50, segment * 50 + 50)
        names = [column.name for column in schema.faces.c if column.name not in ("session_id", "track")]
        values = dict.fromkeys(names, np.zeros(2000, int))
        values |= {"pts": pts.repeat(40), "face": np.tile(np.arange(40), 50), "score_4": np.full(2000, 1 / 7)}
        values["landmarks"] = np.full(2000, bytes(40), object)
        values["appearance"] = np.full(2000, None, object)
        return {"pts": pts, "time": pts / 5}, values

    def begin(store, name="lesson"):
        return store.add_session(
            name=name, source="lesson.mp4", sha256="", settings="{}", version="0", models="{}",
            time_base=Fraction(1, 5), start_pts=0, width=1, height=1,
        )
"""


def start(script: str, *arguments: str | Path, stdin: int | None = None) -> subprocess.Popen[str]:
    code = textwrap.dedent(WRITER) + textwrap.dedent(script)
    command = [sys.executable, "-c", code, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command,
        env=environment,
        cwd="/",
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def write_at_once(target: str | Path) -> None:
    """Three processes make the database at the same moment, and write their sessions at once: all are there."""
    script = """
        with Store.open(sys.argv[1]) as store:
            session = begin(store, sys.argv[2])
            for segment in range(5):
                store.write_segment(session, segment, *columns(segment))
    """
    children = [start(script, target, name) for name in ("a", "b", "c")]
    assert [child.communicate()[0] for child in children] == ["", "", ""]
    with Store.open(target) as store:
        assert sorted(queries.sessions(store)["name"]) == ["a", "b", "c"]
        assert [store.committed_segments(session) for session in (1, 2, 3)] == [set(range(5))] * 3


def check_whole_segments(path: Path) -> list[int]:
    """The committed segments; fails unless each has all its rows, and no row is without its segment."""
    with Store.open(path) as store, store.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
        counted = connection.exec_driver_sql(
            "SELECT segment, count(*), sum(there) FROM frames LEFT JOIN (SELECT session_id, pts, count(*) AS there"
            " FROM faces GROUP BY session_id, pts) USING (session_id, pts) GROUP BY session_id, segment"
        ).all()
        noted = connection.exec_driver_sql("SELECT segment, frames, faces FROM segments").all()
    assert counted == noted
    return [row[0] for row in noted]


def is_root() -> bool:
    """Whether this process can become another user and come back."""
    return sys.platform == "linux" and os.getuid() == 0


def become(user: int) -> None:
    """Let this process act as another user, from which it can come back; nothing happens unless `is_root`."""
    if sys.platform == "linux":
        os.setresuid(user, user, 0)


@contextmanager
def ordinary_user() -> Iterator[None]:
    if sys.platform != "linux" or os.getuid() != 0:
        yield
        return
    os.setresgid(65534, 65534, 0)
    os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
        os.setresgid(0, 0, 0)
