"""When a session was recorded: what the user says, else its file, else its name; never when it was analysed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import av
import pytest

from engine import analyze
from engine.settings import Settings
from tests.engine.synthetic import write_video

BLIND = Settings(sample_rate=1, min_face=200, expression=False)
CREATED = {"creation_time": "2026-09-14T06:00:07Z"}
UNSET = {"creation_time": "1904-01-01T00:00:00Z"}
OF_APPLE = {
    "creation_time": "2026-09-14T07:00:00Z",
    "com.apple.quicktime.creationdate": "2026-09-14T08:00:00+02:00",
}


def recording(path: Path, tags: dict[str, str]) -> Path:
    """A short recording whose file has these tags."""
    bare = write_video(path.with_stem("bare"), range(3))
    options = {"movflags": "use_metadata_tags"}
    with av.open(str(path), "w", options=options) as target, av.open(str(bare)) as source:
        target.metadata.update(tags)
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    return path


@pytest.mark.parametrize(
    ("name", "tags", "said", "recorded"),
    [
        ("GMT20260914-060015.mp4", {}, None, "2026-09-14T06:00:15Z"),
        ("GMT20260914-060015.mp4", CREATED, None, "2026-09-14T06:00:07Z"),
        ("GMT20260914-060015.mp4", UNSET, None, "2026-09-14T06:00:15Z"),
        ("a.mp4", OF_APPLE, None, "2026-09-14T06:00:00Z"),
        ("GMT20260914-060015.mp4", CREATED, datetime(2026, 9, 1, 12, tzinfo=UTC), "2026-09-01T12:00:00Z"),
        ("lesson.mp4", {}, None, None),
    ],
)
def test_what_says_when_it_was_recorded(
    tmp_path: Path, name: str, tags: dict[str, str], said: datetime | None, recorded: str | None
) -> None:
    path = recording(tmp_path / name, tags)
    session = analyze(path, tmp_path / "a.db", settings=BLIND, recorded_at=said)
    assert session.info()["recorded"] == recorded


def test_a_session_keeps_the_time_that_it_has(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", range(3))
    first, second = (datetime(2026, 9, day, tzinfo=UTC) for day in (1, 2))
    assert analyze(path, tmp_path / "a.db", settings=BLIND, recorded_at=first).warnings == ()
    again = analyze(path, tmp_path / "a.db", settings=BLIND, recorded_at=second)
    assert again.info()["recorded"] == "2026-09-01T00:00:00Z"
    assert again.warnings == ("session 1 keeps the time of recording it has, 2026-09-01T00:00:00Z",)
