"""No name of a person is in the audit log, in whatever option or SQL it was."""

from __future__ import annotations

import json
from typing import Any

import pytest

from classpulse.commands.masking import masked
from storage.sql import without_texts

NAMES = {"Ada": 1, "Ada Lovelace": 2, "sql": 3, "Zo\xeb O'Hara": 4, "D. (tall)": 5}


@pytest.mark.parametrize(
    ("command", "arguments", "shown"),
    [
        ("query", {"sql": "select 1"}, {"sql": "select 1"}),  # a person is called like the argument
        ("query", {"sql": "select * from sql"}, {"sql": "select * from P3"}),
        ("query", {"sql": "select 'Ada' -- Ada"}, {"sql": "select ?"}),
        (
            "query",
            {"values": ["name=Ada", "n=5", "x=-1.5e3", "y=true"]},
            {"values": ["name=P1", "n=5", "x=-1.5e3", "y=true"]},
        ),
        (
            "query",
            {"values": ["name='ada lovelace'", "name=Ida", "at=7a"]},
            {"values": ["name=P2", "name=?", "at=?"]},
        ),
        ("query", {"values": ["student=S07", "student=P4"]}, {"values": ["student=S07", "student=P4"]}),
        ("rename", {"student": "S01", "name": "Ida"}, {"student": "S01", "name": "?"}),
        ("rename", {"student": "zoe\u0308 o'hara", "name": ""}, {"student": "P4", "name": ""}),
        ("analyze", {"name": "Ida", "videos": ["Ada.mp4"]}, {"name": "Ida", "videos": ["P1.mp4"]}),
        ("roster", {"seat": ["S01=Ada", "S02=Ida"]}, {"seat": ["S01=P1", "S02=?"]}),
        ("merge", {"student": "Ada Lovelace", "other": "Ida"}, {"student": "P2", "other": "?"}),
        ("forget", {"student": "monday/Ada", "yes": True}, {"student": "monday/P1", "yes": True}),
        ("forget", {"student": "Ada's lesson/S07"}, {"student": "P1's lesson/S07"}),
        ("report", {"output": "D. (tall).html"}, {"output": "P5.html"}),
        (
            "report",
            {"output": "Adamant.html", "judgement": "Madam"},
            {"output": "Adamant.html", "judgement": "Madam"},
        ),
        ("report", {"compare": ("Ada", "2")}, {"compare": ["P1", "2"]}),
        ("judge", {"band": 0.2, "min_faces": 3, "name": None}, {"band": 0.2, "min_faces": 3, "name": None}),
    ],
)
def test_names_are_masked_and_nothing_else(command: str, arguments: dict[str, Any], shown: dict[str, Any]) -> None:
    assert json.loads(masked(command, arguments, NAMES)) == shown


def test_without_names_what_may_be_one_is_masked_all_the_same() -> None:
    assert masked("query", {"values": ["name=Ada", "n=5"]}, {}) == '{"values": ["name=?", "n=5"]}'


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        (
            "select * from students where name = 'Ada' -- Ada\n and label<>'x'",
            "select * from students where name = ? and label<>?",
        ),
        ('select "name", "Ada" from "v_faces" /* Ada */', 'select "name", ? from "v_faces"'),
        ("-- Ada\nselect 1 /* Ada", "select 1"),
        ("select `Ada`, [Ada], $$Ada$$, x'416461', 'A''da", "select ?, ?, ?, ?, ?"),
        ("select :name, ?, 1.5, count(*)", "select :name, ?, 1.5, count(*)"),
    ],
)
def test_sql_without_texts_and_comments(sql: str, shown: str) -> None:
    assert without_texts(sql) == shown
