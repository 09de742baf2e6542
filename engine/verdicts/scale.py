"""The verdicts: their names, order, signs and sides. This is the one home of all of these; it imports nothing."""

from __future__ import annotations

#: In the order of the scale, then what is no verdict. storage/schema checks the rows against the same names.
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
