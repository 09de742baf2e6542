"""What the audit log keeps of a command line: no name of a person, in whatever option or SQL it was."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from engine.texts import normalised

#: Arguments that name students; those of a session stand behind it and a slash.
_STUDENTS = ("student", "other")
#: What stays of them: a label, or a person's number.
_LABEL = re.compile(r"([SsPp][0-9]+)?")
#: What stays of a query's values: numbers and constants.
_CONSTANT = re.compile(r"-?[0-9]+(\.[0-9]+)?(e-?[0-9]+)?|true|false|null")


def masked(command: str, arguments: Mapping[str, Any], names: Mapping[str, int]) -> str:
    """The arguments as JSON: P7 in place of a name in the database, ? in place of what may be another person's.

    `names` are numbers of persons by their names. Only values are masked, never the arguments' own names.
    """
    known = _Names(names)
    values = {key: _masked(command, key, value, known) for key, value in arguments.items()}
    return json.dumps(values, default=str, ensure_ascii=False, sort_keys=True)


class _Names:
    """The names of persons, to be replaced by their numbers."""

    def __init__(self, names: Mapping[str, int]) -> None:
        self._numbers = {normalised(name).casefold(): number for name, number in names.items()}
        longest_first = sorted(map(normalised, names), key=len, reverse=True)
        any_name = "|".join(map(re.escape, longest_first))
        self._pattern = re.compile(rf"(?<!\w)({any_name})(?!\w)", re.IGNORECASE) if names else None

    def replaced(self, text: str) -> str:
        """The text with P7 for each name in it."""
        if self._pattern is None:
            return text
        return self._pattern.sub(self._number, normalised(text))

    def only(self, text: str) -> str:
        """The text if it is a label or the number of a person, or a name that has one; else ?."""
        shown = self.replaced(text).strip()
        return shown if _LABEL.fullmatch(shown) else "?"

    def _number(self, match: re.Match[str]) -> str:
        number = self._numbers.get(match[0].casefold())
        return "?" if number is None else f"P{number}"


def _masked(command: str, key: str, value: Any, names: _Names) -> Any:
    if isinstance(value, list | tuple):
        return [_masked(command, key, entry, names) for entry in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    text = str(value)
    if key == "sql":
        from storage.sql import without_texts

        return names.replaced(without_texts(text))
    if key == "address":
        from engine.vision.cameras.addresses import without_secrets

        return names.replaced(without_secrets(text))
    if key == "webhook":
        from classpulse.live.lines import host_of

        return names.replaced(host_of(text))
    if key in _STUDENTS:
        session, slash, student = text.rpartition("/")
        return names.replaced(session) + slash + names.only(student)
    if (command, key) == ("rename", "name"):
        return names.only(text)
    if key in ("seat", "values"):
        before, equals, named = text.partition("=")
        stays = key == "values" and _CONSTANT.fullmatch(named)
        return names.replaced(before) + equals + (named if stays else names.only(named.strip("'\"")))
    return names.replaced(text)
