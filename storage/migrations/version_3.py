"""From schema version 2 to 3: standard names, the classes that faces are scored for, and the camera's path.

Whoever changes the schema before version 3 is released changes this step in the same commit, until
tests/storage/test_upgrading.py finds that an older file becomes just what a new one is. It runs in one transaction
on SQLite and PostgreSQL alike, with the views dropped before and made again from views.sql after it, and SQLite's
foreign keys off; version_2.py says how tables change. Nothing here may import storage.schema: that will be another
version's one day.
"""

from __future__ import annotations

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
)
from sqlalchemy.schema import SchemaItem

from storage.migrations.session_states import restate_sessions

#: The classes of FER's network, the only scorer until now, in the order of its seven columns, with their polarity.
CLASSES = {
    "angry": "negative",
    "disgust": "negative",
    "fear": "negative",
    "happy": "positive",
    "sad": "negative",
    "surprise": "positive",
    "neutral": "neutral",
}

#: Eight bytes on PostgreSQL, too.
_REAL: REAL[float] = REAL().with_variant(Double(), "postgresql")


def upgrade(op: Operations) -> None:
    """Take each table to version 3."""
    _rename_columns(op)
    restate_sessions(op, ("detecting", "detected", "done"), {"seeing": "detecting", "seen": "detected"})
    _add_classes(op)
    for name in ("path_a", "path_b", "path_x", "path_y"):
        op.add_column("frames", Column(name, _REAL))
    op.add_column("frames", Column("path_section", Integer))
    _rename_tables(op)


def _rename_columns(op: Operations) -> None:
    """In place, whatever the size of the table; what refers to a column goes on to."""
    names = {
        "sessions": {"id": "session_id"},
        "judgements": {"id": "judgement_id"},
        "faces": {name: f"score_{number}" for number, name in enumerate(CLASSES, 1)} | {"look": "appearance"},
        "profiles": {"stretches": "intervals"},
    }
    for table, columns in names.items():
        for old, new in columns.items():
            op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")


def _add_classes(op: Operations) -> None:
    op.create_table(
        "classes",
        Column("session_id", Integer, ForeignKey("sessions.session_id", ondelete="CASCADE"), nullable=False),
        Column("number", BigInteger, nullable=False),
        Column("name", Text, nullable=False),
        Column("polarity", Text, nullable=False),
        PrimaryKeyConstraint("session_id", "number"),
        UniqueConstraint("session_id", "name"),
        CheckConstraint("polarity IN ('positive', 'neutral', 'negative', 'ignored')", name="polarity"),
        sqlite_with_rowid=False,
    )
    for number, (name, polarity) in enumerate(CLASSES.items(), 1):
        op.execute(f"INSERT INTO classes SELECT session_id, {number}, '{name}', '{polarity}' FROM sessions")
    for number in range(8, 13):
        op.add_column("faces", Column(f"score_{number}", REAL))


def _rename_tables(op: Operations) -> None:
    """Made anew, so that their constraints have the new names, too: they are small."""
    op.create_table(
        "corrections",
        Column("session_id", Integer, ForeignKey("sessions.session_id", ondelete="CASCADE"), nullable=False),
        Column("correction", BigInteger, nullable=False),
        Column("action", Text, nullable=False),
        Column("arguments", Text, nullable=False),
        Column("made", Text, nullable=False),
        Column("undone", Text),
        PrimaryKeyConstraint("session_id", "correction"),
        CheckConstraint("action IN ('rename', 'merge', 'split', 'forget')", name="action"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "phases",
        Column("session_id", Integer, ForeignKey("sessions.session_id", ondelete="CASCADE"), nullable=False),
        Column("phase", BigInteger, nullable=False),
        Column("start", Double, nullable=False),
        Column("stop", Double),
        Column("label", Text, nullable=False),
        Column("made", Text, nullable=False),
        PrimaryKeyConstraint("session_id", "phase"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "student_phases",
        *_phase("student", "phase"),
        Column("frames", Integer, nullable=False),
        Column("faces", Integer, nullable=False),
        Column("scorable", Integer, nullable=False),
        Column("positive", _REAL, nullable=False),
        Column("negative", _REAL, nullable=False),
        Column("visible", _REAL, nullable=False),
        Column("facing", _REAL),
        Column("movement", _REAL),
        sqlite_with_rowid=False,
    )
    counts = ("students", "interested", "neutral", "not_interested", "insufficient", "faces", "scorable")
    op.create_table(
        "class_phases",
        *_phase("phase"),
        *(Column(name, Integer, nullable=False) for name in counts),
        sqlite_with_rowid=False,
    )
    moved = {
        "repairs": "corrections",
        "marks": "phases",
        "student_parts": "student_phases",
        "class_parts": "class_phases",
    }
    for old, new in moved.items():
        op.execute(f"INSERT INTO {new} SELECT * FROM {old}")  # whose columns come in the same order
        op.drop_table(old)


def _phase(*key: str) -> list[SchemaItem]:
    """What the verdicts about phases have in common, and their key."""
    return [
        Column("judgement_id", Integer, ForeignKey("judgements.judgement_id", ondelete="CASCADE"), nullable=False),
        *(Column(name, BigInteger, nullable=False) for name in key),
        Column("start", Double, nullable=False),
        Column("stop", Double, nullable=False),
        Column("verdict", Text, nullable=False),
        Column("balance", _REAL),
        Column("margin", _REAL),
        Column("coverage", _REAL, nullable=False),
        PrimaryKeyConstraint("judgement_id", *key),
        CheckConstraint("verdict IN ('interested', 'neutral', 'not interested', 'insufficient')", name="verdict"),
    ]
