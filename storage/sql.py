"""Reads SQL text as far as a person needs it: which parameters it names, and where in it an error is."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from storage.dictionary import relations


class Token(NamedTuple):
    """A word, sign, text or quoted name of SQL, as it stands there."""

    kind: str
    """`parameter` for :name and ?, `text` for a literal, else `other`."""
    text: str
    at: int
    """Where it begins, from 0."""


#: What SQLite says of a name: `no such column: v.x`, `misuse of aggregate: sum()`, `... to function round()`.
_ABOUT = re.compile(r"(?:: |function )(?:\w+\.)*(\w+)(?:\(\))?$")


def parameters(sql: str) -> list[str]:
    """The names behind the colons, each once, in the order in which they first come."""
    if ":" not in sql:
        return []
    named = [token.text[1:] for token in tokens(sql) if token.kind == "parameter"]
    return list(dict.fromkeys(filter(None, named)))


def without_texts(sql: str) -> str:
    """The SQL without comments, and with `?` in place of each text in it: either may be a person's name.

    So may a quoted name, unless it is a table's or a column's: SQLite takes an unknown one for a text.
    """
    known = {*relations(), *(column.name for table in relations().values() for column in table.c)}
    shown, end = "", 0
    for token in tokens(sql):
        quoted = token.text[:1] in tuple("\"`[$'") and token.text[1:-1].lower() not in known
        gap = " " if shown and token.at > end else ""
        shown += gap + ("?" if token.kind == "text" or quoted else token.text)
        end = token.at + len(token.text)
    return shown


def replaced(sql: str, changes: Mapping[Token, str], between: Callable[[str], str] = str) -> str:
    """The SQL with some of its tokens replaced; `between` changes what stands around them."""
    pieces, last = [], 0
    for token, new in changes.items():
        pieces += [between(sql[last : token.at]), new]
        last = token.at + len(token.text)
    return "".join([*pieces, between(sql[last:])])


def explain(sql: str, message: str, attempt: Callable[[str], str]) -> str:
    """SQLite's `message` about `sql`, with its line and column, and a similar name that may be meant.

    Since Python does not expose SQLite's error offset, the place is found by experiment: `attempt` returns SQLite's
    message about other SQL, "" if none.
    """
    name = _ABOUT.search(message)
    places: Iterator[int] = iter(())
    if near := re.fullmatch(r'near "(.+)": syntax error', message, re.DOTALL):
        # A parser stops at the first unexpected token, whatever comes after it.
        ends = [(at, at + len(text)) for _, text, at in tokens(sql) if text == near[1]]
        places = (at for at, end in ends if attempt(sql[:end]) == message)
    elif message == "incomplete input":
        places = iter([len(sql.rstrip())])
    elif token := re.fullmatch(r'unrecognized token: "(.+)"', message, re.DOTALL):
        places = (at for *_, at in tokens(sql) if sql.startswith(token[1], at))
    elif name:
        places = _culprits(sql, name[1], message, attempt)
    at = next(places, None)
    where = f"{message} ({line_and_column(sql, at)})" if at is not None else message
    return where + (_meant(name[1]) if name and "no such" in message else "")


def _culprits(sql: str, name: str, message: str, attempt: Callable[[str], str]) -> Iterator[int]:
    """Where the name stands and is wrong by itself: with NULL in all its other places, the message is the same."""
    spans = [(at, at + len(text)) for _, text, at in tokens(sql) if text.strip('"').casefold() == name.casefold()]
    for span in spans:
        remaining = [candidate for candidate in reversed(spans) if candidate != span]
        changed = sql
        for start, stop in remaining:
            changed = f"{changed[:start]}NULL{changed[stop:]}"
        if not remaining or attempt(changed) == message:
            yield span[0]


def tokens(sql: str, dialect: str = "sqlite") -> Iterator[Token]:
    """Each token in its place, without blanks and comments; also of SQL that is wrong."""
    from sqlglot import TokenError, TokenType, tokenize  # slow to import: only for a user's SQL

    complete, open_part = sql, None
    try:
        parsed = tokenize(sql, read=dialect)
    except TokenError:  # a text, a quoted name or a comment does not end
        complete, open_part = _split_where_open(sql, dialect)
        parsed = tokenize(complete, read=dialect)
    texts = {kind for kind in TokenType if kind.name.endswith("STRING")}
    consumed = -1
    for place, token in enumerate(parsed):
        after = parsed[place + 1] if place + 1 < len(parsed) else None
        text = complete[token.start : token.end + 1]
        if token.start <= consumed:  # the name of a parameter, yielded with its colon
            continue
        if token.token_type == TokenType.PLACEHOLDER:
            yield Token("parameter", text, token.start)
        elif (
            token.token_type == TokenType.COLON and after and after.start == token.end + 1 and _is_name(after.text)
        ):
            consumed = after.end
            yield Token("parameter", complete[token.start : consumed + 1], token.start)
        elif token.token_type in texts or text[:1] in ("'", '"'):
            yield Token("text" if token.token_type in texts else "other", text, token.start)
        else:
            yield from _words(text, token.start)
    if open_part and not open_part.startswith("/*"):
        yield Token("text" if open_part.startswith("'") else "other", open_part, len(complete))


def _split_where_open(sql: str, dialect: str) -> tuple[str, str]:
    """What can be read, and from where on not, since something that begins there has no end."""
    from sqlglot import TokenError, tokenize

    for at in range(len(sql) - 1, -1, -1):
        opens = sql[at] in "'\"`[" and sql[at] != sql[at - 1 : at]  # a quote that is doubled does not open
        if opens or sql.startswith(("/*", "$"), at):
            try:
                tokenize(sql[:at], read=dialect)
            except TokenError:
                continue
            return sql[:at], sql[at:]
    return "", sql


def _is_name(text: str) -> bool:
    return text[:1].isalpha() or text.startswith("_")


def _words(text: str, at: int) -> Iterator[Token]:
    """GROUP BY, which is one token to the parser, as two."""
    last = 0
    for word in text.split():
        last = text.index(word, last)
        yield Token("other", word, at + last)
        last += len(word)


def line_and_column(sql: str, at: int) -> str:
    """`line 2, column 8` of the place `at` (from 0) in the text."""
    before = sql[:at]
    return f"line {before.count(chr(10)) + 1}, column {at - before.rfind(chr(10))}"


def _meant(name: str) -> str:
    names = {*relations(), *(column.name for table in relations().values() for column in table.c)}
    close = difflib.get_close_matches(name.lower(), sorted(names - {name.lower()}), 1, 0.75)
    return f"; did you mean {close[0]}?" if close else ""
