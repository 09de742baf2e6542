"""A PostgreSQL server for the tests: the one that CLASSPULSE_POSTGRES names, or one of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


@contextmanager
def server() -> Iterator[str]:
    """The URL of a database in which schemas can be made; without one, the test is skipped with the reason."""
    pytest.importorskip("psycopg", reason="PostgreSQL needs the extra `postgres`")
    if url := os.environ.get("CLASSPULSE_POSTGRES"):
        yield url
        return
    if sys.platform == "win32":
        pytest.skip("no PostgreSQL server: CLASSPULSE_POSTGRES names none")
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        pytest.skip("no PostgreSQL server: none in /usr/lib/postgresql, and CLASSPULSE_POSTGRES names none")
    with tempfile.TemporaryDirectory(prefix="classpulse-postgres-") as folder:
        as_user: dict[str, Any] = {"cwd": folder, "check": True, "stdout": subprocess.DEVNULL}
        if os.getuid() == 0:  # PostgreSQL does not run as root
            import pwd

            user = pwd.getpwnam("postgres")
            os.chown(folder, user.pw_uid, user.pw_gid)
            as_user |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        data, programs_of = f"{folder}/data", programs[-1].parent
        options = ("-U", "postgres", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8")
        subprocess.run([str(programs_of / "initdb"), "-D", data, *options], **as_user)
        with Path(data, "pg_hba.conf").open("r+") as rules:  # who is called guarded needs a password
            others = rules.read()
            rules.seek(0)
            rules.write(f"local all guarded scram-sha-256\n{others}")
        settings = f"-k {folder} -c listen_addresses='' -c fsync=off -c max_connections=30"
        control = [str(programs_of / "pg_ctl"), "-D", data, "-w"]
        subprocess.run([*control, "-o", settings, "-l", f"{folder}/log", "start"], **as_user)
        try:
            yield f"postgresql://postgres@/postgres?host={folder}"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], **as_user)


def restart(url: str) -> None:
    """Restart the server that `server` started, as a crash would: every connection ends."""
    if os.environ.get("CLASSPULSE_POSTGRES"):
        pytest.skip("CLASSPULSE_POSTGRES names a server that is not ours to restart")
    if sys.platform == "win32":
        pytest.skip("no server is started there")
    from sqlalchemy import make_url

    folder = str(make_url(url).query["host"])
    program = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))[-1]
    command = [str(program), "-D", f"{folder}/data", "-w", "-m", "immediate", "-l", f"{folder}/log", "restart"]
    owner = Path(folder).stat()
    as_user: dict[str, Any] = {} if os.getuid() else {"user": owner.st_uid, "extra_groups": []}
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, **as_user)


@contextmanager
def empty_schema(url: str) -> Iterator[str]:
    """The URL of a new schema in the database at `url`, which is dropped afterwards."""
    from sqlalchemy import create_engine, make_url

    name = f"test_{os.getpid()}_{os.urandom(4).hex()}"
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {name}")
        try:
            yield make_url(url).update_query_dict({"options": f"-csearch_path={name}"}).render_as_string(False)
        finally:
            connection.exec_driver_sql(f"DROP SCHEMA {name} CASCADE")
    engine.dispose()
