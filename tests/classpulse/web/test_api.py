"""The API: what programs get, and that no input breaks it."""

from __future__ import annotations

import dataclasses
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from schemathesis import Case
from schemathesis.checks import positive_data_acceptance
from schemathesis.core.result import Ok
from schemathesis.schemas import BaseSchema

from classpulse.report.sentence import session_summary
from classpulse.web.app import create_app
from classpulse.web.serving import Serving
from engine import Session
from engine.sessions.forgetting import exclude_student
from storage.store import Store
from tests.classpulse.web.conftest import TOKEN

SESSION = "/api/sessions/1"


def test_sessions(client: TestClient, analysed: Session) -> None:
    (row,) = client.get("/api/sessions").json()
    assert row["name"] == "lesson.mp4"
    assert "source" not in row  # where recordings lie is nobody's business
    assert client.get(SESSION).json() | {"recording": True, "warning": None} == client.get(SESSION).json()
    assert client.get(SESSION).json()["summary"] == session_summary(analysed)


def test_tables(client: TestClient, analysed: Session) -> None:
    for name, table in (
        ("students", analysed.students()),
        ("verdicts", analysed.verdicts()),
        ("class", analysed.class_verdicts()),
        ("judgements", analysed.judgements()),
    ):
        rows = client.get(f"{SESSION}/{name}").json()
        assert len(rows) == len(table) > 0
        assert set(table.columns) <= set(rows[0])
    assert client.get(f"{SESSION}/class?judgement=nothing").status_code == 400


def test_overlay_is_what_is_stored(client: TestClient, analysed: Session) -> None:
    found = client.get(f"{SESSION}/overlay?start=5&stop=8").json()
    faces = analysed.faces()
    faces = faces[(faces["time"] >= 5) & (faces["time"] < 8)]
    assert found["times"] == sorted(set(faces["time"].round(3)))
    assert sum(map(len, found["faces"])) == len(faces)
    student, *box = found["faces"][0][0]
    first = faces.iloc[0]
    assert student == first["student"]
    assert box == pytest.approx([first[edge] for edge in ("x1", "y1", "x2", "y2")], abs=0.01)
    assert client.get(f"{SESSION}/overlay?start=500&stop=510").json() == {"times": [], "faces": []}
    assert client.get(f"{SESSION}/overlay?start=0&stop=1000").status_code == 400


def test_overlay_of_faces_that_are_nobodys(client: TestClient, serving: Serving) -> None:
    with closing(sqlite3.connect(serving.db)) as connection, connection:
        connection.execute("UPDATE faces SET track = NULL WHERE face = 0")
        still = connection.execute(
            "SELECT DISTINCT student FROM faces JOIN tracks USING (session_id, track) "
            "JOIN frames USING (session_id, pts) WHERE time >= 5 AND time < 8"
        ).fetchall()
    found = client.get(f"{SESSION}/overlay?start=5&stop=8").json()
    assert len(still) > 1
    assert {student for frame in found["faces"] for student, *_ in frame} == {None, *(row[0] for row in still)}


def test_corrections(client: TestClient) -> None:
    students = client.post(f"{SESSION}/rename", json={"student": "S02", "name": "Ada"}).json()
    assert [row["name"] for row in students] == [None, "Ada", None, None]
    students = client.post(f"{SESSION}/split", json={"student": "S03", "time": 16}).json()
    assert len(students) == 5
    answer = client.post(f"{SESSION}/merge", json={"student": "S01", "other": "S02"})
    assert answer.status_code == 400
    assert "both have faces" in answer.json()["detail"]
    assert len(client.post(f"{SESSION}/merge", json={"student": "S03", "other": "S05"}).json()) == 4
    assert client.post(f"{SESSION}/undo").json() == {"undone": "merge S03 S05"}
    assert [row["action"] for row in client.get(f"{SESSION}/corrections").json()] == ["rename", "split", "merge"]


def test_a_teacher_is_named_and_has_no_verdicts(client: TestClient) -> None:
    students = client.post(f"{SESSION}/role", json={"student": "S02", "role": "teacher"}).json()
    assert [row["role"] for row in students] == ["student", "teacher", "student", "student"]
    for rows in (
        client.get(f"{SESSION}/verdicts").json(),
        client.post(f"{SESSION}/preview", json={}).json()["verdicts"],
    ):
        assert {row["label"] for row in rows} == {"S01", "S03", "S04"}
    assert {row["students"] for row in client.get(f"{SESSION}/class").json()} == {3}
    answer = client.post(f"{SESSION}/role", json={"student": "S02", "role": "dean"})
    assert (answer.status_code, answer.json()["detail"]) == (
        400, "invalid role 'dean'; use student, teacher, picture or screen"
    )  # fmt: skip
    assert client.post(f"{SESSION}/undo").json() == {"undone": "role S02 teacher"}


def test_a_preview_is_the_judgement_and_is_not_kept(client: TestClient, serving: Serving) -> None:
    changes = {"window": 8, "strategy": "sum", "band": 0.3}
    preview = client.post(f"{SESSION}/preview", json=changes).json()
    assert len(client.get(f"{SESSION}/judgements").json()) == 1
    kept = client.post(f"{SESSION}/judge", json=changes | {"name": "wide"}).json()
    assert [row["name"] for row in kept][-1] == "wide"
    stored = Session(serving.db, 1)
    assert [row["verdict"] for row in preview["class"]] == list(stored.class_verdicts("wide")["verdict"])
    by_window = stored.verdicts("wide").sort_values(["student", "window"])
    assert [
        row["verdict"] for row in sorted(preview["verdicts"], key=lambda r: (r["student"], r["window"]))
    ] == list(by_window["verdict"])
    assert client.post(f"{SESSION}/preview", json={"window": 0.1, "sample_rate": 3}).status_code == 422


