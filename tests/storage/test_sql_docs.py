"""docs/sql.md says what the schema says, and each of its queries runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from report import schema
from storage import queries
from storage.schema import metadata
from storage.views import views

DOCS = (Path(__file__).parents[2] / "docs" / "sql.md").read_text("utf-8")
QUERIES = re.findall(r"^## (.+?)\n.*?```sql\n(.+?)```", DOCS, re.DOTALL | re.MULTILINE)


def test_tables_and_views_are_documented_as_they_are():
    """What `classpulse schema --format markdown` prints."""
    for table in [*metadata.tables.values(), *views().values()]:
        assert "\n".join(schema.markdown([table])) in DOCS


def test_every_column_and_table_has_a_comment():
    for table in metadata.tables.values():
        assert table.comment
        assert [column.name for column in table.c if not column.comment] == []


def test_every_view_is_documented(store):
    views = queries.query(store.path, "SELECT name FROM sqlite_master WHERE type = 'view' ORDER BY name")["name"]
    assert sorted(set(re.findall(r"^\| `(v_\w+)` \|", DOCS, re.MULTILINE))) == views.tolist()


def test_there_are_enough_queries():
    assert len(QUERIES) >= 6


@pytest.mark.parametrize(("question", "sql"), QUERIES, ids=[question for question, _ in QUERIES])
def test_documented_query(lesson, write, question, sql):
    write.judgement(lesson, 1, name="later", verdict="not interested")
    assert not queries.query(lesson.path, sql).empty, question
