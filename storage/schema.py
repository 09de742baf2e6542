"""The tables, each column with its unit and meaning.

Keys are natural, so that rows do not depend on the order in which segments were written; tables without a rowid are
stored in the order of their key. Real numbers are rounded to `decimals` places when they are written (a float32 of
0.1 would otherwise read 0.10000000149011612), so every pass reads the very numbers that a person reads.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    REAL,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

#: Raised by every release that changes a table or view, which brings a step to it in storage/migrations/.
SCHEMA_VERSION = 3

VERDICTS = ("interested", "neutral", "not interested", "insufficient")
STATES = ("detecting", "detected", "done")
POLARITIES = ("positive", "neutral", "negative", "ignored")
#: The most classes that a scorer of expressions may have.
MAX_CLASSES = 12
CORRECTIONS = ("rename", "merge", "split", "forget")
OUTCOMES = ("done", "failed", "stopped")

metadata = MetaData(
    naming_convention={  # migrations need to name what they change
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _key(name: str, comment: str) -> Column[int]:
    """A part of the primary key."""
    return Column(name, BigInteger, primary_key=True, autoincrement=False, comment=comment)


def _parent(column: str, name: str, comment: str) -> Column[int]:
    """A part of the primary key that refers to `column`, and goes with it."""
    return Column(name, Integer, ForeignKey(column, ondelete="CASCADE"), primary_key=True, comment=comment)


def _count(name: str, comment: str) -> Column[int]:
    return Column(name, Integer, nullable=False, comment=comment)


def _time(name: str, what: str, more: str = "", *, nullable: bool = False) -> Column[float]:
    return Column(name, Double, nullable=nullable, info={"decimals": 6}, comment=f"{what}, s{more}")


def _real(name: str, decimals: int, comment: str, *, nullable: bool = False) -> Column[float]:
    eight_bytes: REAL[float] = REAL().with_variant(Double(), "postgresql")  # as SQLite's REAL has
    return Column(name, eight_bytes, nullable=nullable, info={"decimals": decimals}, comment=comment)


def _short(name: str, decimals: int, comment: str, *, nullable: bool = False) -> Column[float]:
    """Four bytes where the database has such (PostgreSQL), which hold six digits: for the millions of faces."""
    return Column(name, REAL, nullable=nullable, info={"decimals": decimals}, comment=comment)


def _text(name: str, comment: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, Text, nullable=nullable, comment=comment)


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({', '.join(repr(value) for value in values)})", name=column)


sessions = Table(
    "sessions",
    metadata,
    Column("session_id", Integer, primary_key=True, comment="the session's number; never given to another"),
    _text("name", "what the user calls the session"),
    _text("source", "path of the recording, as it was analysed"),
    _text("file_name", "last part of the source"),
    _text("sha256", "of the recording's bytes, hexadecimal"),
    _text("recorded", "when the recording began, UTC, ISO 8601; NULL where the file does not say", nullable=True),
    _text("settings", "every setting of the analysis, JSON"),
    _text("version", "of the software that detected its faces"),
    _text("models", "sha256 of each network, JSON"),
    _text("time_base", "length of a tick, s, as 'numerator/denominator'"),
    Column("start_pts", BigInteger, nullable=False, comment="ticks; where session time is 0"),
    _count("width", "of the upright picture, px"),
    _count("height", "of the upright picture, px"),
    _time("duration", "length of what was really decoded", "; NULL until every segment is detected", nullable=True),
    _text("state", "detecting: segments are missing; detected: to be tracked and judged; done"),
    _text("created", "when the analysis began, UTC, ISO 8601"),
    _text("finished", "when it was last judged, UTC, ISO 8601", nullable=True),
    _one_of("state", STATES),
    comment="one recording of one class",
    sqlite_autoincrement=True,
)

classes = Table(
    "classes",
    metadata,
    _parent("sessions.session_id", "session_id", "the session"),
    _key("number", "1, 2, ... up to 12: the class of the column score_1, score_2, ..."),
    _text("name", "the class's name, such as happy, unique in the session"),
    _text("polarity", "positive, neutral, negative or ignored: how the class counts in the balance"),
    UniqueConstraint("session_id", "name"),
    _one_of("polarity", POLARITIES),
    comment="the classes that a session's faces are scored for, by the scorer of the session",
    sqlite_with_rowid=False,
)

segments = Table(
    "segments",
    metadata,
    _parent("sessions.session_id", "session_id", "the session"),
    _key("segment", "0, 1, ...: 10 s each"),
    _count("frames", "sampled frames in it"),
    _count("faces", "faces in it"),
    _text("committed", "when it was written, UTC, ISO 8601"),
    comment="10 s of a session, detected and committed as a whole",
    sqlite_with_rowid=False,
)

_CAMERA = (
    "the background at (x, y) in the sampled frame before is at (a x - b y + camera_x, b x + a y + camera_y) "
    "in this one; NULL where unknown"
)

_PATH = (
    "the background at (x, y) in this frame is at (a x - b y + path_x, b x + a y + path_y) in the session's first; "
    "NULL until tracked"
)

frames = Table(
    "frames",
    metadata,
    _key("session_id", "the session"),
    _key("pts", "media timestamp, ticks of the session's time base"),
    _count("segment", "the segment it lies in"),
    _time("time", "media timestamp"),
    _count("faces", "faces found in it, also 0"),
    _real("camera_a", 7, _CAMERA, nullable=True),
    _real("camera_b", 7, _CAMERA, nullable=True),
    _real("camera_x", 3, f"px; {_CAMERA}", nullable=True),
    _real("camera_y", 3, f"px; {_CAMERA}", nullable=True),
    _real("path_a", 9, _PATH, nullable=True),
    _real("path_b", 9, _PATH, nullable=True),
    _real("path_x", 4, f"px; {_PATH}", nullable=True),
    _real("path_y", 4, f"px; {_PATH}", nullable=True),
    Column(
        "path_section",
        Integer,
        comment="0, 1, ...: grows by one where the camera's motion is unknown; NULL until tracked",
    ),
    ForeignKeyConstraint(
        ["session_id", "segment"], ["segments.session_id", "segments.segment"], ondelete="CASCADE"
    ),
    comment="a sampled image, also one without a face",
    sqlite_with_rowid=False,
)

_SCORE = "share of the class of this number (see classes), 0 to 1; NULL: not scored, or no such class"

faces = Table(
    "faces",
    metadata,
    _key("session_id", "the session"),
    _key("pts", "the frame's media timestamp, ticks"),
    _key("face", "0, 1, ... within the frame"),
    _short("x1", 2, "left edge, px from the left of the upright picture"),
    _short("y1", 2, "upper edge, px from its top"),
    _short("x2", 2, "right edge, px from the left"),
    _short("y2", 2, "lower edge, px from the top"),
    _short("score", 4, "the detector's certainty, 0 to 1"),
    Column(
        "landmarks",
        LargeBinary,
        nullable=False,
        comment="ten little-endian float32, px: x, y of left eye, right eye, nose, left and right end of the mouth",
    ),
    *(_short(f"score_{number}", 4, _SCORE, nullable=True) for number in range(1, 8)),
    _short("sharpness", 4, "0 (blurred) to 1 (sharp)"),
    # Whole degrees take one byte of eight; five landmarks tell no more, and being kept exactly, can be asked again.
    _short("yaw", 0, "degrees, positive to the image's right"),
    _short("pitch", 0, "degrees, positive upwards"),
    _short("roll", 0, "degrees, positive clockwise in the image"),
    _short("quality", 4, "size, sharpness and pose together, 0 to 1"),
    Column("scorable", Boolean, nullable=False, comment="1 where the class scores mean something"),
    Column(
        "appearance",
        LargeBinary,
        comment="bytes: histograms of light and colour of clothes and hair around the face, nothing of the face; "
        "NULL for most, as one a second is enough",
    ),
    # No foreign key: to replace a session's tracks, SQLite would search all its faces once for every track.
    Column("track", Integer, comment="the track it belongs to; NULL: none, or not tracked yet"),
    # Last, where an older file takes them without writing all its faces anew.
    *(_short(f"score_{number}", 4, _SCORE, nullable=True) for number in range(8, MAX_CLASSES + 1)),
    ForeignKeyConstraint(["session_id", "pts"], ["frames.session_id", "frames.pts"], ondelete="CASCADE"),
    comment="one detection in one frame",
    sqlite_with_rowid=False,
)

people = Table(
    "people",
    metadata,
    Column("person", Integer, primary_key=True, comment="the person's number; never given to another"),
    _text("name", "given by a person, unique; NULL: dropped, or kept apart", nullable=True),
    UniqueConstraint("name"),
    comment="the one table with names: what a person is called, in every session and roster",
    sqlite_autoincrement=True,
)

students = Table(
    "students",
    metadata,
    _parent("sessions.session_id", "session_id", "the session"),
    _key("student", "the student's number in the session"),
    _text("label", "S01, S02, ..."),
    # No foreign key: the table of names may be empty, and everything else stays.
    Column(
        "person",
        Integer,
        index=True,
        comment="the number in people, which has the name; NULL until a person gives one",
    ),
    _time("first", "first face"),
    _time("last", "last face"),
    _count("tracks", "tracks that make up the student"),
    _count("faces", "faces seen"),
    _count("scorable", "scorable ones among them"),
    _real("coverage", 4, "share of all sampled frames with a scorable face of the student, 0 to 1"),
    _real("weakest_link", 4, "lowest link_score of the tracks, 0 to 1; NULL: nothing to link", nullable=True),
    Column(
        "static", Boolean, nullable=False, comment="1 for a face on a poster or a screen, left out of the class"
    ),
    _real(
        "x", 1, "the seat: middle of the face, median, px of the session's first frame, as if no camera had moved"
    ),
    _real("y", 1, "the seat, likewise, px"),
    _real("size", 1, "side of a square as large as the face, median, px"),
    _real("spread", 3, "median distance from the seat, in face sizes"),
    _text(
        "area",
        "where the seat is: back, middle or front, and left, centre or right, as seen in the picture; NULL: a "
        "static face, or tracked by an older version",
        nullable=True,
    ),
    UniqueConstraint("session_id", "label"),
    comment="a persistent identity in a session",
    sqlite_with_rowid=False,
)

tracks = Table(
    "tracks",
    metadata,
    _parent("sessions.session_id", "session_id", "the session"),
    _key("track", "the track's number in the session"),
    Column("student", BigInteger, comment="whose track it is; NULL: nobody's"),
    _time("first", "first face"),
    _time("last", "last face"),
    _count("faces", "faces in it"),
    _real("link_score", 4, "certainty that it continues its student, 0 to 1; NULL: nothing to link", nullable=True),
    Column(
        "static", Boolean, nullable=False, comment="1 where nothing of the face ever moved: a poster or a screen"
    ),
    Column("found", BigInteger, comment="whose it was before a person corrected anything; NULL: nobody's"),
    Column("part_of", BigInteger, nullable=False, comment="the track it was before a person split it, else itself"),
    ForeignKeyConstraint(["session_id", "student"], ["students.session_id", "students.student"]),
    comment="an unbroken run of faces that the tracker linked",
    sqlite_with_rowid=False,
)

corrections = Table(
    "corrections",
    metadata,
    _parent("sessions.session_id", "session_id", "the session"),
    _key("correction", "1, 2, ... in the order in which they were made"),
    _text("action", "rename, merge, split or forget"),
    _text("arguments", "what was given, JSON: labels of students, the time in s, numbers of people"),
    _text("made", "when, UTC, ISO 8601"),
    _text("undone", "when it was undone, UTC, ISO 8601; NULL: active", nullable=True),
    _one_of("action", CORRECTIONS),
    comment="manual identity corrections; students = tracker output plus all corrections not undone",
    sqlite_with_rowid=False,
)

seats = Table(
    "seats",
    metadata,
    Column("room", Text, primary_key=True, comment="what the user calls the room"),
    Column("person", Integer, primary_key=True, autoincrement=False, comment="who sits there, a number in people"),
    _real("x", 5, "middle of the face, share of the picture's width"),
    _real("y", 5, "middle of the face, share of the picture's height"),
    _real("size", 5, "side of a square as large as the face, share of the picture's height"),
    _real("spread", 3, "median distance from the seat, in face sizes"),
    Column(
        "session_id",
        ForeignKey("sessions.session_id", ondelete="SET NULL"),
        comment="where it was seen; NULL: deleted",
    ),
    _text("saved", "when, UTC, ISO 8601"),
    comment="the roster of a room: who sits where, as the user keeps it",
    sqlite_with_rowid=False,
)

excluded = Table(
    "excluded",
    metadata,
    _parent("sessions.session_id", "session_id", "the session"),
    _key("region", "1, 2, ..."),
    _real("x", 1, "middle, px of the session's first frame, as if no camera had moved"),
    _real("y", 1, "middle, likewise, px"),
    _real("size", 1, "side of the square, px"),
    _text("since", "when it was excluded, UTC, ISO 8601"),
    comment="a square of the picture whose faces are not kept, and are blurred wherever a picture is shown",
    sqlite_with_rowid=False,
)

judgements = Table(
    "judgements",
    metadata,
    Column("judgement_id", Integer, primary_key=True, comment="the judgement's number"),
    Column(
        "session_id", ForeignKey("sessions.session_id", ondelete="CASCADE"), nullable=False, comment="the session"
    ),
    _text("name", "the judgement's name, unique in the session"),
    _text("strategy", "weighted, sum, dominant or attention"),
    _text("settings", "every setting that it was made with, JSON"),
    _text("created", "when it was made, UTC, ISO 8601"),
    UniqueConstraint("session_id", "name"),
    comment="one way of judging a session; many can stand side by side",
)

_WINDOW = "0, 1, ...: its place in session time"
_BALANCE = "positive against negative evidence, -1 to 1 (docs/verdicts.md); NULL where no evidence is"
_MARGIN = "half-width of the balance's uncertainty; NULL where it is unknown"


def _verdict() -> tuple[Column[Any] | CheckConstraint, ...]:
    """From when to when, and what is found in between."""
    return (
        _time("start", "begin, included"),
        _time("stop", "end, not included"),
        _text("verdict", "interested, neutral, not interested or insufficient"),
        _one_of("verdict", VERDICTS),
    )


def _evidence() -> tuple[Column[Any] | CheckConstraint, ...]:
    """A verdict of one student, and what stands behind it."""
    return (
        *_verdict(),
        _real("balance", 4, _BALANCE, nullable=True),
        _real("margin", 4, _MARGIN, nullable=True),
        _real("coverage", 4, "share of the sampled frames in it that carry evidence of the student, 0 to 1"),
        _count("frames", "sampled frames in it"),
        _count("faces", "faces of the student seen in it"),
        _count("scorable", "scorable ones, the evidence behind the verdict; of attention: frames that count"),
        _real("positive", 4, "evidence of the positive classes (of attention: facing), in the strategy's unit"),
        _real("negative", 4, "evidence of the negative classes (of attention: not), in that unit"),
    )


def _class_evidence() -> tuple[Column[Any] | CheckConstraint, ...]:
    """A verdict of the class, and what stands behind it."""
    mean = "mean of the balances of the students with a verdict; NULL where there is none"
    return (
        *_verdict(),
        _real("balance", 4, mean, nullable=True),
        _real("margin", 4, _MARGIN, nullable=True),
        _real("coverage", 4, "mean coverage of the students, 0 to 1"),
        _count("students", "students of the session"),
        _count("interested", "students with that verdict"),
        _count("neutral", "students with that verdict"),
        _count("not_interested", "students with that verdict"),
        _count("insufficient", "students whose evidence carries no verdict"),
        _count("faces", "faces of students seen"),
        _count("scorable", "scorable ones among them"),
    )


def _signals() -> tuple[Column[float], ...]:
    """What a student shows beside emotions; no part of a verdict unless the strategy is attention."""
    return (
        _real("visible", 4, "share of the sampled frames in it that show the student's face, 0 to 1"),
        _real("facing", 4, _FACING, nullable=True),
        _real("movement", 3, _MOVEMENT, nullable=True),
    )


_FACING = (
    "share of the faces in which the head points the student's usual way, 0 to 1; NULL where none is large enough"
)
_MOVEMENT = "mean speed of the face beside the camera's, face sizes a second; NULL where it is unknown"

student_windows = Table(
    "student_windows",
    metadata,
    _parent("judgements.judgement_id", "judgement_id", "the judgement"),
    _key("student", "the student's number"),
    _key("window", _WINDOW),
    *_evidence(),
    comment="the verdict of one student in one window",
    sqlite_with_rowid=False,
)

class_windows = Table(
    "class_windows",
    metadata,
    _parent("judgements.judgement_id", "judgement_id", "the judgement"),
    _key("window", _WINDOW),
    *_class_evidence(),
    comment="the verdict of the class in one window, every student with equal weight",
    sqlite_with_rowid=False,
)

attention_windows = Table(
    "attention_windows",
    metadata,
    _parent("judgements.judgement_id", "judgement_id", "the judgement, whose windows these are"),
    _key("student", "the student's number"),
    _key("window", _WINDOW),
    *_signals(),
    comment="what a student shows in one window beside emotions",
    sqlite_with_rowid=False,
)

phases = Table(
    "phases",
    metadata,
    _parent("sessions.session_id", "session_id", "the session"),
    _key("phase", "1, 2, ... in the order in which they were made"),
    _time("start", "where the phase begins"),
    _time("stop", "where it ends", "; NULL: at the next phase, or with the session", nullable=True),
    _text("label", "what the user calls the phase"),
    _text("made", "when, UTC, ISO 8601"),
    comment="a phase of a lesson that a person marked; every judgement judges the phases besides its windows",
    sqlite_with_rowid=False,
)

student_phases = Table(
    "student_phases",
    metadata,
    _parent("judgements.judgement_id", "judgement_id", "the judgement"),
    _key("student", "the student's number"),
    _key("phase", "the phase, a number in phases"),
    *_evidence(),
    *_signals(),
    comment="the verdict of one student in one lesson phase, and what the student shows in it beside emotions",
    sqlite_with_rowid=False,
)

class_phases = Table(
    "class_phases",
    metadata,
    _parent("judgements.judgement_id", "judgement_id", "the judgement"),
    _key("phase", "the phase, a number in phases"),
    *_class_evidence(),
    comment="the verdict of the class in one lesson phase, every student with equal weight",
    sqlite_with_rowid=False,
)

profiles = Table(
    "profiles",
    metadata,
    Column("name", Text, primary_key=True, comment="the profile's name"),
    _text("settings", "what `judge --profile` judges with, JSON"),
    _text("origin", "how it was fitted, and what that is worth"),
    # No foreign key: what was fitted outlives the session.
    _text("sha256", "of the recording that was coded, hexadecimal"),
    _count("coders", "people who coded it"),
    _count("students", "students coded"),
    _count("intervals", "coded intervals with a code of most coders"),
    _real("kappa_before", 4, "Cohen's kappa of the settings as they were, -1 to 1; NULL: undefined", nullable=True),
    _real(
        "kappa_in", 4, "of the profile, on the codes that it was fitted on, -1 to 1; NULL: undefined", nullable=True
    ),
    _real(
        "kappa_out", 4, "of the fit, on students left out of it in turn, -1 to 1; NULL: undefined", nullable=True
    ),
    _text("made", "when, UTC, ISO 8601"),
    comment="settings of judging under a name, fitted on the codes of people",
    sqlite_with_rowid=False,
)

rules = Table(
    "rules",
    metadata,
    Column("rule", Text, primary_key=True, comment="retention: how many days a session may be kept"),
    _text("value", "what is set"),
    comment="what is set for the whole database",
    sqlite_with_rowid=False,
)

audit = Table(
    "audit",
    metadata,
    Column("entry", Integer, primary_key=True, comment="1, 2, ... in the order in which they were noted"),
    _text("at", "when the command ended, UTC, ISO 8601"),
    _text("who", "name of the user at the operating system"),
    _text("command", "analyze, query, rename, ..."),
    # No foreign key: that a session was analysed and forgotten is to be seen afterwards.
    Column("session_id", Integer, comment="the session it was about; NULL: several, all or none"),
    _text("arguments", "what was given, JSON, with numbers of people for names and without the texts in SQL"),
    _text("outcome", "done, failed or stopped"),
    _one_of("outcome", OUTCOMES),
    comment="who ran which command on what",
    sqlite_autoincrement=True,
)
