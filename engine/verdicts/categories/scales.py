"""Which scale a session is judged on: that of the balance, or the names of its classes."""

from __future__ import annotations

from collections.abc import Iterable

from engine.faces import Classes
from engine.verdicts.scale import BALANCE, Scale
from engine.verdicts.strategies import reads_cues


def scale_of(classes: Classes | None, strategy: str) -> Scale:
    """The scale of a judgement by `strategy` of a session with these classes; None for one that has no scores.

    A judgement by cues reads no classes. What is `ignored` is never a verdict, unless all classes are.
    """
    if classes is None or classes.polar or reads_cues(strategy):
        return BALANCE
    return Scale(tuple(classes.names[place] for place in counted(classes)), polar=False)


def scale_of_rows(names: Iterable[object], polarities: Iterable[object], strategy: str) -> Scale:
    """The same, of columns of the table `classes`, which older sessions have no rows in."""
    rows = [(str(name), polarity) for name, polarity in zip(names, polarities, strict=True)]
    return scale_of(Classes.of(*zip(*rows, strict=True)) if rows else None, strategy)


def counted(classes: Classes) -> list[int]:
    """The columns of `scores` that can be a verdict where the classes have no polarity."""
    return classes.places("neutral") or list(range(len(classes)))
