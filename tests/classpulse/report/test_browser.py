"""The report in a real browser."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from classpulse.report import page
from engine import Session
from tests.classpulse.report.test_page import NASTY

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def html(analysed: Session) -> str:
    return page.render(analysed)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_draws_without_a_fault(opened: Callable[..., Any], html: str, width: int, scheme: str) -> None:
    shown = opened(html, width=width, scheme=scheme)
    for plot in ("timeline", "heatmap"):
        shown.locator(f".{plot}").scroll_into_view_if_needed()
        shown.wait_for_selector(f".{plot}.drawn .main-svg")
    assert shown.evaluate("document.documentElement.scrollWidth") == width
    assert shown.faults == []


def test_hover_says_what_a_cell_is(opened: Callable[..., Any], html: str) -> None:
    shown = opened(html)
    shown.locator(".heatmap").scroll_into_view_if_needed()
    shown.wait_for_selector(".heatmap.drawn .nsewdrag")
    box = shown.locator(".heatmap .nsewdrag").bounding_box()
    shown.mouse.move(box["x"] + 5, box["y"] + 5)
    shown.wait_for_selector(".heatmap .hovertext")
    text = shown.locator(".heatmap .hovertext").text_content()
    assert "S02, 0:00–0:05" in text
    assert "interested" in text
    assert "coverage 100 %" in text


def test_a_click_tells_the_window(opened: Callable[..., Any], html: str) -> None:
    shown = opened(html)
    shown.evaluate("document.addEventListener('classpulse:window', (event) => { window.told = event.detail; })")
    shown.wait_for_selector(".timeline.drawn .nsewdrag")
    box = shown.locator(".timeline .nsewdrag").first.bounding_box()
    shown.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 20)
    assert shown.evaluate("window.told") == {"start": 15, "stop": 20, "student": None}
    shown.locator(".heatmap").scroll_into_view_if_needed()
    shown.wait_for_selector(".heatmap.drawn .nsewdrag")
    box = shown.locator(".heatmap .nsewdrag").bounding_box()
    shown.mouse.click(box["x"] + 5, box["y"] + box["height"] - 5)
    lowest = shown.locator(".heatmap .ytick").all_text_contents()[-1]
    assert shown.evaluate("window.told") == {"start": 0, "stop": 5, "student": int(lowest[1:]) - 1}


def test_rows_are_sorted_and_seats_recoloured_by_keyboard(opened: Callable[..., Any], html: str) -> None:
    shown = opened(html)
    shown.locator("button[data-order=label]").focus()
    shown.keyboard.press("Enter")
    shown.wait_for_selector(".heatmap.drawn")
    labels = shown.locator(".heatmap .ytick").all_text_contents()
    assert labels == ["S01", "S02", "S03", "S04"]
    assert shown.locator("button[data-order=seat]").get_attribute("aria-pressed") == "false"
    shown.locator("button[data-seats=coverage]").focus()
    shown.keyboard.press("Space")
    assert shown.locator(".seats").get_attribute("data-by") == "coverage"


@pytest.fixture(scope="module")
def still(html: str) -> str:
    """The page for a browser that cannot unpack plotly.js: it shows what is drawn."""
    script = "delete window.DecompressionStream"
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    bare = html.replace("script-src ", f"script-src 'sha256-{digest}' ", 1)
    return bare.replace("</head>", f"<script>{script}</script></head>", 1)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_without_plotly_hover_says_what_is_drawn(
    opened: Callable[..., Any], still: str, width: int, scheme: str
) -> None:
    shown = opened(still, width=width, scheme=scheme)
    assert text_at(shown, ".timeline .upper", 0.5, 0.3).startswith("0:15–0:20: ")
    assert "2 not interested" in text_at(shown, ".timeline .lower", 0.01, 0.9)
    assert text_at(shown, ".heatmap .cells", 0.01, 0.1).startswith("S02, 0:00–0:05")
    assert "scorable faces" in text_at(shown, ".heatmap .cells", 0.99, 0.9)
    shown.locator("h1").hover()
    assert shown.locator(".tip").count() == 0
    assert shown.evaluate("document.documentElement.scrollWidth") == width
    assert shown.locator(".drawn").count() == 0
    assert shown.faults == []


def text_at(shown: Any, selector: str, across: float, down: float) -> str:
    """What the page says while the pointer is at shares of a drawing's width and height."""
    shown.locator(selector).scroll_into_view_if_needed()
    box = shown.locator(selector).bounding_box()
    shown.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])
    text: str = shown.locator(".tip").text_content()
    return text


