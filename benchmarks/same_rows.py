"""Whether two databases hold the same rows: `python -m benchmarks.same_rows OLD.db NEW.db`.

For a change of the software that must not change a result: analyse the same recordings before and after it, and
compare every row. OLD may be of schema version 2, whose tables, columns and states are read under the names of
today. Left out is what differs between any two runs: when something was written, by which version, and from
which path. Of the settings those are compared that both have. Exits with 1 where anything differs.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from storage.schema import metadata

#: Old names of tables, and of columns by their table (as it is called now).
TABLES = {
    "corrections": "repairs",
    "phases": "marks",
    "student_phases": "student_parts",
    "class_phases": "class_parts",
}
_SCORES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
COLUMNS = {
    "sessions": {"session_id": "id"},
    "judgements": {"judgement_id": "id"},
    "corrections": {"correction": "repair"},
    "phases": {"phase": "mark"},
    "student_phases": {"phase": "mark"},
    "class_phases": {"phase": "mark"},
    "profiles": {"intervals": "stretches"},
    "faces": {f"score_{number}": name for number, name in enumerate(_SCORES, 1)} | {"appearance": "look"},
}
STATES = {"seeing": "detecting", "seen": "detected"}
#: Differ between any two runs: times of writing, versions, paths, and who ran what with which paths.
IGNORED = {"created", "finished", "committed", "made", "saved", "since", "at", "version", "source"}
OF_AUDIT = {"who", "arguments"}

Row = dict[str, Any]


def main(old: Path, new: Path) -> int:
    """Print how many rows were compared in each table, and every difference; 1 if there is any, else 0."""
    compared = differing = 0
    with closing(_open(old)) as before, closing(_open(new)) as after:
        for name, table in metadata.tables.items():
            columns, left_out = _common(before, after, name)
            if not columns:
                print(f"{name}: not in {old}; {_count(after, name)} rows in {new}")
                continue
            key = [column.name for column in table.primary_key]
            rows = [{tuple(row[k] for k in key): row for row in _rows(of, name, columns)} for of in (before, after)]
            lines = list(_differences(*rows))
            more = f"; only one has {', '.join(left_out)}" if left_out else ""
            print(
                f"{name}: {len(rows[0])} and {len(rows[1])} rows, {len(columns)} columns, {len(lines)} differ{more}"
            )
            for line in lines:
                print(f"  {name} {line}")
            compared += len(rows[0])
            differing += len(lines)
    print(f"{old} and {new}: {compared} rows compared, {differing} differences")
    return int(differing > 0)


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    return connection


def _common(before: sqlite3.Connection, after: sqlite3.Connection, table: str) -> tuple[list[str], list[str]]:
    """The columns that both have, by their names of today, and those that one has alone; none without a table."""
    ours, theirs = (_columns(of, table) for of in (before, after))
    if not ours or not theirs:
        return [], []
    left_out = IGNORED | (OF_AUDIT if table == "audit" else set())
    both = [name for name in theirs if name in ours and name not in left_out]
    return both, sorted(set(ours) ^ set(theirs))


def _columns(of: sqlite3.Connection, table: str) -> dict[str, str]:
    """Names as they are in a database by those of today; empty without the table."""
    there = [name for (name,) in of.execute("SELECT name FROM pragma_table_info(?)", [_stored(of, table)])]
    today = {old: new for new, old in COLUMNS.get(table, {}).items() if new not in there}
    return {today.get(name, name): name for name in there}


def _stored(of: sqlite3.Connection, table: str) -> str:
    names = {name for (name,) in of.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    return table if table in names else TABLES.get(table, table)


def _count(of: sqlite3.Connection, table: str) -> int:
    return int(of.execute(f"SELECT count(*) FROM {_stored(of, table)}").fetchone()[0])


def _rows(of: sqlite3.Connection, table: str, columns: list[str]) -> Iterator[Row]:
    stored = _columns(of, table)
    selected = ", ".join(f'"{stored[name]}" AS "{name}"' for name in columns)
    for row in of.execute(f"SELECT {selected} FROM {_stored(of, table)}"):
        values = dict(row)
        if table == "sessions":
            values["state"] = STATES.get(values["state"], values["state"])
        yield values


def _differences(before: dict[Any, Row], after: dict[Any, Row]) -> Iterator[str]:
    for key in sorted(before.keys() | after.keys(), key=str):
        if key not in after:
            yield f"{key}: is gone"
        elif key not in before:
            yield f"{key}: is new"
        else:
            for name, value in before[key].items():
                ours, theirs = _comparable(name, value, after[key][name])
                if ours != theirs:
                    yield f"{key} {name}: {ours!r} was, {theirs!r} is"


def _comparable(name: str, value: Any, other: Any) -> tuple[Any, Any]:
    """Settings as those that both have."""
    if name != "settings":
        return value, other
    ours, theirs = json.loads(value), json.loads(other)
    both = ours.keys() & theirs.keys()
    return {key: ours[key] for key in sorted(both)}, {key: theirs[key] for key in sorted(both)}


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m benchmarks.same_rows OLD.db NEW.db")
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
