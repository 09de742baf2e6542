"""The pages, also of sessions that are not as they should be; forms work without a script, too."""

from __future__ import annotations

import dataclasses
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from classpulse.web.app import create_app
from classpulse.web.guard import Guard
from classpulse.web.serving import Serving
from engine import Session, Settings, analyze
from engine.sessions.judgements import judge
from engine.sessions.tracking import track_session
from storage.store import Store
from tests.classpulse.web.conftest import Open
from tests.drawn import SETTINGS
from tests.storage.conftest import frames_at, make_faces

SESSION = "/sessions/1"
HTMX = {"hx-request": "true"}
MARKUP = "<img src=x onerror=alert(1)>\"'&</script><script>alert(2)</script>"


def test_sessions(client: TestClient) -> None:
    text = client.get("/").text
    assert f'<a href="{SESSION}">lesson.mp4</a>' in text
    assert "0:32" in text


def test_no_database_yet(opened: Open, tmp_path: Path) -> None:
    client = opened(Serving(db=str(tmp_path / "new.db"), videos=tmp_path / "videos"))
    assert "No sessions yet" in client.get("/").text
    assert client.get("/new").status_code == 200
    assert not (tmp_path / "new.db").exists()
    answer = client.get("/sql")
    assert answer.status_code == 200
    answer = client.post("/sql", data={"sql": "SELECT 1"})
    assert "there is no such database" in answer.text


