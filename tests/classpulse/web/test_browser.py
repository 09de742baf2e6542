"""The page in a real browser: the whole path of a teacher, by mouse and by keyboard, on a desk and on a phone."""

from __future__ import annotations

import dataclasses
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright", reason="no playwright here (dev extra)")

import uvicorn

from classpulse.web.app import create_app
from classpulse.web.running import FAREWELL, listen
from classpulse.web.serving import Serving
from engine.vision.sources.video import fingerprint
from tests.classpulse.web.conftest import TOKEN
from tests.engine.synthetic import copied

pytestmark = [pytest.mark.browser, pytest.mark.slow]
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


class Live:
    """A served page, in this process."""

    def __init__(self, serving: Serving) -> None:
        self.socket = listen(dataclasses.replace(serving, port=0))
        self.address = f"http://localhost:{self.socket.getsockname()[1]}"
        config = uvicorn.Config(create_app(serving), log_level="warning", timeout_graceful_shutdown=FAREWELL)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self.socket]}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(20)
        self.socket.close()


@pytest.fixture
def live(serving: Serving) -> Iterator[Live]:
    live = Live(serving)
    yield live
    live.stop()


@pytest.fixture
def page(chromium: Any, live: Live) -> Iterator[Any]:
    """A page at a desk whose console must stay free of errors: a refused script or style would be one."""
    context = chromium.new_context(viewport=DESK, base_url=live.address)
    page = context.new_page()
    complaints: list[str] = []
    refused = re.compile(
        "status of 400|Response Status Error Code 400"
    )  # the answer says why, and the page shows it

    def hear(message: Any) -> None:
        if message.type == "error" and not refused.search(message.text):
            complaints.append(message.text)

    page.on("console", hear)

    def note_outside(request: Any) -> None:
        if not request.url.startswith((live.address, "data:", "blob:")):
            complaints.append(request.url)

    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", note_outside)
    yield page
    context.close()
    assert complaints == []


def wait(page: Any, expression: str, seconds: float = 30) -> None:
    """Until something is so in the page. Playwright would wait by `eval`, which the page's policy forbids."""
    until = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < until, expression
        time.sleep(0.05)


def test_from_an_upload_to_a_renamed_student_and_a_report(page: Any, recording: Path, tmp_path: Path) -> None:
    page.goto("/")
    page.get_by_role("link", name="Analyse a recording").click()
    page.locator("#upload input[type=file]").set_input_files(
        {"name": "monday.mp4", "mimeType": "video/mp4", "buffer": recording.read_bytes()}
    )
    page.get_by_role("button", name="Upload").click()
    page.get_by_text("monday.mp4 is uploaded").wait_for()
    assert page.locator("#pick").get_by_label("Recording").input_value() == "monday.mp4"
    page.get_by_label("Name of the session").fill("Physics <8b>")
    page.get_by_text("Settings").click()
    page.get_by_label("Frames analysed per second").fill("1")
    page.get_by_label("Length of a window, s").fill("5")
    page.get_by_role("button", name="Analyse").click()
    page.get_by_role("progressbar", name="Analysed of monday.mp4").wait_for(timeout=60_000)
    page.get_by_role("link", name="Physics <8b>").click(timeout=120_000)  # once it is done
    page.get_by_role("heading", name="Physics <8b>").wait_for()

    form = page.get_by_role("form", name="Rename a student")
    form.get_by_label("Student").select_option("S02")
    form.get_by_label("Name").fill("Ada <3")
    form.get_by_role("button", name="Rename").click()
    page.get_by_text("S02 is called Ada <3 now").wait_for()
    page.locator("#section-students").get_by_role("heading", name="Ada <3").wait_for()

    with page.expect_download() as started:
        page.get_by_role("link", name="Download the report").click()
    path = tmp_path / started.value.suggested_filename
    started.value.save_as(path)
    text = path.read_text("utf-8")
    assert "Ada &lt;3" in text
    assert "Physics &lt;8b&gt;" in text


