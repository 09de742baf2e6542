"""Arguments and options that several commands take, and what their texts mean."""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import typer

from engine.errors import UsageError
from engine.settings import Settings
from engine.times import parse_duration, parse_time

Format = Literal["table", "csv", "json", "parquet", "markdown"]
Raw = Annotated[
    bool,
    typer.Option("--raw", help="In CSV, put no ' before text that a spreadsheet takes for a formula (= + - @)."),
]

DEFAULT = Settings()
#: A whole number of so many digits fits into 64 bits, as in a database.
_DIGITS = 18

Database = Annotated[
    str,
    typer.Option(
        "--db",
        envvar="CLASSPULSE_DB",
        metavar="FILE|URL",
        help="Database: a file, or a URL (sqlite:///, postgresql://).",
    ),
]
SessionKey = Annotated[str, typer.Argument(metavar="SESSION", help="Session number, session name or file name.")]
StudentKey = Annotated[str, typer.Argument(metavar="STUDENT", help="Label, such as S07, or name of a student.")]
Window = Annotated[float, typer.Option(metavar="SECONDS", help="Length of a window.")]
StrategyOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="How the balance is computed: weighted, temporal, sum, dominant, attention or an installed strategy "
        "(default: weighted; attention if emotions are not scored).",
    ),
]
Band = Annotated[float, typer.Option(help="Largest |balance| that is neutral.")]
MinFaces = Annotated[int, typer.Option(help="Minimum number of scorable faces in a window for a verdict.")]
BASELINE = typer.Option("--baseline/--no-baseline", help="Subtract each student's neutral-face baseline.")
Baseline = Annotated[bool, BASELINE]
Sure = Annotated[float, typer.Option(help="Probability that a verdict must reach (strategy weighted).")]
MinStudents = Annotated[
    int, typer.Option(help="Minimum number of measured students for a verdict of the class (strategy weighted).")
]
MinCoverage = Annotated[
    float, typer.Option(help="Minimum share of a window's frames with a scorable face for a verdict.")
]
NoExpression = Annotated[
    bool, typer.Option("--no-expression", help="Do not score emotions; judge by attention only.")
]
MinFace = Annotated[float, typer.Option(metavar="PX", help="Height of the smallest face to detect.")]
Exclude = Annotated[
    list[str] | None,
    typer.Option(
        metavar="WHO",
        help="Drop all faces in a square (X,Y,SIZE in px) or at a seat (NAME@ROOM, SESSION/S07, SESSION).",
    ),
]
AggregateOnly = Annotated[
    bool,
    typer.Option(
        "--aggregate-only",
        help="Store verdicts of the class and the number of faces in each frame, nothing about a student.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print neither progress nor tables.")]


def sample_rate_of(text: str) -> float | None:
    """A rate in frames per second; None for `all`."""
    try:
        return None if text == "all" else float(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a number of frames per second, nor `all`") from None


def aspect_of(text: str) -> tuple[int, int]:
    """Width to height of a picture: 16:9, 2.39:1 or 1.7778."""
    width, _, height = text.partition(":")
    try:
        aspect = Fraction(width) / Fraction(height or 1)
    except (ValueError, ZeroDivisionError):
        raise typer.BadParameter(f"{text!r} is not width to height of a picture, such as 16:9") from None
    return aspect.numerator, aspect.denominator


class ScorerChoice(NamedTuple):
    """A scorer's name, and the path of its network."""

    name: str
    model: str | None


def scorer_of(text: str, model: Path | None) -> ScorerChoice:
    """fer, or engaged.onnx: a file is short for the scorer `onnx` with that network."""
    if Path(text).suffix.lower() == ".onnx":
        if model is not None:
            raise typer.BadParameter(f"--scorer {text} and --scorer-model {model} are two networks; omit one")
        return ScorerChoice("onnx", str(Path(text).absolute()))
    return ScorerChoice(text, None if model is None else str(model.absolute()))


def thresholds_of(text: str) -> tuple[float, float, float]:
    """Three numbers with commas."""
    try:
        pnet, rnet, onet = map(float, text.split(","))
        return pnet, rnet, onet
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is not three numbers separated by commas, such as 0.6,0.7,0.8"
        ) from None


def seconds_of(text: str) -> float:
    """12:30, 1:02:03 or seconds."""
    try:
        return parse_time(text)
    except UsageError as error:
        raise typer.BadParameter(str(error)) from None


def duration_of(text: str) -> float:
    """Seconds of 90s, 45m or 1h30m."""
    try:
        return parse_duration(text)
    except UsageError as error:
        raise typer.BadParameter(str(error)) from None


def clock_of(text: str, now: datetime) -> datetime:
    """The next time of day that is 09:45, in this machine's time zone; `now` is a time there, without a zone."""
    try:
        at = datetime.strptime(text.strip(), "%H:%M").time()
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a time of day, such as 09:45") from None
    day = now.date() if at > now.time() else now.date() + timedelta(days=1)
    return datetime.combine(day, at).astimezone()


def seat_of(text: str) -> tuple[str, str]:
    """S03=Ada."""
    student, equals, name = text.partition("=")
    if not (student and equals and name):
        raise typer.BadParameter(f"{text!r} is not a student and a name, such as S03=Ada")
    return student, name


def parameter_of(text: str) -> tuple[str, int | float | bool | str | None]:
    """limit=5, name=Ada, room='12': numbers, true, false and null are what they look like, all else is text."""
    name, equals, value = text.partition("=")
    if not (name.isidentifier() and equals):
        raise typer.BadParameter(f"{text!r} is not a name and a value, such as session=3")
    if value in ("true", "false", "null"):
        return name, {"true": True, "false": False, "null": None}[value]
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        return name, value[1:-1]
    if re.fullmatch(r"-?(0|[1-9][0-9]*)", value):  # 007 is no number but a name
        number: int | float = int(value) if len(value) <= _DIGITS else math.inf
    elif re.fullmatch(r"-?(0|[1-9][0-9]*)\.[0-9]+(e-?[0-9]+)?", value):
        number = float(value)
    else:
        return name, value
    if not math.isfinite(number):
        raise typer.BadParameter(f"{name}={value[:_DIGITS]}... is out of range; as a text it is {name}=\"'...'\"")
    return name, number
