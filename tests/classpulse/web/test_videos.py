"""The folder of recordings: names, uploads and their limits."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from classpulse.web.serving import Serving
from classpulse.web.videos import SPARE, Videos
from engine.errors import UsageError
from tests.classpulse.web.conftest import Open

BAD_NAMES = [
    "../lesson.mp4",
    "..",
    ".hidden.mp4",
    "a/b.mp4",
    "a\\b.mp4",
    "/etc/passwd",
    "C:lesson.mp4",
    "lesson.mp4\x00.txt",
    "lesson\n.mp4",
    "lesson.exe",
    "lesson",
    "",
    ".mp4",
    "<img src=x>.mp4",
    "x" * 300 + ".mp4",
]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_that_lead_elsewhere(serving: Serving, name: str) -> None:
    with pytest.raises(UsageError):
        Videos(serving.videos, 10).path(name)


@pytest.mark.parametrize(
    "name", ["..%2flesson.mp4", "%2e%2e%2flesson.mp4", "..%5clesson.mp4", ".lesson.mp4", "a.sh"]
)
def test_uploads_that_lead_elsewhere(client: TestClient, serving: Serving, recording: Path, name: str) -> None:
    before = sorted(serving.videos.parent.rglob("*"))
    answer = client.put(f"/api/videos/{name}", content=recording.read_bytes())
    assert answer.status_code in (400, 404, 405)
    assert sorted(serving.videos.parent.rglob("*")) == before


def test_a_link_out_of_the_folder_is_not_followed(serving: Serving, recording: Path) -> None:
    (serving.videos / "out.mp4").symlink_to(recording)
    with pytest.raises(UsageError):
        Videos(serving.videos, 10).path("out.mp4")


def test_an_upload_is_listed_and_replaces_nothing(client: TestClient, serving: Serving, recording: Path) -> None:
    content = recording.read_bytes()
    names = [client.put("/api/videos/lesson.mp4", content=content).json()["name"] for _ in range(2)]
    assert names == ["lesson (2).mp4", "lesson (3).mp4"]
    assert {row["name"] for row in client.get("/api/videos").json()} == {"lesson.mp4", *names}
    assert (serving.videos / names[0]).read_bytes() == content


def test_what_is_no_recording_is_not_kept(client: TestClient, serving: Serving) -> None:
    answer = client.put("/api/videos/virus.mp4", content=b"MZ" + bytes(100_000))
    assert answer.status_code == 415
    assert answer.json()["detail"].startswith("virus.mp4: ")
    assert str(serving.videos) not in answer.text  # nor is anybody told where the folder lies
    assert [path.name for path in serving.videos.iterdir()] == ["lesson.mp4"]


@pytest.mark.parametrize("told", [True, False], ids=["length told", "in chunks"])
def test_an_upload_that_is_too_large(opened: Open, serving: Serving, told: bool) -> None:
    client = opened(dataclasses.replace(serving, max_upload=50_000))

    def chunks() -> Iterator[bytes]:
        for _ in range(6):
            yield bytes(10_000)

    answer = client.put("/api/videos/long.mp4", content=bytes(60_000) if told else chunks())
    assert answer.status_code == 413
    assert "--max-upload" in answer.json()["detail"]
    assert [path.name for path in serving.videos.iterdir()] == ["lesson.mp4"]


def test_an_upload_that_would_fill_the_disk(opened: Open, serving: Serving) -> None:
    client = opened(dataclasses.replace(serving, max_upload=2**60))
    answer = client.put("/api/videos/long.mp4", content=b"x", headers={"content-length": str(2**59)})
    assert answer.status_code == 413
    assert "disk" in answer.json()["detail"]
    assert SPARE > 2**28


def test_what_a_cut_off_upload_left_goes_at_the_start(opened: Open, serving: Serving) -> None:
    left = serving.videos / ".0123456789abcdef.partial"
    left.write_bytes(b"half")
    client = opened(serving)
    assert not left.exists()
    assert [row["name"] for row in client.get("/api/videos").json()] == ["lesson.mp4"]
