"""The table of work that several machines share: which claims there are, who holds them, what came of them."""

from __future__ import annotations

from sqlalchemy import Column, Double, ForeignKey, Index, Integer, Table, Text, text

from storage.schema.definitions import count, metadata, one_of, seconds, words

#: In the order in which they are taken: a new recording is opened where nothing that is open already is left to do.
TASKS = ("detect", "judge", "open")
CLAIM_STATES = ("waiting", "open", "held", "done", "aside")

_CLOCK = "s since 1970 by the server's clock"

fingerprints = Table(
    "fingerprints",
    metadata,
    Column("fingerprint", Text, primary_key=True, comment="its key: the first digits of its sha256"),
    words(
        "content", "vector instructions of the processor, precision, versions of packages, sha256 of networks, JSON"
    ),
    comment="machines that may find other faces than others do, each kind once",
    sqlite_with_rowid=False,
)

claims = Table(
    "claims",
    metadata,
    Column("claim", Integer, primary_key=True, comment="the claim's number"),
    words(
        "task",
        "open: read a recording and begin its session; detect: a run of segments; judge: track and judge a session",
    ),
    Column(
        "session_id",
        Integer,
        ForeignKey("sessions.session_id", ondelete="CASCADE"),
        comment="the session; NULL until its recording is opened",
    ),
    words("source", "path of the recording, as it was queued"),
    Column("first", Integer, comment="first segment of the run; NULL for other tasks"),
    Column("stop", Integer, comment="the segment before which the run ends; NULL: the end of the recording"),
    seconds("weight", "what there is to do: length of the recording", "; before it is opened, its size in bytes"),
    words("request", "how the recording is to be analysed, JSON; NULL for detect", nullable=True),
    words("fingerprint", "of the machines that may take it (see fingerprints); NULL: any", nullable=True),
    words(
        "state",
        "waiting: for others of its session; open; held: a worker is at it; done; aside: set aside after failures",
    ),
    words("worker", "who holds it, or held it last: machine, process", nullable=True),
    words("machine", "name of that worker's machine", nullable=True),
    Column(
        "lease",
        Double,
        nullable=False,
        comment=f"held: until when; open: from when a machine that failed may try again; {_CLOCK}",
    ),
    count("attempts", "how often it was taken"),
    words("failed_on", "the machine of each failure, in order, JSON; NULL: no failure", nullable=True),
    words("error", "the last failure, one line", nullable=True),
    Column("damaged", Integer, comment="damaged packets or images of the run; NULL until it is done"),
    Column("taken", Double, comment=f"when it was taken last, {_CLOCK}"),
    Column("finished", Double, comment=f"when it was done, {_CLOCK}"),
    one_of("task", TASKS),
    one_of("state", CLAIM_STATES),
    comment="work on recordings that several machines share, on a PostgreSQL server",
    sqlite_autoincrement=True,
)

# Each is as small as what is open or held now: done claims are in neither.
Index(
    "ix_claims_open",
    claims.c.task,
    claims.c.weight.desc(),
    claims.c.claim,
    postgresql_where=text("state = 'open'"),
)
Index("ix_claims_held", claims.c.lease, postgresql_where=text("state = 'held'"))
Index("ix_claims_session", claims.c.session_id)
