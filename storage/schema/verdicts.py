"""Tables of judgements: the verdicts of windows and of lesson phases, and the evidence behind them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, Table, UniqueConstraint

from storage.schema.definitions import count, key, metadata, parent, real, seconds, words

#: The verdicts of a balance. Where the session's classes have no polarity, the name of one stands in their place.
VERDICTS = ("interested", "neutral", "not interested", "insufficient")
#: Of the class also: no half of it is of one mind.
CLASS_VERDICTS = (*VERDICTS, "divided")
#: Why a window is insufficient.
REASONS = (
    "not_seen",
    "no_picture",
    "too_few_faces",
    "too_small",
    "turned_away",
    "dark",
    "bright",
    "noisy",
    "compressed",
    "covered",
    "undecided",
    "too_few_students",
    "baseline_unknown",
)
#: What can be told of a student in view.
MEASURABLE = ("measured", "attention_only", "present_only")

judgements = Table(
    "judgements",
    metadata,
    Column("judgement_id", Integer, primary_key=True, comment="the judgement's number"),
    Column(
        "session_id", ForeignKey("sessions.session_id", ondelete="CASCADE"), nullable=False, comment="the session"
    ),
    words("name", "the judgement's name, unique in the session"),
    words("strategy", "weighted, temporal, sum, dominant or attention"),
    words("settings", "every setting that it was made with, JSON"),
    words("created", "when it was made, UTC, ISO 8601"),
    Column(
        "sequence",
        BigInteger,
        nullable=False,
        comment="grows with every judgement that is made in the session; the highest is the latest",
    ),
    UniqueConstraint("session_id", "name"),
    comment="one way of judging a session; many can stand side by side",
)

_WINDOW = "0, 1, ...: its place in session time"
_BALANCE = "positive against negative evidence, -1 to 1 (docs/verdicts.md); NULL where no evidence is"
_MARGIN = "half-width of the balance's uncertainty; NULL where it is unknown"


def _verdict(verdicts: tuple[str, ...] = VERDICTS) -> tuple[Column[Any], ...]:
    """From when to when, and what is found in between."""
    *others, last = verdicts
    return (
        seconds("start", "begin, included"),
        seconds("stop", "end, not included"),
        words("verdict", f"{', '.join(others)} or {last}; of classes without polarity the name of one"),
    )


def _evidence() -> tuple[Column[Any], ...]:
    """A verdict of one student, and what stands behind it."""
    return (
        *_verdict(),
        real("balance", 4, _BALANCE, nullable=True),
        real("margin", 4, _MARGIN, nullable=True),
        real("coverage", 4, "share of the sampled frames in it that carry evidence of the student, 0 to 1"),
        count("frames", "sampled frames in it"),
        count("faces", "faces of the student in it"),
        count("scorable", "scorable ones, the evidence behind the verdict; of attention: frames that count"),
        real("positive", 4, "evidence of the positive classes (of attention: facing), in the strategy's unit"),
        real("negative", 4, "evidence of the negative classes (of attention: not), in that unit"),
    )


def _class_evidence() -> tuple[Column[Any], ...]:
    """A verdict of the class, and what stands behind it."""
    mean = "mean of the balances of the students with a verdict; NULL where there is none"
    return (
        *_verdict(CLASS_VERDICTS),
        real("balance", 4, mean, nullable=True),
        real("margin", 4, _MARGIN, nullable=True),
        real("coverage", 4, "mean coverage of the students in view, 0 to 1"),
        count("students", "students of the session"),
        count("interested", "students with that verdict"),
        count("neutral", "students with that verdict"),
        count("not_interested", "students with that verdict"),
        count("insufficient", "students whose evidence carries no verdict"),
        count("faces", "faces of students"),
        count("scorable", "scorable ones among them"),
    )


def _probabilities(what: str) -> tuple[Column[Any], ...]:
    """How probable each verdict is, and why there is none; last, where an older file takes them."""
    none = "NULL where it is unknown, as with strategies other than weighted"
    return (
        *(
            real(f"p_{name.replace(' ', '_')}", 4, f"{what.format(name)}, 0 to 1; {none}", nullable=True)
            for name in VERDICTS[:3]
        ),
        words("reason", f"why it is insufficient: {', '.join(REASONS)}; NULL with a verdict", nullable=True),
    )


_OLDER = "NULL in judgements of older versions"


def _measurable() -> Column[Any]:
    what = "measured, attention_only (only where the head points) or present_only"
    return words(
        "measurable", f"what can be told of the student in it: {what}; NULL: not in view, {_OLDER}", nullable=True
    )


def _class_probabilities() -> tuple[Column[Any], ...]:
    """The same of the class, and how many students that rests on."""
    return (
        *_probabilities("probability that more than half of the students in view are {}"),
        Column("present", Integer, comment=f"students in view: with a face in it; {_OLDER}"),
        Column("measured", Integer, comment=f"those with faces enough to be measured; {_OLDER}"),
        Column(
            "attention_only",
            Integer,
            comment=f"those of whom it is only known where the head points; the rest is present only; {_OLDER}",
        ),
    )


def _signals() -> tuple[Column[float], ...]:
    """What a student shows beside emotions; no part of a verdict unless the strategy is attention."""
    return (
        real("visible", 4, "share of the sampled frames in it that show the student's face, 0 to 1"),
        real("facing", 4, _FACING, nullable=True),
        real("movement", 3, _MOVEMENT, nullable=True),
    )


_FACING = (
    "share of the faces in which the head points the student's usual way, 0 to 1; NULL where none is large enough"
)
_MOVEMENT = "mean speed of the face beside the camera's, face sizes a second; NULL where it is unknown"

student_windows = Table(
    "student_windows",
    metadata,
    parent("judgements.judgement_id", "judgement_id", "the judgement"),
    key("student", "the student's number"),
    key("window", _WINDOW),
    *_evidence(),
    *_probabilities("probability that the verdict is {}"),
    _measurable(),
    comment="the verdict of one student in one window",
    sqlite_with_rowid=False,
)

class_windows = Table(
    "class_windows",
    metadata,
    parent("judgements.judgement_id", "judgement_id", "the judgement"),
    key("window", _WINDOW),
    *_class_evidence(),
    *_class_probabilities(),
    comment="the verdict of the class in one window, every student with equal weight",
    sqlite_with_rowid=False,
)

attention_windows = Table(
    "attention_windows",
    metadata,
    parent("judgements.judgement_id", "judgement_id", "the judgement, whose windows these are"),
    key("student", "the student's number"),
    key("window", _WINDOW),
    *_signals(),
    comment="what a student shows in one window beside emotions",
    sqlite_with_rowid=False,
)

class_shares = Table(
    "class_shares",
    metadata,
    parent("judgements.judgement_id", "judgement_id", "the judgement, whose windows these are"),
    key("student", "the student's number"),
    key("window", _WINDOW),
    key("number", "the class, a number in classes"),
    real("share", 4, "share of the class in the evidence of the student in the window, 0 to 1; they add up to 1"),
    comment="how much of a student's evidence is for each class, where the classes have no polarity",
    sqlite_with_rowid=False,
)

phases = Table(
    "phases",
    metadata,
    parent("sessions.session_id", "session_id", "the session"),
    key("phase", "1, 2, ... in the order in which they were made"),
    seconds("start", "where the phase begins"),
    seconds("stop", "where it ends", "; NULL: at the next phase, or with the session", nullable=True),
    words("label", "what the user calls the phase"),
    words("made", "when, UTC, ISO 8601"),
    comment="a phase of a lesson that a person marked; every judgement judges the phases besides its windows",
    sqlite_with_rowid=False,
)

student_phases = Table(
    "student_phases",
    metadata,
    parent("judgements.judgement_id", "judgement_id", "the judgement"),
    key("student", "the student's number"),
    key("phase", "the phase, a number in phases"),
    *_evidence(),
    *_signals(),
    *_probabilities("probability that the verdict is {}"),
    _measurable(),
    comment="the verdict of one student in one lesson phase, and what the student shows in it beside emotions",
    sqlite_with_rowid=False,
)

class_phases = Table(
    "class_phases",
    metadata,
    parent("judgements.judgement_id", "judgement_id", "the judgement"),
    key("phase", "the phase, a number in phases"),
    *_class_evidence(),
    *_class_probabilities(),
    comment="the verdict of the class in one lesson phase, every student with equal weight",
    sqlite_with_rowid=False,
)