def test_a_click_on_a_window_plays_it_with_its_boxes(page: Any) -> None:
    page.goto("/sessions/1")
    heatmap = page.locator("#section-heatmap .drawn .nsewdrag").first
    page.locator("#section-heatmap").scroll_into_view_if_needed()
    box = heatmap.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.55, box["y"] + 5)
    wait(page, "document.querySelector('video').currentTime > 15")
    status = page.locator("#player .status").inner_text()
    assert status.startswith("0:15–0:20: S0")
    # The boxes are drawn over the faces, and follow the picture into the corner.
    pixels = "document.querySelector('#player canvas').getContext('2d').getImageData(0, 0, 400, 200).data"
    wait(page, f"new Uint32Array({pixels}.buffer).some(Boolean)")
    assert page.locator(".dock.docked").count() == 1
    wait(page, "document.querySelector('video').paused")  # at the window's end
    assert 20 <= page.evaluate("document.querySelector('video').currentTime") < 21.5
    page.get_by_role("button", name="Close").click()
    assert page.locator(".dock.docked").count() == 0


@pytest.mark.parametrize("begin", [10, 3600])
def test_a_recording_whose_clock_begins_later_plays_at_the_right_place(
    chromium: Any, serving: Serving, recording: Path, begin: int
) -> None:
    """The same lesson in a file whose first frame is not at 0: Chromium shows the file's own times."""
    path = copied(serving.videos / "later.mkv", recording, [begin])
    with closing(sqlite3.connect(serving.db)) as connection, connection:
        later = str(path), fingerprint(path), begin * 1000
        connection.execute("UPDATE sessions SET source = ?, sha256 = ?, start_pts = ?, time_base = '1/1000'", later)
    served = Live(serving)
    page = chromium.new_context(viewport=DESK, base_url=served.address).new_page()
    try:
        page.goto("/sessions/1")
        page.locator("#section-timeline").get_by_text("The same as a table").click()
        page.locator("#section-timeline th[data-start]").nth(2).click()
        wait(page, f"document.querySelector('video').currentTime >= {begin + 10}")
        assert page.evaluate("document.querySelector('video').currentTime") < begin + 12
        pixels = "document.querySelector('#player canvas').getContext('2d').getImageData(0, 0, 400, 200).data"
        wait(page, f"new Uint32Array({pixels}.buffer).some(Boolean)")
        wait(page, "document.querySelector('video').paused")  # at the window's end
        assert begin + 15 <= page.evaluate("document.querySelector('video').currentTime") < begin + 16.5
    finally:
        page.context.close()
        served.stop()


def test_a_stated_aspect_is_the_shape_of_the_player(page: Any, serving: Serving) -> None:
    """The file says 16:9; a person said 4:3, so boxes are of a picture of that shape."""
    with closing(sqlite3.connect(serving.db)) as connection, connection:
        connection.execute("UPDATE sessions SET height = width * 3 / 4")
        for table in ("sessions", "judgements"):
            connection.execute(f"UPDATE {table} SET settings = json_set(settings, '$.aspect', json('[4, 3]'))")
    page.goto("/sessions/1")
    wait(page, "document.querySelector('video').readyState > 0")
    sizes = page.evaluate(
        "['video', 'canvas'].map((each) => document.querySelector('.stage ' + each).getBoundingClientRect())"
        ".map((box) => [box.width, box.height])"
    )
    assert sizes[0][0] / sizes[0][1] == pytest.approx(4 / 3, abs=0.01)
    assert sizes[1] == pytest.approx(sizes[0], abs=1)
    assert page.evaluate("getComputedStyle(document.querySelector('video')).objectFit") == "fill"


def test_a_window_can_be_played_from_the_keyboard(page: Any) -> None:
    page.goto("/sessions/1")
    page.locator("#section-timeline").get_by_text("The same as a table").click()
    row = page.locator("#section-timeline th[data-start]").nth(2)
    row.focus()
    page.keyboard.press("Enter")
    wait(page, "document.querySelector('video').currentTime >= 10")
    assert page.locator("#player .status").inner_text() == "0:10–0:15: the class"
    page.get_by_role("button", name="Next window").click()
    page.get_by_text("0:15–0:20: the class").wait_for()


def test_sliders_change_the_timeline_at_once(page: Any) -> None:
    page.goto("/sessions/1")
    windows = "JSON.parse(document.querySelector('#top .timeline script').textContent).start.length"
    wait(page, f"document.querySelector('#top .timeline') && {windows} === 7")
    page.get_by_role("link", name="Judge again").click()
    page.get_by_label("Length of a window, s").fill("16")
    wait(page, f"{windows} === 2")
    assert page.locator("#judge output").first.inner_text() == "16"
    page.get_by_label("Strategy").select_option("sum")
    wait(page, "document.querySelector('#judged').textContent.includes('sum')")
    page.locator("#top .timeline").scroll_into_view_if_needed()
    page.locator("#top .drawn").first.wait_for()
    page.get_by_role("button", name="Keep this judgement").click()
    assert "sum, 16 s" in page.locator("select[name=judgement]").inner_text()


