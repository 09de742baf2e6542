"""From schema version 1 to 2.

Whoever changes schema.py before version 2 is released changes this step in the same commit, until
tests/storage/test_upgrading.py finds that a file of version 1 becomes just what a new one is. It runs in one
transaction on SQLite and PostgreSQL alike, with the views dropped before and made again from views.sql after it,
and SQLite's foreign keys off. Nothing here may import schema.py: that will be another version's one day.

* A new table: `op.create_table("marks", Column(...), ..., sqlite_with_rowid=False)`, written out as in schema.py
  (without comments, which SQLite does not keep; PostgreSQL has no version 1). Constraints are named as there:
  `CheckConstraint(..., name="kind")` becomes `ck_marks_kind`, the others need no name.
* A new column that is the last of its table and may be NULL, or has a server_default that stays:
  `op.add_column("sessions", Column("area", Text))`. It takes no time, however large the file: the way for `faces`.
* A new column elsewhere, another type, constraint or list of allowed values; SQLite makes such a table anew:

      with op.batch_alter_table("repairs", recreate="always") as repairs:
          repairs.add_column(Column("why", Text), insert_after="action")
          repairs.drop_constraint(op.f("ck_repairs_action"), type_="check")  # op.f: this is the whole name
          repairs.create_check_constraint("action", "action IN ('rename', 'merge', 'split', 'forget')")

* A column less: `op.drop_column("students", "name")`, after `op.execute("INSERT INTO names SELECT ...")` saved it.
"""

from __future__ import annotations

import json

