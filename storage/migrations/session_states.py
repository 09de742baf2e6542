"""How the states that a session may have are changed, which SQLite does by making the table anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from alembic.operations import Operations
from sqlalchemy import text


def restate_sessions(op: Operations, states: Sequence[str], renamed: Mapping[str, str] | None = None) -> None:
    """Allow `states` and no others, and give sessions whose state is `renamed` the new name.

    SQLite must be told the highest number that it ever gave to a session.
    """
    connection = op.get_bind()
    on_sqlite = connection.dialect.name == "sqlite"
    last = "SELECT seq FROM sqlite_sequence WHERE name = 'sessions'"
    highest = connection.scalar(text(last)) if on_sqlite else None
    with op.batch_alter_table("sessions", table_kwargs={"sqlite_autoincrement": True}) as sessions:
        sessions.drop_constraint(op.f("ck_sessions_state"), type_="check")
    for old, new in (renamed or {}).items():
        op.execute(f"UPDATE sessions SET state = '{new}' WHERE state = '{old}'")
    with op.batch_alter_table("sessions", table_kwargs={"sqlite_autoincrement": True}) as sessions:
        sessions.create_check_constraint("state", f"state IN ({', '.join(map(repr, states))})")
    if highest is not None:
        op.execute("DELETE FROM sqlite_sequence WHERE name = 'sessions'")
        connection.execute(
            text("INSERT INTO sqlite_sequence (name, seq) VALUES ('sessions', :seq)"), {"seq": highest}
        )
