"""From schema version 3 to 4: roles of students, files of sessions, warnings, shots, digests, cameras.

Whoever changes the schema before version 4 is released changes this step in the same commit, as version_3.py says.
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
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    TextClause,
    text,
)

from storage.migrations.session_states import restate_sessions

#: What a session may be.
STATES = ("watching", "detecting", "detected", "done")
#: What the log of corrections may say.
ACTIONS = ("rename", "merge", "split", "role", "forget", "relabel")
#: Eight bytes on PostgreSQL, too.
_REAL: REAL[float] = REAL().with_variant(Double(), "postgresql")


def upgrade(op: Operations) -> None:
    """Add what version 4 knows of a recording; sessions that are there already do not have it."""
    _number_judgements(op)
    _add_roles(op)
    restate_sessions(op, STATES)
    op.add_column("segments", Column("digest", Text))
    for name in ("fingerprint", "worker"):
        op.add_column("segments", Column(name, Text))
    op.add_column("frames", Column("unexplained", _REAL))
    op.add_column("frames", Column("layout", LargeBinary))
    op.add_column("frames", Column("blockiness", _REAL))
    for mood in ("positive", "neutral", "negative"):
        op.add_column("faces", Column(f"loglik_{mood}", REAL))
    op.add_column("faces", Column("conditions", Integer))
    for table in ("student_windows", "class_windows", "student_phases", "class_phases"):
        for verdict in ("interested", "neutral", "not_interested"):
            op.add_column(table, Column(f"p_{verdict}", _REAL))
        op.add_column(table, Column("reason", Text))
        _let_verdicts_be_names(op, table)
    for table in ("student_windows", "student_phases"):
        op.add_column(table, Column("measurable", Text))
    for table in ("class_windows", "class_phases"):
        for name in ("present", "measured", "attention_only"):
            op.add_column(table, Column(name, Integer))
    op.create_table(
        "class_shares",
        Column("judgement_id", Integer, ForeignKey("judgements.judgement_id", ondelete="CASCADE"), nullable=False),
        *(Column(name, BigInteger, nullable=False) for name in ("student", "window", "number")),
        Column("share", _REAL, nullable=False),
        PrimaryKeyConstraint("judgement_id", "student", "window", "number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "shots",
        _session(),
        Column("shot", BigInteger, nullable=False),
        Column("start", Double, nullable=False),
        Column("stop", Double, nullable=False),
        Column("view", Integer, nullable=False),
        PrimaryKeyConstraint("session_id", "shot"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sources",
        _session(),
        Column("source", BigInteger, nullable=False),
        Column("path", Text, nullable=False),
        Column("file_name", Text, nullable=False),
        Column("sha256", Text, nullable=False),
        Column("recorded", Text),
        Column("start", Double, nullable=False),
        Column("stop", Double, nullable=False),
        PrimaryKeyConstraint("session_id", "source"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "connections",
        _session(),
        Column("connection", BigInteger, nullable=False),
        Column("start", Double, nullable=False),
        Column("stop", Double),
        Column("reason", Text),
        Column("codec", Text, nullable=False),
        *(Column(name, Integer, nullable=False) for name in ("width", "height")),
        *(Column(name, Integer, nullable=False) for name in ("decoded", "sampled", "replaced", "jumps")),
        PrimaryKeyConstraint("session_id", "connection"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "warnings",
        _session(),
        Column("warning", BigInteger, nullable=False),
        Column("time", Double),
        Column("file_time", Double),
        Column("code", Text, nullable=False),
        Column("text", Text, nullable=False),
        PrimaryKeyConstraint("session_id", "warning"),
        sqlite_with_rowid=False,
    )
    _share_work(op)


def _share_work(op: Operations) -> None:
    """What several machines claim of the work."""
    op.create_table(
        "fingerprints",
        Column("fingerprint", Text, primary_key=True),
        Column("content", Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "claims",
        Column("claim", Integer, primary_key=True),
        Column("task", Text, nullable=False),
        Column("session_id", Integer, ForeignKey("sessions.session_id", ondelete="CASCADE")),
        Column("source", Text, nullable=False),
        Column("first", Integer),
        Column("stop", Integer),
        Column("weight", Double, nullable=False),
        *(Column(name, Text) for name in ("request", "fingerprint")),
        Column("state", Text, nullable=False),
        *(Column(name, Text) for name in ("worker", "machine")),
        Column("lease", Double, nullable=False),
        Column("attempts", Integer, nullable=False),
        *(Column(name, Text) for name in ("failed_on", "error")),
        Column("damaged", Integer),
        *(Column(name, Double) for name in ("taken", "finished")),
        CheckConstraint("task IN ('detect', 'judge', 'open')", name="task"),
        CheckConstraint("state IN ('waiting', 'open', 'held', 'done', 'aside')", name="state"),
        sqlite_autoincrement=True,
    )
    by_weight: list[str | TextClause] = ["task", text("weight DESC"), "claim"]
    op.create_index("ix_claims_open", "claims", by_weight, postgresql_where=text("state = 'open'"))
    op.create_index("ix_claims_held", "claims", ["lease"], postgresql_where=text("state = 'held'"))
    op.create_index("ix_claims_session", "claims", ["session_id"])


def _let_verdicts_be_names(op: Operations, table: str) -> None:
    """A class may be divided, and of classes without polarity a verdict is the name of one."""
    with op.batch_alter_table(table) as rows:
        rows.drop_constraint(op.f(f"ck_{table}_verdict"), type_="check")


def _add_roles(op: Operations) -> None:
    """Static faces were left out of the class, and all others were students."""
    op.add_column("students", Column("role", Text))
    op.execute("UPDATE students SET role = CASE WHEN static THEN 'picture' ELSE 'student' END")
    with op.batch_alter_table("students") as students:
        students.alter_column("role", existing_type=Text(), nullable=False)
        students.create_check_constraint("role", "role IN ('student', 'teacher', 'picture', 'screen')")
    with op.batch_alter_table("corrections") as corrections:
        corrections.drop_constraint(op.f("ck_corrections_action"), type_="check")
    with op.batch_alter_table("corrections") as corrections:
        corrections.create_check_constraint("action", f"action IN ({', '.join(map(repr, ACTIONS))})")


def _number_judgements(op: Operations) -> None:
    """In the order that counted until now, that of the wall clock."""
    op.add_column("judgements", Column("sequence", BigInteger))
    op.execute(
        "UPDATE judgements SET sequence = ("
        "SELECT count(*) FROM judgements AS earlier WHERE earlier.session_id = judgements.session_id "
        "AND (earlier.created, earlier.judgement_id) <= (judgements.created, judgements.judgement_id))"
    )
    with op.batch_alter_table("judgements") as judgements:
        judgements.alter_column("sequence", existing_type=BigInteger(), nullable=False)


def _session() -> Column[int]:
    return Column("session_id", Integer, ForeignKey("sessions.session_id", ondelete="CASCADE"), nullable=False)
