"""Tables of what was recorded and detected: sessions, the classes of scores, segments, frames and faces."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    Table,
    UniqueConstraint,
)

from storage.schema.definitions import count, key, metadata, one_of, parent, real, seconds, short_real, words

STATES = ("watching", "detecting", "detected", "done")
POLARITIES = ("positive", "neutral", "negative", "ignored")
#: The most classes that a scorer of expressions may have.
MAX_CLASSES = 12

sessions = Table(
    "sessions",
    metadata,
    Column("session_id", Integer, primary_key=True, comment="the session's number; never given to another"),
    words("name", "what the user calls the session"),
    words("source", "path of the recording, as it was analysed"),
    words("file_name", "last part of the source"),
    words("sha256", "of the recording's bytes, hexadecimal"),
    words("recorded", "when the recording began, UTC, ISO 8601; NULL where nothing says so", nullable=True),
    words("settings", "every setting of the analysis, JSON"),
    words("version", "of the software that detected its faces"),
    words("models", "sha256 of each network, JSON"),
    words("time_base", "length of a tick, s, as 'numerator/denominator'"),
    Column("start_pts", BigInteger, nullable=False, comment="ticks; where session time is 0"),
    count("width", "of the upright picture, px"),
    count("height", "of the upright picture, px"),
    seconds(
        "duration", "length of what was really decoded", "; NULL until every segment is detected", nullable=True
    ),
    words(
        "state",
        "watching: a camera is, or was; detecting: segments are missing; detected: to be tracked and judged; done",
    ),
    words("created", "when the analysis began, UTC, ISO 8601"),
    words("finished", "when it was last judged, UTC, ISO 8601", nullable=True),
    one_of("state", STATES),
    comment="one recording of one class",
    sqlite_autoincrement=True,
)

classes = Table(
    "classes",
    metadata,
    parent("sessions.session_id", "session_id", "the session"),
    key("number", "1, 2, ... up to 12: the class of the column score_1, score_2, ..."),
    words("name", "the class's name, such as happy, unique in the session"),
    words("polarity", "positive, neutral, negative or ignored: how the class counts in the balance"),
    UniqueConstraint("session_id", "name"),
    one_of("polarity", POLARITIES),
    comment="the classes that a session's faces are scored for, by the scorer of the session",
    sqlite_with_rowid=False,
)

segments = Table(
    "segments",
    metadata,
    parent("sessions.session_id", "session_id", "the session"),
    key("segment", "0, 1, ...: 10 s each"),
    count("frames", "sampled frames in it"),
    count("faces", "faces in it"),
    words("committed", "when it was written, UTC, ISO 8601"),
    words("digest", "of the rows of its frames and faces as detected, hexadecimal; NULL: not known", nullable=True),
    words("fingerprint", "of the machine that detected it (see fingerprints); NULL: not known", nullable=True),
    words("worker", "the worker of several that detected it; NULL: `analyze` or `watch` alone", nullable=True),
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
    key("session_id", "the session"),
    key("pts", "media timestamp on the session's clock, ticks of the session's time base"),
    count("segment", "the segment it lies in"),
    seconds("time", "media timestamp"),
    count("faces", "faces found in it, also 0"),
    real("camera_a", 7, _CAMERA, nullable=True),
    real("camera_b", 7, _CAMERA, nullable=True),
    real("camera_x", 3, f"px; {_CAMERA}", nullable=True),
    real("camera_y", 3, f"px; {_CAMERA}", nullable=True),
    real("path_a", 9, _PATH, nullable=True),
    real("path_b", 9, _PATH, nullable=True),
    real("path_x", 4, f"px; {_PATH}", nullable=True),
    real("path_y", 4, f"px; {_PATH}", nullable=True),
    Column(
        "path_section",
        Integer,
        comment="0, 1, ...: grows by one where the camera's motion is unknown; NULL until tracked",
    ),
    real(
        "unexplained",
        4,
        "share of the picture that the camera's motion does not explain from the sampled frame before, 0 to 1; "
        "NULL where unknown",
        nullable=True,
    ),
    Column(
        "layout",
        LargeBinary,
        comment="72 bytes: how much edge of each of 4 directions is in each of 6 x 3 cells of the picture, which "
        "tells whether a view returns; NULL: a blank picture, or not known",
    ),
    real(
        "blockiness",
        3,
        "mean step between blocks of 8 pixels over that within them, which compression makes larger than 1; NULL: "
        "too plain, or not measured, as one frame a second is enough",
        nullable=True,
    ),
    ForeignKeyConstraint(
        ["session_id", "segment"], ["segments.session_id", "segments.segment"], ondelete="CASCADE"
    ),
    comment="a sampled image, also one without a face",
    sqlite_with_rowid=False,
)

shots = Table(
    "shots",
    metadata,
    parent("sessions.session_id", "session_id", "the session"),
    key("shot", "0, 1, ... in order of time"),
    seconds("start", "its first frame"),
    seconds("stop", "where the next one begins, or the session ends"),
    count("view", "0, 1, ...: what the camera shows; shots of one view have the same, and places alike"),
    comment="a stretch of a session that one camera shows without a cut",
    sqlite_with_rowid=False,
)

warnings = Table(
    "warnings",
    metadata,
    parent("sessions.session_id", "session_id", "the session"),
    key("warning", "1, 2, ... in the order in which they were given"),
    seconds("time", "the session time that it is about", "; NULL: the whole session", nullable=True),
    seconds(
        "file_time",
        "what the recording's own clock shows there, where it goes back or jumps",
        "; NULL for other warnings",
        nullable=True,
    ),
    words("code", "what it is about, such as clock_jump: one word for all warnings of a kind"),
    words("text", "the warning, one line"),
    comment="what of the recording could not be honoured, or may mislead",
    sqlite_with_rowid=False,
)

sources = Table(
    "sources",
    metadata,
    parent("sessions.session_id", "session_id", "the session"),
    key("source", "0, 1, ... in order of time"),
    words("path", "of the file, as it was analysed"),
    words("file_name", "last part of the path"),
    words("sha256", "of the file's bytes, hexadecimal"),
    words("recorded", "when it began, UTC, ISO 8601; NULL where nothing says so", nullable=True),
    seconds("start", "its first frame"),
    seconds("stop", "where it ends as it says, or the next one starts"),
    comment="the files of a session that was recorded in several; none for a session of one file",
    sqlite_with_rowid=False,
)

connections = Table(
    "connections",
    metadata,
    parent("sessions.session_id", "session_id", "the session"),
    key("connection", "0, 1, ... in order of time"),
    seconds("start", "its first picture"),
    seconds("stop", "when it ended", "; NULL while it lasts", nullable=True),
    words("reason", "why it ended; NULL where it was not wanted any more", nullable=True),
    words("codec", "of the pictures, as FFmpeg calls it"),
    count("width", "of its upright pictures, px"),
    count("height", "of its upright pictures, px"),
    count("decoded", "pictures that were decoded"),
    count("sampled", "of these, the first ones of each interval of the sample rate"),
    count("replaced", "of these, those that a newer one replaced before they were analysed"),
    count("jumps", "how often the camera's own clock jumped"),
    comment="the connections to the camera of a session that was watched; none for a recording",
    sqlite_with_rowid=False,
)

_SCORE = "share of the class of this number (see classes), 0 to 1; NULL: not scored, or no such class"

_LOGLIK = (
    "natural logarithm of how likely such a face is if its mood is {}, up to a number added to all three; NULL "
    "where FER's network did not score the face, and in rows of older versions"
)

faces = Table(
    "faces",
    metadata,
    key("session_id", "the session"),
    key("pts", "the frame's media timestamp, ticks"),
    key("face", "0, 1, ... within the frame"),
    short_real("x1", 2, "left edge, px from the left of the upright picture"),
    short_real("y1", 2, "upper edge, px from its top"),
    short_real("x2", 2, "right edge, px from the left"),
    short_real("y2", 2, "lower edge, px from the top"),
    short_real("score", 4, "the detector's certainty, 0 to 1"),
    Column(
        "landmarks",
        LargeBinary,
        nullable=False,
        comment="ten little-endian float32, px: x, y of left eye, right eye, nose, left and right end of the mouth",
    ),
    *(short_real(f"score_{number}", 4, _SCORE, nullable=True) for number in range(1, 8)),
    short_real("sharpness", 4, "0 (blurred) to 1 (sharp)"),
    # Whole degrees take one byte of eight; five landmarks tell no more, and being kept exactly, can be asked again.
    short_real("yaw", 0, "degrees, positive to the image's right"),
    short_real("pitch", 0, "degrees, positive upwards"),
    short_real("roll", 0, "degrees, positive clockwise in the image"),
    short_real("quality", 4, "size, sharpness and pose together, 0 to 1"),
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
    *(short_real(f"score_{number}", 4, _SCORE, nullable=True) for number in range(8, MAX_CLASSES + 1)),
    *(
        short_real(f"loglik_{mood}", 3, _LOGLIK.format(mood), nullable=True)
        for mood in ("positive", "neutral", "negative")
    ),
    Column(
        "conditions",
        Integer,
        comment="what is wrong with its light, added up: 1 too dark, 2 too bright, 4 noisy; 0: nothing; "
        "NULL: not measured, in rows of older versions",
    ),
    ForeignKeyConstraint(["session_id", "pts"], ["frames.session_id", "frames.pts"], ondelete="CASCADE"),
    comment="one detection in one frame",
    sqlite_with_rowid=False,
)
