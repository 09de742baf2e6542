"""A session whose detector a spot check chose: what is stored, and that the same command finds it again."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.sessions.analysis import analyze
from engine.settings import Settings
from engine.vision.spot_check import SpotCheck
from storage.store import Store


def test_the_choice_is_stored_and_the_session_is_found_again(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.vision.spot_check.check", lambda *_: SpotCheck(3, 4, 12))
    clip, db = shared / "footage/four_seated.gif", tmp_path / "auto.db"
    auto = Settings(detector="auto", sample_rate=2, expression=False)
    session = analyze(clip, db, settings=auto, workers=1)
    with Store.open(db) as store:
        settings = Settings.from_json(store.session(session.session_id)["settings"])
    assert settings.detector == "retinaface"
    assert settings.spot_check == "retinaface sees about 4 people and mtcnn 3 in 12 frames of it"
    (line,) = session.warnings
    assert line.endswith(f"four_seated.gif: analysed with retinaface, as {settings.spot_check}")
    again = analyze(clip, db, settings=auto, workers=1)
    assert (again.session_id, again.was_done) == (session.session_id, True)
    by_name = analyze(clip, db, settings=Settings(detector="retinaface", sample_rate=2, expression=False))
    assert by_name.session_id == session.session_id