def test_a_preview_knows_what_was_corrected(client: TestClient) -> None:
    def labels() -> set[str]:
        return {row["label"] for row in client.post(f"{SESSION}/preview", json={}).json()["verdicts"]}

    assert labels() == {"S01", "S02", "S03", "S04"}
    client.post(f"{SESSION}/split", json={"student": "S03", "time": 16})
    assert labels() == {"S01", "S02", "S03", "S04", "S05"}
    client.post(f"{SESSION}/undo")
    assert labels() == {"S01", "S02", "S03", "S04"}


def test_a_query_only_reads(client: TestClient, serving: Serving) -> None:
    answer = client.post("/api/query", json={"sql": "SELECT label, label, NULL AS none FROM students LIMIT 1"})
    assert answer.json() == {"columns": ["label", "label", "none"], "rows": [["S01", "S01", None]], "more": False}
    for sql in (
        "DELETE FROM students",
        "DROP TABLE faces",
        "ATTACH '/tmp/x.db' AS x",
        "PRAGMA user_version = 9",
        "",
    ):
        assert client.post("/api/query", json={"sql": sql}).status_code in (400, 422), sql
    assert len(client.get(f"{SESSION}/students").json()) == 4


def test_the_recording_in_parts(client: TestClient, recording: Path) -> None:
    content = recording.read_bytes()
    whole = client.get(f"{SESSION}/video")
    assert (whole.status_code, whole.headers["content-type"], whole.content) == (200, "video/mp4", content)
    assert whole.headers["accept-ranges"] == "bytes"
    part = client.get(f"{SESSION}/video", headers={"range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, content[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(content)}"
    assert client.get(f"{SESSION}/video", headers={"range": f"bytes={len(content)}-"}).status_code == 416


def test_a_recording_that_is_gone(client: TestClient, serving: Serving) -> None:
    (serving.videos / "lesson.mp4").rename(serving.videos / "moved.mp4")
    answer = client.get(f"{SESSION}/video")
    assert answer.status_code == 404
    assert answer.json()["detail"].startswith("The recording lesson.mp4 ")
    assert client.get(SESSION).json()["recording"] is False
    assert client.get(f"{SESSION}/report.html").status_code == 200


def test_a_recording_that_an_excluded_student_is_in_is_not_served(client: TestClient, serving: Serving) -> None:
    with Store.open(serving.db) as store:
        exclude_student(store, 1, "S02")
    for detail in (client.get(f"{SESSION}/video"), client.get(f"{SESSION}/video", headers={"range": "bytes=0-9"})):
        assert detail.status_code == 404
        assert detail.json()["detail"].startswith("A student is excluded from this recording, so it is not shown; ")
    assert client.get(SESSION).json()["recording"] is False
    page = client.get(SESSION.removeprefix("/api")).text
    assert "<video" not in page
    assert "A student is excluded from this recording" in page


def test_a_recording_that_is_another_one_now(client: TestClient, serving: Serving) -> None:
    assert client.get(f"{SESSION}/video").status_code == 200
    (serving.videos / "lesson.mp4").write_bytes(b"root:x:0:0:" * 1000)
    answer = client.get(f"{SESSION}/video")
    assert answer.status_code == 404
    assert "has changed since it was analysed" in answer.json()["detail"]


def test_the_report_as_a_file(client: TestClient) -> None:
    answer = client.get(f"{SESSION}/report.html")
    assert answer.headers["content-disposition"] == 'attachment; filename="session-1.html"'
    assert "<!-- a classpulse report -->" in answer.text
    assert client.get(f"{SESSION}/report.html?student=S99").status_code == 400


@pytest.mark.parametrize("path", ["/api/sessions/99", "/api/sessions/99/video", "/api/jobs/99", "/api/nothing"])
def test_what_is_not_there(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json()["detail"]


TOLD = {"authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def schema(serving: Serving) -> BaseSchema:
    app = create_app(dataclasses.replace(serving, host="0.0.0.0", token=TOKEN, insecure=True))
    return schemathesis.openapi.from_asgi("/api/openapi.json", app, headers=TOLD)


@pytest.mark.slow
def test_no_input_breaks_it(schema: BaseSchema, serving: Serving) -> None:
    """Whatever is sent gets an answer that the description of the API promises, and never an error of ours."""
    operations = []
    for result in schema.get_all_operations():
        assert isinstance(result, Ok), result
        operations.append(result.ok())
    assert len(operations) >= 20
    for operation in operations:

        @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
        @given(case=operation.as_strategy())
        def attack(case: Case[Any]) -> None:
            # A stop before the start, or a student who is not there, fits the description and is still refused.
            case.call_and_validate(headers=TOLD, excluded_checks=[positive_data_acceptance])

        attack()
    assert Session(serving.db, 1).health()["students"] >= 1  # and the session is still one


@pytest.mark.parametrize("number", ["99999999999999999999", "-1", "9" * 5000, "inf", "\u0663\u0663" * 10])
@pytest.mark.parametrize(
    "path",
    ["/sessions/{}", "/sessions/1/unmark/{}", "/jobs/{}/cancel", "/api/sessions/{}", "/api/sessions/1/phases/{}"],
)
def test_numbers_out_of_any_range_in_an_address(client: TestClient, path: str, number: str) -> None:
    methods = {"unmark": "POST", "cancel": "POST", "phases": "DELETE"}
    method = next((method for word, method in methods.items() if word in path), "GET")
    assert client.request(method, path.format(number)).status_code in (404, 422)