from alembic.operations import Operations
from sqlalchemy import (
    REAL,
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Integer,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.schema import SchemaItem


def upgrade(op: Operations) -> None:
    """Take each table to version 2."""
    _names_into_one_table(op)
    with op.batch_alter_table("repairs", recreate="always") as repairs:
        repairs.drop_constraint(op.f("ck_repairs_action"), type_="check")
        repairs.create_check_constraint("action", "action IN ('rename', 'merge', 'split', 'forget')")
    op.create_table(
        "excluded",
        Column("session_id", Integer, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
        Column("region", BigInteger, nullable=False),
        Column("x", REAL, nullable=False),
        Column("y", REAL, nullable=False),
        Column("size", REAL, nullable=False),
        Column("since", Text, nullable=False),
        PrimaryKeyConstraint("session_id", "region"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "attention_windows",
        Column("judgement_id", Integer, ForeignKey("judgements.id", ondelete="CASCADE"), nullable=False),
        Column("student", BigInteger, nullable=False),
        Column("window", BigInteger, nullable=False),
        Column("visible", REAL, nullable=False),
        Column("facing", REAL),
        Column("movement", REAL),
        PrimaryKeyConstraint("judgement_id", "student", "window"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "marks",
        Column("session_id", Integer, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
        Column("mark", BigInteger, nullable=False),
        Column("start", Double, nullable=False),
        Column("stop", Double),
        Column("label", Text, nullable=False),
        Column("made", Text, nullable=False),
        PrimaryKeyConstraint("session_id", "mark"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "student_parts",
        *_part("student", "mark"),
        Column("frames", Integer, nullable=False),
        Column("faces", Integer, nullable=False),
        Column("scorable", Integer, nullable=False),
        Column("positive", REAL, nullable=False),
        Column("negative", REAL, nullable=False),
        Column("visible", REAL, nullable=False),
        Column("facing", REAL),
        Column("movement", REAL),
        sqlite_with_rowid=False,
    )
    counts = ("students", "interested", "neutral", "not_interested", "insufficient", "faces", "scorable")
    op.create_table(
        "class_parts",
        *_part("mark"),
        *(Column(name, Integer, nullable=False) for name in counts),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "profiles",
        Column("name", Text, primary_key=True),
        *(Column(name, Text, nullable=False) for name in ("settings", "origin", "sha256")),
        *(Column(name, Integer, nullable=False) for name in ("coders", "students", "stretches")),
        *(Column(name, REAL) for name in ("kappa_before", "kappa_in", "kappa_out")),
        Column("made", Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rules",
        Column("rule", Text, primary_key=True),
        Column("value", Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "audit",
        Column("entry", Integer, primary_key=True),
        Column("at", Text, nullable=False),
        Column("who", Text, nullable=False),
        Column("command", Text, nullable=False),
        Column("session_id", Integer),
        Column("arguments", Text, nullable=False),
        Column("outcome", Text, nullable=False),
        CheckConstraint("outcome IN ('done', 'failed', 'stopped')", name="outcome"),
        sqlite_autoincrement=True,
    )


def _part(*key: str) -> list[SchemaItem]:
    """What the verdicts of parts have in common, and their key."""
    return [
        Column("judgement_id", Integer, ForeignKey("judgements.id", ondelete="CASCADE"), nullable=False),
        *(Column(name, BigInteger, nullable=False) for name in key),
        Column("start", Double, nullable=False),
        Column("stop", Double, nullable=False),
        Column("verdict", Text, nullable=False),
        Column("balance", REAL),
        Column("margin", REAL),
        Column("coverage", REAL, nullable=False),
        PrimaryKeyConstraint("judgement_id", *key),
        CheckConstraint("verdict IN ('interested', 'neutral', 'not interested', 'insufficient')", name="verdict"),
    ]


def _names_into_one_table(op: Operations) -> None:
    """Names leave students, seats and the arguments of repairs, which have the numbers of people instead."""
    op.create_table(
        "people",
        Column("person", Integer, primary_key=True),
        Column("name", Text),
        UniqueConstraint("name"),
        sqlite_autoincrement=True,
    )
    connection = op.get_bind()
    rows = "SELECT session_id, repair, arguments FROM repairs WHERE action = 'rename' ORDER BY session_id, repair"
    renamed = [(session, repair, json.loads(given)) for session, repair, given in connection.execute(text(rows))]
    names = {name: None for *_, given in renamed for name in given["names"].values() if name}
    for table in ("students", "seats"):
        of_table = f"SELECT DISTINCT name FROM {table} WHERE name IS NOT NULL ORDER BY name"
        names |= dict.fromkeys(connection.scalars(text(of_table)))
    persons = {name: person for person, name in enumerate(names, 1)}
    for name in persons:
        connection.execute(text("INSERT INTO people (name) VALUES (:name)"), {"name": name})
    for session, repair, given in renamed:
        given["persons"] = {label: persons[name] if name else None for label, name in given.pop("names").items()}
        row = {"session": session, "repair": repair, "arguments": json.dumps(given)}
        change = "UPDATE repairs SET arguments = :arguments WHERE session_id = :session AND repair = :repair"
        connection.execute(text(change), row)
    with op.batch_alter_table("students", recreate="always") as students:
        students.add_column(Column("person", Integer), insert_after="label")
    op.execute("UPDATE students SET person = (SELECT person FROM people WHERE people.name = students.name)")
    op.drop_column("students", "name")
    op.add_column("students", Column("area", Text))
    op.create_index(op.f("ix_students_person"), "students", ["person"])
    op.rename_table("seats", "named_seats")
    op.create_table(
        "seats",
        Column("room", Text, nullable=False),
        Column("person", Integer, nullable=False),
        Column("x", REAL, nullable=False),
        Column("y", REAL, nullable=False),
        Column("size", REAL, nullable=False),
        Column("spread", REAL, nullable=False),
        Column("session_id", Integer, ForeignKey("sessions.id", ondelete="SET NULL")),
        Column("saved", Text, nullable=False),
        PrimaryKeyConstraint("room", "person"),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO seats SELECT room, person, x, y, size, spread, session_id, saved"
        " FROM named_seats JOIN people USING (name)"
    )
    op.drop_table("named_seats")