def test_a_file_that_is_no_database(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("these are notes, and no database")
    client = opened(Serving(db=str(tmp_path / "notes.db"), videos=tmp_path / "videos"))
    answer = client.get("/")
    assert answer.status_code == 503
    assert "not an SQLite database" in answer.text


def test_a_session(client: TestClient) -> None:
    text = client.get(SESSION).text
    assert "<h1>lesson.mp4</h1>" in text
    assert f'src="/api{SESSION}/video"' in text
    for part in ("timeline", "heatmap", "seats", "changes", "students", "provenance"):
        assert f'id="section-{part}"' in client.get(f"{SESSION}/sections/{part}").text
    assert client.get(f"{SESSION}/sections/..%2fapp").status_code in (400, 404)


def test_a_session_that_is_not_there(client: TestClient) -> None:
    answer = client.get("/sessions/99")
    assert answer.status_code == 404
    assert "there is no session 99" in answer.text
    assert client.get("/sessions/physics").status_code in (404, 422)


def test_sliders_show_what_judging_would_give(client: TestClient) -> None:
    text = client.get(f"{SESSION}/judged?window=16&band=0.5&strategy=sum").text
    assert 'id="section-timeline"' in text
    assert 'id="section-heatmap"' in text
    assert '"start": [0.0, 16.0]' in text
    assert "not kept" in text  # the SQL that it comes from says so
    assert "weighted" in client.get(f"{SESSION}/sections/provenance").text
    assert client.get(f"{SESSION}/judged?strategy=attention").status_code == 200
    assert client.get(f"{SESSION}/judged?strategy=magic").status_code == 400


def test_a_judgement_that_is_kept_is_shown(client: TestClient) -> None:
    form = {"window": 16, "band": 0.5, "strategy": "sum"}
    answer = client.post(f"{SESSION}/judge", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, SESSION)
    assert "sum, 16 s, band 0.5" in client.get(SESSION).text


def test_corrections_by_form_and_by_htmx(client: TestClient) -> None:
    answer = client.post(f"{SESSION}/rename", data={"student": "S01", "name": "Ada"})
    assert (answer.status_code, answer.headers["location"]) == (303, SESSION)
    answer = client.post(f"{SESSION}/split", data={"student": "S02", "at": "0:16"}, headers=HTMX)
    assert answer.status_code == 200
    assert "S05 is the new student from 0:16 on" in answer.text
    assert answer.headers["hx-trigger"] == '{"corrected": 1}'
    assert "Undo: split S02 at 0:16" in answer.text
    answer = client.post(f"{SESSION}/merge", data={"student": "S01", "other": "S03"}, headers=HTMX)
    assert (answer.status_code, answer.headers["hx-retarget"]) == (400, "#message")
    assert "both have faces" in answer.text
    answer = client.post(f"{SESSION}/split", data={"student": "S02", "at": "noon"})
    assert "invalid time &#39;noon&#39;; use 12:30" in answer.text
    for text in ("inf", "nan", "1e999"):  # float() takes them, and no session is that long
        answer = client.post(f"{SESSION}/split", data={"student": "S02", "at": text})
        assert answer.status_code == 400, text
        assert f"invalid time &#39;{text}&#39;" in answer.text
    for name in ("S07", "p3", "x" * 201, "a\tb"):  # as on the command line, and in files of names
        answer = client.post(f"{SESSION}/rename", data={"student": "S01", "name": name})
        assert answer.status_code in (400, 422), name


def test_a_role_by_form(client: TestClient) -> None:
    answer = client.post(f"{SESSION}/role", data={"student": "S02", "role": "teacher"}, headers=HTMX)
    assert answer.status_code == 200
    assert answer.headers["hx-trigger"] == '{"corrected": 1}'
    assert "S02 has the role teacher now" in answer.text
    assert "Undo: role S02 teacher" in answer.text
    assert '<option value="S02">S02 (teacher)</option>' in answer.text
    students = client.get(f"{SESSION}/sections/students").text
    assert "Teacher, not counted as a student." in students
    assert students.index('id="student-3"') < students.index('id="student-1"')  # apart from the students
    assert "S02: teacher, not counted as a student" in client.get(f"{SESSION}/sections/seats").text


def test_markup_in_names_is_text(client: TestClient, serving: Serving) -> None:
    """Of a session, a student, a recording, in SQL and in what went wrong."""
    Session(serving.db, 1).rename("S01", MARKUP)
    with closing(sqlite3.connect(serving.db)) as connection, connection:
        connection.execute("UPDATE sessions SET name = ?, file_name = ?", (MARKUP, MARKUP))
    (serving.videos / "a<b>.mp4").write_bytes(b"")
    texts = [client.get(path).text for path in ("/", "/new", SESSION, f"{SESSION}/corrections")]
    texts += [
        client.get(f"{SESSION}/sections/{part}").text for part in ("timeline", "heatmap", "seats", "students")
    ]
    texts += [client.get(f"{SESSION}/judged").text, client.get(f"/api{SESSION}/report.html").text]
    literal = MARKUP.replace("'", "")
    texts.append(client.post("/sql", data={"sql": f"SELECT '{literal}' AS \"<b>x</b>\""}).text)
    texts.append(client.post(f"{SESSION}/rename", data={"student": MARKUP, "name": "x"}).text)
    for text in texts:
        assert "<img src=x" not in text
        assert "<script>alert" not in text
        assert "<b>x" not in text
    assert "&lt;img src=x" in texts[0]


def test_sql(client: TestClient) -> None:
    answer = client.post("/sql", data={"sql": "SELECT label FROM students"}, headers=HTMX)
    assert "4 rows" in answer.text
    assert "<html" not in answer.text
    assert "<td>S04</td>" in client.post("/sql", data={"sql": "SELECT label FROM students"}).text
    assert client.post("/sql.csv", data={"sql": "SELECT label FROM students"}).text.split() == [
        "label", "S01", "S02", "S03", "S04",
    ]  # fmt: skip
    answer = client.post("/sql", data={"sql": "DELETE FROM students"})
    assert answer.status_code == 400
    assert "a query only reads" in answer.text
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5000) SELECT i FROM n"
    text = client.post("/sql", data={"sql": many}).text
    assert "The first 1,000 rows of more" in text
    assert '<td class="number">1000</td>' in text
    assert '<td class="number">1001</td>' not in text


# -- sessions that are not as they should be


Write = Callable[[list[float], int], None]


@pytest.fixture
def write(serving: Serving) -> Write:
    """`write(times, faces)`: a finished session beside the first one, of frames with so many faces."""

    def write(times: list[float], faces_a_frame: int) -> None:
        with Store.open(serving.db) as store:
            settings = Settings(sample_rate=1.0)
            number = store.add_session(
                name="odd", source="/gone/odd.mp4", sha256="0" * 64, settings=settings.to_json(), version="0.1.0",
                models="{}", time_base=Fraction(1, 1000), start_pts=0, width=640, height=480,
            )  # fmt: skip
            pts = (np.array(times) * 1000).astype(np.int64)
            found = make_faces(np.repeat(pts, faces_a_frame).tolist())
            if len(times):
                store.write_segment(number, 0, frames_at(pts, np.array(times)), found.columns())
            store.finish_detection(number, times[-1] if times else 0.0)
            with store.writing():
                track_session(store, number, settings)
                judge(store, number, settings)

    return write


