"""The verdicts: their names, order, signs and sides. This is the one home of all of these."""

from __future__ import annotations

from typing import NamedTuple

#: In the order of the scale, then what is no verdict. Classes without polarity have a scale of their names.
VERDICTS = ("interested", "neutral", "not interested", "insufficient")
#: Their places in VERDICTS, which is how arrays hold them.
INTERESTED, NEUTRAL, NOT_INTERESTED, INSUFFICIENT = range(4)
#: A class of which no half is of one mind is divided; nobody alone is.
CLASS_VERDICTS = (*VERDICTS, "divided")
DIVIDED = len(VERDICTS)
#: One sign a verdict, so that a timeline can be read without its colours.
SIGNS = dict(zip(VERDICTS, "+o-.", strict=True))
CLASS_SIGNS = SIGNS | {CLASS_VERDICTS[DIVIDED]: "="}
#: Which side of the balance a verdict stands for; an insufficient one for neither.
SIDES = dict(zip(CLASS_VERDICTS, (1, 0, -1, 0, 0), strict=True))
#: The columns of class windows that count the students with each verdict.
COUNTS = tuple(name.replace(" ", "_") for name in VERDICTS)
#: The columns of how probable each verdict on the scale is.
PROBABILITIES = tuple(f"p_{name}" for name in COUNTS[:INSUFFICIENT])


class Scale(NamedTuple):
    """What the windows of a judgement may be found to be, in the order in which people read it."""

    kinds: tuple[str, ...]
    """A window with a verdict is one of these."""
    polar: bool = True
    """Whether they are the three of the balance; else they are names of classes without polarity."""

    @property
    def verdicts(self) -> tuple[str, ...]:
        """Of students."""
        return (*self.kinds, VERDICTS[INSUFFICIENT])

    @property
    def class_verdicts(self) -> tuple[str, ...]:
        """Of the class."""
        return (*self.verdicts, CLASS_VERDICTS[DIVIDED])

    @property
    def signs(self) -> dict[str, str]:
        """One sign for each of `verdicts`: of a class the first letter of its name that is free, else a digit."""
        if self.polar:
            return SIGNS
        signs: dict[str, str] = {}
        for name in self.kinds:
            free = (letter for letter in (*name.lower(), *"123456789abc") if letter.isalnum())
            signs[name] = next(letter for letter in free if letter not in signs.values())
        return signs | {VERDICTS[INSUFFICIENT]: SIGNS[VERDICTS[INSUFFICIENT]]}

    @property
    def class_signs(self) -> dict[str, str]:
        """One for each of `class_verdicts`."""
        return self.signs | {CLASS_VERDICTS[DIVIDED]: CLASS_SIGNS[CLASS_VERDICTS[DIVIDED]]}


BALANCE = Scale(VERDICTS[:INSUFFICIENT])
