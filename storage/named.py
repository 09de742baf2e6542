"""The questions of queries.sql, by name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from storage.sql import parameters

_QUESTION = re.compile(r"^-- ([\w-]+): (.+)\n((?:-- .+\n)*)((?:.*\n)+?.*);$", re.MULTILINE)


@dataclass(frozen=True)
class Named:
    """A question that has a name: what it asks, what else there is to say ("" for nothing), and the SQL for it."""

    name: str
    question: str
    note: str
    sql: str

    @property
    def parameters(self) -> list[str]:
        """What it needs a value for."""
        return parameters(self.sql)


@lru_cache
def named_queries() -> dict[str, Named]:
    """Every question by its name, in the order of queries.sql; only to be read from."""
    text = Path(__file__).with_name("queries.sql").read_text("utf-8")
    _, _, text = text.partition("\n\n")  # what the file says of itself
    notes = [
        Named(name, question, " ".join(line[3:] for line in note.splitlines()), sql)
        for name, question, note, sql in _QUESTION.findall(text)
    ]
    return {query.name: query for query in notes}