def test_without_plotly_a_click_tells_the_window_and_rows_are_sorted(
    opened: Callable[..., Any], still: str
) -> None:
    shown = opened(still)
    shown.evaluate("document.addEventListener('classpulse:window', (event) => { window.told = event.detail; })")
    before = shown.locator(".heatmap .cells path").evaluate_all("paths => paths.map((p) => p.getBBox().width)")
    shown.locator("button[data-order=label]").click()
    assert shown.locator(".heatmap .rows li").all_text_contents() == ["S01", "S02", "S03", "S04"]
    assert "S01" in text_at(shown, ".heatmap .cells", 0.2, 0.1)
    shown.mouse.down()
    shown.mouse.up()
    assert shown.evaluate("window.told") == {"start": 5, "stop": 10, "student": 0}
    shown.locator("button[data-order=seat]").click()
    after = shown.locator(".heatmap .cells path").evaluate_all("paths => paths.map((p) => p.getBBox().width)")
    assert sorted(after) == pytest.approx(sorted(before), abs=0.2)
    assert shown.faults == []


def test_a_browser_that_cannot_unpack_keeps_the_drawing(opened: Callable[..., Any], still: str) -> None:
    shown = opened(still)
    assert shown.evaluate("typeof DecompressionStream") == "undefined"
    assert text_at(shown, ".heatmap .cells", 0.01, 0.1).startswith("S02, 0:00–0:05")
    assert shown.evaluate("typeof Plotly") == "undefined"
    assert shown.faults == []


def test_no_other_script_runs(opened: Callable[..., Any], html: str) -> None:
    packed = html.split('type="text/plain">', 1)[1].split("</script>", 1)[0]
    other = base64.b64encode(gzip.compress(b"window.Plotly = 'another'")).decode()
    shown = opened(html.replace(packed, other))
    shown.wait_for_timeout(500)
    assert shown.evaluate("typeof Plotly") == "undefined"
    assert shown.locator(".timeline .static").is_visible()
    assert any("Content Security Policy" in fault for fault in shown.faults)


def test_names_with_markup_run_nothing(opened: Callable[..., Any], copied: Session) -> None:
    copied.rename("S02", NASTY)
    shown = opened(page.render(copied))
    shown.locator(".heatmap").scroll_into_view_if_needed()
    shown.wait_for_selector(".heatmap.drawn .nsewdrag")
    box = shown.locator(".heatmap .nsewdrag").bounding_box()
    shown.mouse.move(box["x"] + 5, box["y"] + 5)
    shown.wait_for_selector(".heatmap .hovertext")
    assert NASTY in shown.locator(".heatmap .hovertext").text_content()
    assert shown.locator("img").count() == 0
    assert shown.faults == []


def test_prints_what_was_drawn_first(opened: Callable[..., Any], html: str) -> None:
    shown = opened(html)
    shown.emulate_media(media="print")
    assert shown.locator(".timeline .static").is_visible()
    assert not shown.locator(".timeline .live").is_visible()
    assert shown.pdf().startswith(b"%PDF")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_axe_finds_nothing(opened: Callable[..., Any], html: str, width: int, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe here (dev extra)")
    shown = opened(html, width=width, scheme=scheme)
    shown.wait_for_selector(".timeline.drawn")
    shown.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    found = axe.Axe().run(shown).response["violations"]
    assert [(fault["id"], fault["nodes"][0]["html"]) for fault in found] == []
