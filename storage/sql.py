"""Reads SQL text as far as a person needs it: which parameters it names, and where in it an error is."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator

from storage.dictionary import relations

_TOKEN = re.compile(
    r"""(?P<skipped>\s+|--[^\n]*|/\*.*?(?:\*/|\Z))
    |(?P<quoted>'(?:[^']|'')*'|"(?:[^"]|"")*")
    |(?P<parameter>(?<!:):[^\W\d]\w*)
    |(?P<word>\w+)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
#: What SQLite says of a name: `no such column: v.x`, `misuse of aggregate: sum()`, `... to function round()`.
_ABOUT = re.compile(r"(?:: |function )(?:\w+\.)*(\w+)(?:\(\))?$")


def parameters(sql: str) -> list[str]:
    """The names behind the colons, each once, in the order in which they first come."""
    return list(dict.fromkeys(text[1:] for kind, text, _ in _tokens(sql) if kind == "parameter"))


def explain(sql: str, said: str, attempt: Callable[[str], str]) -> str:
    """What SQLite `said` of `sql`, with the line and column that it means, and the name that may be meant.

    Since Python does not tell SQLite's own error offset, the place is found by experiment: `attempt` gives what
    SQLite says of other SQL, "" if nothing.
    """
    name = _ABOUT.search(said)
    found: Iterator[int] = iter(())
    if near := re.fullmatch(r'near "(.+)": syntax error', said, re.DOTALL):
        # A parser gives up at the first token that cannot follow, whatever comes after it.
        ends = [(at, at + len(text)) for _, text, at in _tokens(sql) if text == near[1]]
        found = (at for at, end in ends if attempt(sql[:end]) == said)
    elif said == "incomplete input":
        found = iter([len(sql.rstrip())])
    elif token := re.fullmatch(r'unrecognized token: "(.+)"', said, re.DOTALL):
        found = (at for *_, at in _tokens(sql) if sql.startswith(token[1], at))
    elif name:
        found = _culprits(sql, name[1], said, attempt)
    at = next(found, None)
    where = f"{said} ({line_and_column(sql, at)})" if at is not None else said
    return where + (_meant(name[1]) if name and "no such" in said else "")


def _culprits(sql: str, name: str, said: str, attempt: Callable[[str], str]) -> Iterator[int]:
    """Where the name stands and is wrong by itself: with NULL in all its other places, SQLite says the same."""
    spans = [(at, at + len(text)) for _, text, at in _tokens(sql) if text.strip('"').casefold() == name.casefold()]
    for span in spans:
        others = [other for other in reversed(spans) if other != span]
        changed = sql
        for start, stop in others:
            changed = f"{changed[:start]}NULL{changed[stop:]}"
        if not others or attempt(changed) == said:
            yield span[0]


def _tokens(sql: str) -> Iterator[tuple[str, str, int]]:
    """Kind, text and offset of each, without blanks and comments."""
    for match in _TOKEN.finditer(sql):
        if match.lastgroup and match.lastgroup != "skipped":
            yield match.lastgroup, match[0], match.start()


def line_and_column(sql: str, at: int) -> str:
    """`line 2, column 8` of the place `at` (from 0) in the text."""
    before = sql[:at]
    return f"line {before.count(chr(10)) + 1}, column {at - before.rfind(chr(10))}"


def _meant(name: str) -> str:
    known = {*relations(), *(column.name for table in relations().values() for column in table.c)}
    close = difflib.get_close_matches(name.lower(), sorted(known - {name.lower()}), 1, 0.75)
    return f"; did you mean {close[0]}?" if close else ""
