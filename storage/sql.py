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
    """The SQL with `?` in place of each text in it, which may be a person's name."""
    return replaced(sql, {token: "?" for token in tokens(sql) if token.kind == "text"})


def replaced(sql: str, changes: Mapping[Token, str], between: Callable[[str], str] = str) -> str:
    """The SQL with some of its tokens replaced; `between` changes what stands around them."""
    pieces, last = [], 0
    for token, new in changes.items():
        pieces += [between(sql[last : token.at]), new]
        last = token.at + len(token.text)
    return "".join([*pieces, between(sql[last:])])


def explain(sql: str, said: str, attempt: Callable[[str], str]) -> str:
    """What SQLite `said` of `sql`, with the line and column that it means, and the name that may be meant.

    Since Python does not tell SQLite's own error offset, the place is found by experiment: `attempt` gives what
    SQLite says of other SQL, "" if nothing.
    """
    name = _ABOUT.search(said)
    found: Iterator[int] = iter(())
    if near := re.fullmatch(r'near "(.+)": syntax error', said, re.DOTALL):
        # A parser gives up at the first token that cannot follow, whatever comes after it.
        ends = [(at, at + len(text)) for _, text, at in tokens(sql) if text == near[1]]
        found = (at for at, end in ends if attempt(sql[:end]) == said)
    elif said == "incomplete input":
        found = iter([len(sql.rstrip())])
    elif token := re.fullmatch(r'unrecognized token: "(.+)"', said, re.DOTALL):
        found = (at for *_, at in tokens(sql) if sql.startswith(token[1], at))
    elif name:
        found = _culprits(sql, name[1], said, attempt)
    at = next(found, None)
    where = f"{said} ({line_and_column(sql, at)})" if at is not None else said
    return where + (_meant(name[1]) if name and "no such" in said else "")


def _culprits(sql: str, name: str, said: str, attempt: Callable[[str], str]) -> Iterator[int]:
    """Where the name stands and is wrong by itself: with NULL in all its other places, SQLite says the same."""
    spans = [(at, at + len(text)) for _, text, at in tokens(sql) if text.strip('"').casefold() == name.casefold()]
    for span in spans:
        others = [other for other in reversed(spans) if other != span]
        changed = sql
        for start, stop in others:
            changed = f"{changed[:start]}NULL{changed[stop:]}"
        if not others or attempt(changed) == said:
            yield span[0]


def tokens(sql: str, dialect: str = "sqlite") -> Iterator[Token]:
    """Each token in its place, without blanks and comments; also of SQL that is wrong."""
    from sqlglot import TokenError, TokenType, tokenize  # which takes a while: only where somebody asks in SQL

    whole, rest = sql, None
    try:
        found = tokenize(sql, read=dialect)
    except TokenError:  # a text, a quoted name or a comment does not end
        whole, rest = _split_where_open(sql, dialect)
        found = tokenize(whole, read=dialect)
    texts = {kind for kind in TokenType if kind.name.endswith("STRING")}
    taken = -1
    for place, token in enumerate(found):
        after = found[place + 1] if place + 1 < len(found) else None
        text = whole[token.start : token.end + 1]
        if token.start <= taken:  # the name of a parameter, told with its colon
            continue
        if token.token_type == TokenType.PLACEHOLDER:
            yield Token("parameter", text, token.start)
        elif (
            token.token_type == TokenType.COLON and after and after.start == token.end + 1 and _is_name(after.text)
        ):
            taken = after.end
            yield Token("parameter", whole[token.start : taken + 1], token.start)
        elif token.token_type in texts or text[:1] in ("'", '"'):
            yield Token("text" if token.token_type in texts else "other", text, token.start)
        else:
            yield from _words(text, token.start)
    if rest and not rest.startswith("/*"):
        yield Token("text" if rest.startswith("'") else "other", rest, len(whole))


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
    known = {*relations(), *(column.name for table in relations().values() for column in table.c)}
    close = difflib.get_close_matches(name.lower(), sorted(known - {name.lower()}), 1, 0.75)
    return f"; did you mean {close[0]}?" if close else ""
