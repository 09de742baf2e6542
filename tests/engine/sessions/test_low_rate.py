"""A rate too low for how people move is a stored warning, and none where it is not."""

from __future__ import annotations

from pathlib import Path

from engine.sessions.tracking import track_session
from engine.settings import Settings
from storage.store import Store
from tests.engine.sessions.test_shots import write


def test_who_moves_a_face_a_frame_is_a_warning_until_nobody_does(tmp_path: Path) -> None:
    session = write(tmp_path / "db", "AB")
    assert session.warnings == ()

    def tracked(x: str, settings: Settings) -> tuple[str, ...]:
        with Store.open(tmp_path / "db") as store:
            with store.writing() as connection:
                connection.exec_driver_sql(f"UPDATE faces SET x1 = x1 {x}, x2 = x2 {x}")
            track_session(store, 1, settings)
        return session.warnings

    # Faces of 40 px, each 32 px aside in every second frame: they overlap by 8 of 72, four faces a second.
    (warning,) = tracked("+ 32 * (pts % 2)", Settings())
    assert warning.startswith("5 frames a second are too few for how people move: 100% of the faces are too far")
    assert warning.endswith("use --sample-rate 10, or all")
    assert tracked("+ 0", Settings(sample_rate=None)) == ()
    assert len(tracked("+ 0", Settings())) == 1
    assert tracked("- 32 * (pts % 2)", Settings()) == ()
