"""People's data on a PostgreSQL server: forgotten, excluded, kept apart, noted, and the class alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url

from engine import Session, analyze
from engine.sessions.forgetting import choose_student, exclude_student, forget
from engine.sessions.names import drop_names, import_names
from storage import audit, people, queries, retention
from storage.errors import DatabaseError
from storage.forgetting import clean
from storage.postgres import PostgresDatabase
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


def run_sql(url: str, *statements: str) -> None:
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def state(url: str) -> list[object]:
    """How many students, names, corrections and seats there are."""
    with Store.open(url) as store, store.reading() as connection:
        tables = ("students", "people WHERE name IS NOT NULL", "corrections", "excluded", "faces")
        return [connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one() for table in tables]


@pytest.fixture
def as_helper(postgres_url: str) -> Iterator[str]:
    """The URL of a lesson for a role that may read and write every table, but owns none."""
    write_seated(postgres_url, name="monday").name_students({"S01": "Ada"})
    url = make_url(postgres_url)
    schema = str(url.query["options"]).partition("=")[2]
    role = f"helper_{schema}"
    grants = [f"GRANT ALL ON ALL {what} IN SCHEMA {schema} TO {role}" for what in ("TABLES", "SEQUENCES")]
    run_sql(postgres_url, f"CREATE ROLE {role} LOGIN", f"GRANT USAGE ON SCHEMA {schema} TO {role}", *grants)
    yield url.set(username=role).render_as_string(False)
    run_sql(postgres_url, f"DROP OWNED BY {role}", f"DROP ROLE {role}")


@pytest.mark.parametrize(
    "delete",
    [
        lambda store: forget(store, choose_student(store, "Ada")),
        lambda store: exclude_student(store, 1, "Ada"),
        drop_names,
        clean,
    ],
)
def test_nothing_is_deleted_that_cannot_be_erased(
    postgres_url: str, as_helper: str, delete: Callable[[Store], object]
) -> None:
    before = state(postgres_url)
    with Store.open(as_helper) as store:
        with pytest.raises(DatabaseError) as caught:
            delete(store)
        said = str(caught.value)
        assert ": nothing was deleted, since helper_" in said
        assert " does not own attention_windows, audit, " in said
        assert "run the same command as postgres, or GRANT postgres TO helper_" in said
        assert state(postgres_url) == before
    run_sql(postgres_url, f"GRANT postgres TO {make_url(as_helper).username}")
    with Store.open(as_helper) as store:
        delete(store)
    run_sql(postgres_url, f"REVOKE postgres FROM {make_url(as_helper).username}")


def test_a_table_that_the_server_only_warns_of_is_not_called_clean(
    as_helper: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PostgresDatabase, "check_erasable", lambda *_: None)
    with Store.open(as_helper) as store, pytest.raises(DatabaseError) as caught:
        drop_names(store)
    said = str(caught.value)
    assert "the rows are gone, but not yet what the file still holds of them" in said
    assert '"sessions"' in said  # as the server words it
    assert "; tables as they were: sessions, " in said
    assert " people," in said
    assert "\n" not in said


def test_what_is_deleted_is_in_no_table_of_the_server(postgres_url: str) -> None:
    write_seated(postgres_url, name="monday").name_students({"S01": "Ada"})
    size = "SELECT sum(pg_relation_size(oid)) FROM pg_class WHERE relname IN ('faces', 'people')"
    size += " AND relnamespace = current_schema::regnamespace"
    with Store.open(postgres_url) as store:
        with store.reading() as connection:
            before = connection.exec_driver_sql(size).scalar_one()
        forget(store, choose_student(store, "Ada"))
        with store.reading() as connection:
            assert 0 < connection.exec_driver_sql(size).scalar_one() < 0.9 * before
