"""The table of labels: which image shows which class, of which person, and what the classes stand for."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from engine.errors import UsageError
from engine.faces import POLARITIES, Class, Classes, Polarity
from engine.tables import Row, read_rows
from engine.texts import checked_text, required_text

Sides = dict[Polarity, Collection[str]]


class Label(NamedTuple):
    """What a row says."""

    place: str
    """`labels.csv, row 3`: for messages."""
    image: Path
    name: str
    """Of the class."""
    person: str
    """Empty where that is not known."""


def read_labels(path: Path, images: Path | None, sides: Sides) -> tuple[list[Label], Classes]:
    """The rows of a CSV file with the columns image and label, and perhaps person and polarity; and their classes.

    Images are relative to the folder `images`, by default the file's own. Classes are in order of their names. A
    class has the polarity of the column, or of `sides`, which names classes by polarity; without one it is neutral.
    Raises UsageError, in one line, for a table that cannot be learnt from; SourceError if it cannot be read.
    """
    rows = read_rows(path, ("image", "label"))
    labels, stated = [], dict[str, Polarity]()
    for row in rows:
        name = _text(row, "label")
        if not row.values["image"]:
            raise UsageError(f"{row.place}: it names no image; name one, or delete the row")
        polarity = _polarity(row)
        if polarity and stated.setdefault(name, polarity) != polarity:
            raise UsageError(f"{row.place}: {name} is {polarity}, but {stated[name]} in a row before; keep one")
        image = (path.parent if images is None else images) / row.values["image"]
        person = row.values.get("person", "")
        labels.append(Label(row.place, image, name, person and _text(row, "person")))
    if any(label.person for label in labels) and not all(label.person for label in labels):
        place = next(label.place for label in labels if not label.person)
        raise UsageError(f"{place}: it names no person, as other rows do; name one, or delete the column")
    return labels, _classes(path, sorted({label.name for label in labels}), stated, sides)


def _classes(path: Path, names: list[str], stated: dict[str, Polarity], sides: Sides) -> Classes:
    for polarity, members in sides.items():
        for name in members:
            if name not in names:
                raise UsageError(f"{path}: no class {name!r} to be {polarity}; the classes are {', '.join(names)}")
            if stated.setdefault(name, polarity) != polarity:
                raise UsageError(f"{path}: {name} is {stated[name]}, and cannot be {polarity}, too; keep one")
    if len(names) < 2:
        found = f"only the class {names[0]}" if names else "no row with a label"
        raise UsageError(f"{path}: {found}; add images of another class")
    if not {"positive", "negative"} & set(stated.values()):
        raise UsageError(
            f"{path}: none of its classes {', '.join(names)} is positive or negative, so nothing could be judged "
            "by them; say which with --positive or --negative, or in a column polarity"
        )
    try:
        return Classes(tuple(Class(name, stated.get(name, "neutral")) for name in names))
    except ValueError as error:
        raise UsageError(f"{path}: {error}; join classes in the column label") from error


def _text(row: Row, column: str) -> str:
    try:
        return required_text(checked_text(row.values[column], column), column)
    except UsageError as error:
        raise UsageError(f"{row.place}: {error}") from error


def _polarity(row: Row) -> Polarity | None:
    text = row.values.get("polarity", "").lower()
    found = next((polarity for polarity in POLARITIES if polarity == text), None)
    if text and found is None:
        raise UsageError(f"{row.place}: {text!r} is not a polarity; use {', '.join(POLARITIES)}")
    return found
