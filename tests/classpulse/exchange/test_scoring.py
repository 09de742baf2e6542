"""`classpulse evaluate` against ground truths, and exports in the columns of other tools."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine import Session
from engine.faces import FER
from tests.classpulse.commands.conftest import Run, folder, run
from tests.seated import write_seated

__all__ = ["folder", "run"]


@pytest.fixture(scope="module")
def seated(tmp_path_factory: pytest.TempPathFactory) -> Session:
    return write_seated(tmp_path_factory.mktemp("seated") / "classpulse.db", classes=FER)


@pytest.fixture
def db(seated: Session, folder: Path) -> Path:
    return Path(shutil.copy(seated.database, folder / "classpulse.db"))


def figures(run: Run, *arguments: object) -> dict[str, float]:
    result = run("evaluate", 1, *arguments, "--format", "csv", "-o", "figures.csv")
    assert (result.status, result.err) == (0, "")
    return {str(name): value for name, value in pd.read_csv("figures.csv").to_numpy()}


def test_what_was_exported_is_its_own_truth_and_every_fault_costs_what_it_must(
    run: Run, db: Path, folder: Path
) -> None:
    pytest.importorskip("trackeval", reason="no trackeval here (the extra evaluate)")
    run("export", 1, "-f", "mot", "-o", "mot")
    table = np.loadtxt(folder / "mot" / "tracks.txt", delimiter=",")
    (folder / "mot" / "seqinfo.ini").unlink()
    perfect = figures(run, "--truth", "mot/tracks.txt")
    assert [perfect[name] for name in ("MOTA", "IDF1", "HOTA", "recall")] == [1.0] * 4
    assert perfect["true boxes"] == len(table)
    # A tenth of the truth more that nobody found, and one person who is two in it.
    more = table[: len(table) // 10].copy()
    more[:, 1], more[:, 2] = 99, 2000
    table[(table[:, 1] == 1) & (table[:, 0] > 120), 1] = 50
    np.savetxt(folder / "gt.txt", np.concatenate([table, more]), delimiter=",")
    worse = figures(run, "--truth", "gt.txt")
    assert worse["FN"] == len(more)
    assert worse["IDSW"] == 0  # by CLEAR the truth's second person has one identity all along
    assert math.isclose(worse["MOTA"], 1 - len(more) / (len(table) + len(more)), abs_tol=1e-9)
    assert worse["IDF1"] < 0.95
    np.savetxt(folder / "gt.txt", np.concatenate([table, more * ([1] * 6 + [0] + [1] * 3)]), delimiter=",")
    assert figures(run, "--truth", "gt.txt")["MOTA"] == 1.0, "a row with conf 0 is not considered"


def test_frames_of_the_truth_are_the_recordings_by_their_rate(run: Run, db: Path, folder: Path) -> None:
    """The session has 2 frames a second; the truth 10."""
    pytest.importorskip("trackeval", reason="no trackeval here (the extra evaluate)")
    run("export", 1, "-f", "mot", "-o", "mot")
    table = np.loadtxt(folder / "mot" / "tracks.txt", delimiter=",")
    table[:, 0] = (table[:, 0] - 1) * 5 + 1
    np.savetxt(folder / "gt.txt", table, delimiter=",")
    assert figures(run, "--truth", "gt.txt", "--rate", "10")["MOTA"] == 1.0
    (folder / "seqinfo.ini").write_text("[Sequence]\nframeRate=10\n")
    assert figures(run, "--truth", "gt.txt")["MOTA"] == 1.0
    assert figures(run, "--truth", "gt.txt", "--rate", "2")["MOTA"] < 0.5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2,x", "gt.txt: not a file of MOTChallenge"),
        ("1,2,3\n", "a row is frame, id, left, top"),
        ("100000,1,2,3,4,5\n", "none of its frames was sampled"),
    ],
)
def test_a_wrong_truth_is_one_line(run: Run, db: Path, folder: Path, text: str, message: str) -> None:
    (folder / "gt.txt").write_text(text)
    result = run("evaluate", 1, "--truth", "gt.txt")
    assert result.status == 2
    assert message in result.complaint()


@pytest.mark.parametrize("tool", ["fer", "pyfeat", "openface"])
def test_faces_have_the_columns_of_other_tools(
    run: Run, db: Path, folder: Path, seated: Session, tool: str
) -> None:
    result = run("export", 1, "--as", tool, "-o", "out")
    assert (result.status, result.err) == (0, "")
    (path,) = (path for path in (folder / "out").iterdir() if path.name != "frames.csv")
    table, faces = pd.read_csv(path), seated.faces()
    faces = faces[faces["label"].notna()]
    if tool == "fer":
        assert table["box0"].iloc[0] == str([int(v) for v in (*faces[["x1", "y1"]].iloc[0], 40, 40)])
        assert list(table.columns) == sorted(table.columns, key=lambda name: (name[:-1], int(name[-1])))
        assert table.filter(like="box").notna().sum().sum() == len(faces)
        of_one = faces[faces["label"] == "S01"]
        np.testing.assert_allclose(table["happy0"].sum(), of_one["happy"].sum(), atol=0.05)
    elif tool == "pyfeat":
        assert len(table) == len(faces)
        np.testing.assert_allclose(table["sadness"].sum(), faces["sad"].sum(), rtol=1e-6)
        assert table["approx_time"].iloc[-1] == "01:59"
    else:
        assert table["timestamp"].tolist() == sorted(faces["time"])
        assert table["frame"].min() == 1
