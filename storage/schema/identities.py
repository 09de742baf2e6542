"""Tables of identities: students and their tracks, people with names, corrections, rosters, excluded seats."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from storage.schema.definitions import count, key, metadata, one_of, parent, real, seconds, words

CORRECTIONS = ("rename", "merge", "split", "role", "forget", "relabel")
ROLES = ("student", "teacher", "picture", "screen")

people = Table(
    "people",
    metadata,
    Column("person", Integer, primary_key=True, comment="the person's number; never given to another"),
    words("name", "given by a person, unique; NULL: dropped, or kept apart", nullable=True),
    UniqueConstraint("name"),
    comment="the one table with names: what a person is called, in every session and roster",
    sqlite_autoincrement=True,
)

students = Table(
    "students",
    metadata,
    parent("sessions.session_id", "session_id", "the session"),
    key("student", "the student's number in the session"),
    words("label", "S01, S02, ..."),
    # No foreign key: the table of names may be empty, and everything else stays.
    Column(
        "person",
        Integer,
        index=True,
        comment="the number in people, which has the name; NULL until a person gives one",
    ),
    seconds("first", "first face"),
    seconds("last", "last face"),
    count("tracks", "tracks that make up the student"),
    count("faces", "faces detected"),
    count("scorable", "scorable ones among them"),
    real("coverage", 4, "share of all sampled frames with a scorable face of the student, 0 to 1"),
    real("weakest_link", 4, "lowest link_score of the tracks, 0 to 1; NULL: nothing to link", nullable=True),
    Column(
        "static", Boolean, nullable=False, comment="1 where nothing of the face ever moved: a poster or a screen"
    ),
    real(
        "x", 1, "the seat: middle of the face, median, px of the session's first frame, as if no camera had moved"
    ),
    real("y", 1, "the seat, likewise, px"),
    real("size", 1, "side of a square as large as the face, median, px"),
    real("spread", 3, "median distance from the seat, in face sizes"),
    words(
        "area",
        "where the seat is: back, middle or front, and left, centre or right, in the picture; NULL: no student "
        "by role, or tracked by an older version",
        nullable=True,
    ),
    words(
        "role",
        "student, teacher, picture or screen: as a person said, else picture for a static face and student for "
        "any other; only students have verdicts and count in the class",
    ),
    UniqueConstraint("session_id", "label"),
    one_of("role", ROLES),
    comment="a persistent identity in a session",
    sqlite_with_rowid=False,
)

tracks = Table(
    "tracks",
    metadata,
    parent("sessions.session_id", "session_id", "the session"),
    key("track", "the track's number in the session"),
    Column("student", BigInteger, comment="the track's student; NULL: none"),
    seconds("first", "first face"),
    seconds("last", "last face"),
    count("faces", "faces in it"),
    real("link_score", 4, "certainty that it continues its student, 0 to 1; NULL: nothing to link", nullable=True),
    Column(
        "static", Boolean, nullable=False, comment="1 where nothing of the face ever moved: a poster or a screen"
    ),
    Column("found", BigInteger, comment="the track's student before any correction; NULL: none"),
    Column("part_of", BigInteger, nullable=False, comment="the track it was before a person split it, else itself"),
    ForeignKeyConstraint(["session_id", "student"], ["students.session_id", "students.student"]),
    comment="an unbroken run of faces that the tracker linked",
    sqlite_with_rowid=False,
)

corrections = Table(
    "corrections",
    metadata,
    parent("sessions.session_id", "session_id", "the session"),
    key("correction", "1, 2, ... in the order in which they were made"),
    words(
        "action",
        "rename, merge, split, role or forget; relabel: labels shown live that are others now",
    ),
    words("arguments", "what was given, JSON: labels of students, the time in s, numbers of people"),
    words("made", "when, UTC, ISO 8601"),
    words("undone", "when it was undone, UTC, ISO 8601; NULL: active", nullable=True),
    one_of("action", CORRECTIONS),
    comment="manual identity corrections; students = tracker output plus all corrections not undone",
    sqlite_with_rowid=False,
)

seats = Table(
    "seats",
    metadata,
    Column("room", Text, primary_key=True, comment="what the user calls the room"),
    Column("person", Integer, primary_key=True, autoincrement=False, comment="who sits there, a number in people"),
    real("x", 5, "middle of the face, share of the picture's width"),
    real("y", 5, "middle of the face, share of the picture's height"),
    real("size", 5, "side of a square as large as the face, share of the picture's height"),
    real("spread", 3, "median distance from the seat, in face sizes"),
    Column(
        "session_id",
        ForeignKey("sessions.session_id", ondelete="SET NULL"),
        comment="session of the seat; NULL: deleted",
    ),
    words("saved", "when, UTC, ISO 8601"),
    comment="the roster of a room: who sits where, as the user keeps it",
    sqlite_with_rowid=False,
)

excluded = Table(
    "excluded",
    metadata,
    parent("sessions.session_id", "session_id", "the session"),
    key("region", "1, 2, ..."),
    real("x", 1, "middle, px of the session's first frame, as if no camera had moved"),
    real("y", 1, "middle, likewise, px"),
    real("size", 1, "side of the square, px"),
    words("since", "when it was excluded, UTC, ISO 8601"),
    comment="a square of the picture whose faces are not kept, and are blurred wherever a picture is shown",
    sqlite_with_rowid=False,
)
