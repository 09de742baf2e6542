"""Attacks by questions in SQL: endless ones, huge answers, formulas in what is saved."""

from __future__ import annotations

import csv
import io
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient

from classpulse.web import questions
from classpulse.web.questions import Questions
from classpulse.web.serving import Serving
from engine import Session
from storage.errors import QueryError

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT {}) SELECT {} FROM n"
FORMULA = "=cmd|' /C calc'!A0"


def test_endless_questions_keep_nobody_waiting(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """45 of them once took every thread of the server until their time was over."""
    monkeypatch.setattr(questions, "PATIENCE", 3.0)
    with ThreadPoolExecutor(46) as pool:
        asked = [pool.submit(client.post, "/api/query", json={"sql": ENDLESS}) for _ in range(45)]
        time.sleep(0.5)
        waits = []
        for _ in range(5):
            began = time.perf_counter()
            assert client.get("/api/jobs").status_code == 200
            waits.append(time.perf_counter() - began)
        codes = [answer.result().status_code for answer in asked]
    assert max(waits) < 1.5
    assert (codes.count(400), codes.count(503)) == (8, 37)
    assert client.post("/api/query", json={"sql": "SELECT 1"}).json()["rows"] == [[1]]


def test_an_answer_has_a_limited_size(client: TestClient) -> None:
    """400 rows of 2 MB once took 4.5 GB."""
    sql = NUMBERS.format(400, "i, printf('%.2000000c', 'x') AS text")
    tracemalloc.start()
    answer = client.post("/api/query", json={"sql": sql})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (answer.status_code, "larger than 8 MB" in answer.json()["detail"]) == (400, True)
    assert peak < 60e6
    sql = NUMBERS.format(1, "zeroblob(20000000) AS zeros")
    assert "too long" in client.post("/api/query", json={"sql": sql}).json()["detail"]


def test_a_file_of_rows_takes_no_memory(serving: Serving) -> None:
    sql = NUMBERS.format(30_000, "i, 'text' AS text, i / 3.0 AS third, NULL AS none")
    tracemalloc.start()
    with Questions(serving.db)._csv(sql) as file:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        rows = list(csv.reader(io.TextIOWrapper(file, "utf-8")))
    assert peak < 2e6
    assert (len(rows), rows[0], rows[3]) == (30_001, ["i", "text", "third", "none"], ["3", "text", "1.0", ""])


def test_a_file_of_rows_has_a_limited_size(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "MOST_CSV_BYTES", 1_000_000)
    with pytest.raises(QueryError, match="larger than 1 MB"):
        Questions(serving.db)._csv(NUMBERS.format(1_000_000, "i"))


def test_no_saved_text_is_a_formula(client: TestClient, serving: Serving) -> None:
    Session(serving.db, 1).rename("S01", FORMULA)
    sql = "SELECT name, -1 AS \"=x\", '@y' AS y, x'00ff' AS bytes FROM v_students WHERE name IS NOT NULL"
    answer = client.post("/sql.csv", data={"sql": sql})
    assert answer.headers["content-type"].startswith("text/csv")
    assert list(csv.reader(io.StringIO(answer.text))) == [
        ["name", "'=x", "y", "bytes"],
        [f"'{FORMULA}", "-1", "'@y", "00ff"],
    ]


@pytest.mark.parametrize("address", ["/sql", "/sql.csv"])
def test_wrong_sql_is_kept(client: TestClient, address: str) -> None:
    answer = client.post(address, data={"sql": "SELECT lable FROM students WHERE 1 < 2"})
    assert answer.status_code == 400
    assert "SELECT lable FROM students WHERE 1 &lt; 2</textarea>" in answer.text
    assert "did you mean label?" in answer.text
