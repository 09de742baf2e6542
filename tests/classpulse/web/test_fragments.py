"""Fragments that are made once: which requests are answered from memory, and what makes them anew."""

from __future__ import annotations

import gzip
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from fastapi.testclient import TestClient

from classpulse.report import page as report_page
from classpulse.web.fragments import Fragments
from classpulse.web.serving import Serving
from engine import Session

SEATS = "/sessions/1/sections/seats"


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The names of the sections that were rendered."""
    names: list[str] = []
    render = report_page.fragment

    def counting(sources: object, name: str) -> object:
        names.append(name)
        return render(sources, name)  # type: ignore[arg-type]

    monkeypatch.setattr(report_page, "fragment", counting)
    return iter([names])


def test_a_section_is_rendered_once_until_the_session_changes(
    client: TestClient, serving: Serving, made: Iterator[list[str]]
) -> None:
    names = next(made)
    first = client.get(SEATS).text
    assert client.get(SEATS).text == first
    assert names == ["seats"]
    with closing(sqlite3.connect(serving.db)) as connection, connection:
        connection.execute("CREATE TABLE elsewhere (number INTEGER)")  # the file changes, the session does not
    assert client.get(SEATS).text == first
    assert names == ["seats"]
    assert client.post("/sessions/1/rename", data={"student": "S01", "name": "Ada"}).status_code == 303
    assert "S01 Ada" in client.get(SEATS).text
    assert names == ["seats", "seats"]
    client.post("/sessions/1/undo")
    assert "S01 Ada" not in client.get(SEATS).text


def test_a_judgement_makes_the_sections_anew(client: TestClient) -> None:
    before = client.get("/sessions/1/sections/timeline").text
    assert '"start": [0.0, 16.0]' not in before
    client.post("/sessions/1/judge", data={"window": 16, "band": 0.1, "strategy": "sum"})
    assert '"start": [0.0, 16.0]' in client.get("/sessions/1/sections/timeline").text
    earlier = client.get("/sessions/1/sections/timeline", params={"judgement": "weighted, 5 s"}).text
    assert earlier == before


def test_a_reader_who_has_it_is_told_so(client: TestClient) -> None:
    answer = client.get(SEATS)
    again = client.get(SEATS, headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(SEATS, headers={"if-none-match": '"other"'}).status_code == 200


def test_it_is_compressed_for_who_can_read_that(client: TestClient, serving: Serving) -> None:
    assert "content-encoding" not in client.get(SEATS, headers={"accept-encoding": "identity"}).headers
    answer = client.get(SEATS, headers={"accept-encoding": "br, gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    fragment = Fragments(serving.db).get(1, ("text",), lambda: "x" * 1000)
    assert gzip.decompress(fragment.packed) == b"x" * 1000
    assert len(fragment.packed) < 100


def test_many_who_ask_at_once_wait_for_one(analysed: Session) -> None:
    fragments, made, both = Fragments(str(analysed.database)), [], threading.Barrier(4)

    def make() -> str:
        made.append(1)
        return "text"

    def ask() -> None:
        both.wait()
        assert fragments.get(1, ("slow",), make).text == b"text"

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]


def test_the_page_of_a_slider_that_stands_where_it_was_is_the_stored_judgement(client: TestClient) -> None:
    stored = client.get(
        "/sessions/1/judged", params={"window": 5, "band": 0.1, "strategy": "weighted", "baseline": "true"}
    )
    assert "judged just now" not in stored.text
    moved = client.get(
        "/sessions/1/judged", params={"window": 16, "band": 0.1, "strategy": "weighted", "baseline": "true"}
    )
    for name in ("summary", "timeline", "seats", "students", "heatmap", "changes"):
        assert f'id="section-{name}"' in moved.text
    assert "of 2 windows" in moved.text  # the sentence and the cards are of the same judgement as the timeline
    assert '<div id="top" hx-swap-oob="innerHTML">' in moved.text