@pytest.mark.parametrize(
    ("times", "faces"),
    [([], 0), ([0.0], 0), ([0.0, 1.0, 2.0], 0), ([0.0, 1.0, 4.0], 1)],
    ids=["nothing decoded", "one frame", "no faces", "no students"],
)
def test_sessions_without(client: TestClient, write: Write, times: list[float], faces: int) -> None:
    write(times, faces)
    paths = [f"/sessions/2/sections/{part}" for part in ("timeline", "heatmap", "seats", "changes", "students")]
    for path in ("/", "/sessions/2", *paths, "/sessions/2/judged?window=3", "/sessions/2/corrections"):
        assert client.get(path).status_code == 200, path
    assert client.get("/api/sessions/2/report.html").status_code == 200
    assert "is no longer where it was analysed" in client.get("/sessions/2").text


def test_a_session_that_is_not_finished(client: TestClient, serving: Serving) -> None:
    with closing(sqlite3.connect(serving.db)) as connection, connection:
        connection.execute("UPDATE sessions SET state = 'detecting', duration = NULL")
    assert "not finished" in client.get("/").text
    assert "analyse the recording again to resume" in client.get(SESSION).text
    assert client.get(f"{SESSION}/judged").status_code == 400
    assert client.post(f"/api{SESSION}/preview", json={}).status_code == 400


def test_the_recording_is_gone(client: TestClient, serving: Serving) -> None:
    (serving.videos / "lesson.mp4").unlink()
    text = client.get(SESSION).text
    assert "The recording lesson.mp4 is no longer where it was analysed" in text
    assert "<video" not in text
    assert client.get(f"{SESSION}/sections/heatmap").status_code == 200


def test_the_guard_stands_before_everything(serving: Serving) -> None:
    app = create_app(serving)
    classes: list[object] = [layer.cls for layer in app.user_middleware]
    assert classes == [Guard]


def test_a_session_of_which_the_class_alone_was_kept(
    opened: Open, serving: Serving, recording: Path, tmp_path: Path
) -> None:
    settings = dataclasses.replace(SETTINGS, aggregate_only=True, min_group=2)
    db = tmp_path / "class.db"
    analyze(recording, db, settings=settings)
    client = opened(dataclasses.replace(serving, db=str(db)))
    text = client.get(SESSION).text
    assert 'id="judge"' not in text
    assert 'id="correct"' not in text
    for part in re.findall(r'hx-get="(/sessions/1/sections/\w+)"', text):
        assert client.get(part).status_code == 200, part
    assert client.get(f"{SESSION}/judged").status_code == 400
    assert client.get(f"/api{SESSION}/overlay?start=0&stop=10").json()["faces"] == [[]] * 10
    assert client.get(f"/api{SESSION}/report.html").status_code == 200


def test_marked_parts(client: TestClient) -> None:
    answer = client.post(f"{SESSION}/mark", data={"label": "quiz <1>", "at": "0:05", "until": "0:20"}, headers=HTMX)
    assert "quiz &lt;1&gt; is marked" in answer.text
    assert 'data-start="5.0" data-stop="20.0"' in answer.text
    assert answer.headers["hx-trigger"] == '{"corrected": 1}'
    answer = client.post(f"{SESSION}/mark", data={"label": "talk", "at": "0:10"}, headers=HTMX)
    assert answer.status_code == 400
    assert "overlaps" in answer.text
    (mark,) = client.get(f"/api{SESSION}/phases").json()
    assert (mark["label"], mark["start"], mark["stop"]) == ("quiz <1>", 5.0, 20.0)
    answer = client.post(f"{SESSION}/unmark/{mark['phase']}")
    assert answer.status_code == 303
    assert "No phases yet" in client.get(f"{SESSION}/phases").text
