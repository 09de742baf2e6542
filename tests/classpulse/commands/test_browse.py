"""`classpulse browse`: Datasette on a free port, with what the schema says, and no way to change anything."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

import pytest

import classpulse.report
from engine import Session
from storage.named import Named, named_queries
from storage.views import views
from tests.classpulse.commands.conftest import Run, finish, start
from tests.drawn import rows

pytest.importorskip("datasette", reason="needs the browse extra")


@pytest.fixture(scope="module")
def address(analysed: Session, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a copy of the lesson's database is shown (the audit log notes that); it ends as Ctrl-C stops it."""
    db = shutil.copy(analysed.database, tmp_path_factory.mktemp("shown") / "classpulse.db")
    process = start("browse", "--db", db, "--port", 0)
    assert process.stdout is not None
    said = process.stdout.readline().decode()
    told = re.fullmatch(r".*classpulse\.db is at (http://127\.0\.0\.1:\d+/classpulse); Ctrl-C stops it\n", said)
    assert told, said
    yield told[1]
    process.send_signal(signal.SIGINT)
    ended = finish(process)
    assert (ended.status, ended.out, ended.err.splitlines()[-1]) == (130, "", "classpulse: stopped")
    assert "Traceback" not in ended.err


def fetch(url: str, **values: object) -> str:
    with urlopen(f"{url}?{urlencode(values)}" if values else url, timeout=60) as response:
        return unescape(response.read().decode())


def refusal(request: Request | str) -> tuple[int, str]:
    with pytest.raises(HTTPError) as refused:
        urlopen(request, timeout=60)
    return refused.value.code, refused.value.read().decode()


def test_the_front_page_lists_the_views_and_the_questions(address: str) -> None:
    page = fetch(address)
    for view in views():
        assert f'href="/classpulse/{view}"' in page
    for query in named_queries().values():
        assert query.question in page


def test_a_view_says_what_its_columns_hold(address: str) -> None:
    page = fetch(f"{address}/v_unmeasured")
    assert "v_unmeasured: a student who could not be measured" in page
    for column in views()["v_unmeasured"].c:
        assert column.comment is not None
        assert column.comment in page


def test_rows_are_counted_by_verdict(address: str, analysed: Session) -> None:
    found = json.loads(fetch(f"{address}/v_student_windows.json"))
    counted = {facet["value"]: facet["count"] for facet in found["facet_results"]["verdict"]["results"]}
    assert counted == analysed.verdicts()["verdict"].value_counts().to_dict()


@pytest.mark.parametrize("query", named_queries().values(), ids=named_queries())
def test_a_question_is_answered(address: str, query: Named) -> None:
    values = {"session": "1", "student": "S01", "name": "nobody"}  # text, as a form gives it
    given = {name: values[name] for name in query.parameters}
    page = fetch(f"{address}/{query.name}", **given)
    assert query.question in page
    answer = json.loads(fetch(f"{address}/{query.name}.json", _shape="array", **given))
    nothing = (
        "classes-prevailed",
        "unmeasured",
        "weak-links",
        "students-term",
        "judgements-agree",
        "phases",
        "student-phases",
    )
    assert answer or query.name in nothing


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM faces",
        "WITH x AS (SELECT 1) DELETE FROM faces",
        "SELECT 1; DROP TABLE faces",
        "ATTACH 'other.db' AS other",
        "PRAGMA query_only = OFF",
    ],
)
def test_nothing_can_be_written(address: str, analysed: Session, sql: str) -> None:
    before = rows(analysed.database)
    assert refusal(f"{address}.json?sql={quote(sql)}")[0] == 400
    assert refusal(Request(f"{address}?{urlencode({'sql': sql})}", method="POST"))[0] in (403, 405)
    assert rows(analysed.database) == before


def test_another_host_is_refused(address: str) -> None:
    """As a page elsewhere whose name is made to resolve to this machine would ask."""
    status, text = refusal(Request(address, headers={"Host": "elsewhere.example"}))
    assert (status, "Physics" in text, "This is 127.0.0.1:" in text) == (400, False, True)
    port = address.split(":")[2].split("/")[0]
    assert urlopen(Request(address, headers={"Host": f"localhost:{port}"}), timeout=60).status == 200


def test_a_port_that_is_taken(run: Run, db: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        result = run("browse", "--port", port)
    assert result.status == 2
    assert f"127.0.0.1:{port}: Address already in use; choose another --port" in result.complaint()


def test_without_datasette(run: Run, db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "classpulse.report.browse", raising=False)
    monkeypatch.delattr(classpulse.report, "browse", raising=False)
    monkeypatch.setitem(sys.modules, "datasette.app", None)  # as if it were not installed
    result = run("browse")
    assert result.status == 2
    assert "install what browse needs with: pip install 'classpulse[browse]'" in result.complaint()


def test_no_database(run: Run, folder: Path) -> None:
    result = run("browse")
    assert result.status == 2
    assert "there is no such database" in result.complaint()
    assert list(Path().iterdir()) == []
