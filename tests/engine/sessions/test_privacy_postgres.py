"""People's data on a PostgreSQL server: forgotten, excluded, kept apart, noted, and the class alone."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from engine import Session, analyze
from engine.sessions.forgetting import choose_student, exclude_student, forget
from engine.sessions.names import import_names
from storage import audit, people, queries, retention
from storage.forgetting import clean
from storage.store import Store
from tests.drawn import SETTINGS
from tests.seated import write_seated


def test_on_a_server(postgres_url: str, recording: Path, tmp_path: Path) -> None:
    session = write_seated(postgres_url, name="monday").name_students({"S01": "Ada", "S02": "Ben", "S04": "Dan"})
    session.keep_seats("B12")
    with Store.open(postgres_url) as store:
        forget(store, choose_student(store, "Ada"))
        assert exclude_student(store, 1, "Ben") == "S02"
        assert queries.people(store)["name"].tolist() == ["Ben", "Dan"]  # Ben is in the roster
        assert len(queries.excluded(store, 1)) == 1
        assert people.drop_names(store) == 2
        (tmp_path / "names.csv").write_text("person,name\n2,Ben\n3,Dan\n")
        assert import_names(store, tmp_path / "names.csv") == 2
        retention.set_retention(store, 30)
        assert (retention.retention(store), len(retention.overdue(store))) == (30, 0)
        audit.note(store, "ada", "show", 1, "{}", "done")
        assert audit.audited(store)["session_id"].tolist() == [1]
        clean(store)
    assert session.students()["label"].tolist() == ["S03", "S04", "S05", "S06"]
    assert session.students()["name"].dropna().tolist() == ["Dan"]
    number = analyze(
        recording, postgres_url, settings=dataclasses.replace(SETTINGS, aggregate_only=True, min_group=3)
    ).session_id
    alone = Session(postgres_url, number)
    assert alone.faces().empty
    assert set(alone.class_verdicts()["students"]) == {4}
