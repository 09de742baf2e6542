"""`classpulse schema`: what there is to ask, from the schema's own comments, without a database."""

from __future__ import annotations

import re
from pathlib import Path

from storage import dictionary
from storage.schema import metadata
from tests.classpulse.commands.conftest import Run


def test_text_names_every_column(run: Run, folder: Path) -> None:
    result = run("schema")
    assert (result.status, result.err) == (0, "")
    for table in dictionary.relations().values():
        assert f"\n{table.name}: {table.comment}" in "\n" + result.out
    assert re.search(r"^  first +DOUBLE +first face, s$", result.out, re.MULTILINE)
    assert re.search(r"^  session_id +INTEGER +the session -> sessions\.session_id$", result.out, re.MULTILINE)
    assert list(folder.iterdir()) == []


def test_some_tables_alone(run: Run, folder: Path) -> None:
    out = run("schema", "v_unmeasured", "students", "--format", "markdown").out
    assert re.findall(r"^### (.+)", out, re.MULTILINE) == ["v_unmeasured", "students"]
    assert "\n| why | TEXT | " in out


def test_mermaid_draws_every_foreign_key(run: Run, folder: Path) -> None:
    lines = run("schema", "--format", "mermaid").out.splitlines()
    assert lines[0] == "erDiagram"
    drawn = {(line.split()[0], line.split()[2]) for line in lines if "--o{" in line}
    keys = {(key.referred_table.name, table.name) for table in metadata.tables.values()
            for key in table.foreign_key_constraints}  # fmt: skip
    assert drawn == keys
    assert "    sessions ||--o{ students : session_id" in lines
    assert '        BIGINT pts PK, FK "the frame\'s media timestamp, ticks"' in lines
    inside = [line for line in lines[1:] if line.startswith(" " * 8)]
    assert len(inside) == sum(len(table.c) for table in metadata.tables.values())
    attribute = re.compile(r'\s+[A-Z]+ \w+( (PK|FK)(, FK)?)? "[^"]*"')  # Mermaid's grammar
    assert [line for line in inside if not attribute.fullmatch(line)] == []


def test_mermaid_of_two_tables_has_what_is_between_them(run: Run, folder: Path) -> None:
    out = run("schema", "judgements", "class_windows", "-f", "mermaid").out
    assert [line.strip() for line in out.splitlines() if "--" in line] == [
        "judgements ||--o{ class_windows : judgement_id"
    ]


def test_no_such_table(run: Run, folder: Path) -> None:
    result = run("schema", "v_student")
    assert result.status == 2
    assert "there is no table or view 'v_student'; there are sessions, " in result.complaint()