def test_corrections_that_cannot_be_made_say_why(page: Any) -> None:
    page.goto("/sessions/1")
    form = page.get_by_role("form", name="Merge two students")
    form.get_by_label("is the same person as").select_option("S02")
    with page.expect_response("**/merge") as answered:
        form.get_by_role("button", name="Merge").click()
    assert answered.value.status == 400
    page.get_by_role("alert").get_by_text("both have faces").wait_for()
    form = page.get_by_role("form", name="Split a student")
    form.get_by_label("is another person from").fill("0:16")
    form.get_by_role("button", name="Split").click()
    page.get_by_text("S05 is the new student from 0:16 on").wait_for()
    assert page.get_by_role("alert").inner_text() == ""
    page.get_by_role("button", name="Undo: split S01").click()
    page.get_by_text("undone: split S01").wait_for()


def test_a_teacher_is_taken_out_of_the_class(page: Any) -> None:
    page.goto("/sessions/1")
    form = page.get_by_role("form", name="Change a role")
    form.locator("select[name=student]").select_option("S02")
    form.locator("select[name=role]").select_option("teacher")
    form.get_by_role("button", name="Change the role").click()
    page.get_by_text("S02 has the role teacher now").wait_for()
    page.locator("#student-1").get_by_text("Teacher, not counted as a student.").wait_for()
    page.get_by_role("button", name="Undo: role S02 teacher").click()
    page.locator("#student-1").get_by_text("Teacher, not counted").wait_for(state="detached")


def test_sql(page: Any) -> None:
    page.goto("/sql")
    page.get_by_label("One SELECT statement").fill("SELECT label FROM v_students ORDER BY label")
    page.get_by_role("button", name="Run").click()
    page.get_by_role("cell", name="S04").wait_for()
    with page.expect_download() as started:
        page.get_by_role("button", name="Save as CSV").click()
    assert started.value.suggested_filename == "rows.csv"


def test_a_job_is_cancelled_from_the_page(page: Any) -> None:
    page.goto("/new")
    page.locator("#pick").get_by_label("Recording").select_option("lesson.mp4")
    page.get_by_text("Settings").click()
    page.get_by_label("Frames analysed per second").fill("60")
    page.get_by_role("button", name="Analyse").click()
    page.get_by_role("button", name="Cancel the analysis of lesson.mp4").click(timeout=30_000)
    page.get_by_text("cancelled", exact=True).wait_for()


def test_the_token_is_asked_for_once(chromium: Any, serving: Serving) -> None:
    live = Live(dataclasses.replace(serving, token=TOKEN))
    try:
        page = chromium.new_page()
        page.goto(f"{live.address}/sessions/1")
        page.get_by_label("Token").fill(TOKEN)
        page.get_by_role("button", name="Open").click()
        page.get_by_role("heading", name="lesson.mp4").wait_for()
        wait(page, "document.querySelector('video').readyState >= 1")  # the recording, too
        page.get_by_role("button", name="Log out").click()
        page.get_by_label("Token").wait_for()
        page.close()
    finally:
        live.stop()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_everybody_can_use_it(chromium: Any, live: Live, size: dict[str, int], scheme: str) -> None:
    """axe finds no serious fault, and nothing is wider than the screen."""
    context = chromium.new_context(viewport=size, base_url=live.address, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    for path in ("/", "/new", "/sessions/1", "/sql", "/login", "/sessions/99"):
        page.goto(path)
        if path == "/sessions/1":
            for part in ("timeline", "heatmap", "seats", "students", "provenance"):
                page.locator(f"#section-{part}").wait_for()
            page.locator("#corrections form").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], path
        axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe here (dev extra)")
        found = axe.Axe().run(page).response["violations"]
        grave = [
            (violation["id"], node["html"][:120], node.get("failureSummary", "")[:200])
            for violation in found
            if violation["impact"] in ("serious", "critical")
            for node in violation["nodes"][:3]
        ]
        assert grave == [], path
    context.close()


def test_the_first_thing_to_see_is_there_soon(page: Any) -> None:
    page.goto("/sessions/1")
    began = time.perf_counter()
    page.goto("/sessions/1")
    painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime")
    assert painted is not None
    assert painted < 1500
    assert time.perf_counter() - began < 10
