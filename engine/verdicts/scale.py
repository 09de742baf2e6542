"""The verdicts: their names, order, signs and sides. This is the one home of all of these; it imports nothing."""

from __future__ import annotations

#: In the order of the scale, then what is no verdict. storage/schema checks the rows against the same names.
VERDICTS = ("interested", "neutral", "not interested", "insufficient")
#: Their places in VERDICTS, which is how arrays hold them.
INTERESTED, NEUTRAL, NOT_INTERESTED, INSUFFICIENT = range(4)
#: One sign a verdict, so that a timeline can be read without its colours.
SIGNS = dict(zip(VERDICTS, "+o-.", strict=True))
#: Which side of the balance a verdict stands for; an insufficient one for neither.
SIDES = dict(zip(VERDICTS, (1, 0, -1, 0), strict=True))
#: The columns of class windows that count the students with each verdict.
COUNTS = tuple(name.replace(" ", "_") for name in VERDICTS)
