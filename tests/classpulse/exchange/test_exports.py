"""`classpulse export` into the formats of annotation software, statistics and tracking."""

from __future__ import annotations

import json
import math
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest

from classpulse.exchange.people import pseudonym
from engine import Session
from engine.sessions.coding import CODES
from engine.sessions.formats import boris, eaf, textgrid, webvtt
from engine.sessions.formats.tiers import Tier
from engine.verdicts.scale import VERDICTS
from tests.classpulse.commands.conftest import Run, folder, run
from tests.seated import write_seated

__all__ = ["folder", "run"]


@pytest.fixture(scope="module")
def seated(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """Two minutes of six people of whom S01 has a name, with two phases."""
    session = write_seated(tmp_path_factory.mktemp("seated") / "classpulse.db")
    session.rename("S01", "Ada").mark("lecture", 0, 50).mark("group work", 60)
    return session


@pytest.fixture
def db(seated: Session, folder: Path) -> Path:
    return Path(shutil.copy(seated.database, folder / "classpulse.db"))


def read(path: Path) -> dict[str, Tier]:
    """The tiers of the one file in a folder, by name."""
    (file,) = path.iterdir()
    if file.suffix == ".eaf":
        tiers = eaf.read(file.read_bytes())
    elif file.suffix == ".boris":
        tiers = boris.read(file.read_text("utf-8"))
    else:
        tiers = textgrid.read(file.read_text("utf-8"))
    return {tier.name: tier for tier in tiers}


@pytest.mark.parametrize("file_format", ["eaf", "textgrid", "boris"])
def test_every_verdict_is_an_annotation_of_its_student(
    run: Run, db: Path, folder: Path, seated: Session, file_format: str
) -> None:
    result = run("export", 1, "--format", file_format, "-o", "out")
    assert (result.status, result.err) == (0, "")
    tiers = read(folder / "out")
    prefix = "classpulse" if file_format == "boris" else "verdict"
    for label, windows in seated.verdicts().groupby("label"):
        found = tiers[f"{prefix}@{label}"].annotations
        expected = windows.sort_values("start")[["start", "stop", "verdict"]].to_numpy().tolist()
        assert list(map(list, found)) == expected
    of_class = tiers["classpulse@class" if file_format == "boris" else "class"].annotations
    assert [cue.text for cue in of_class] == seated.class_verdicts()["verdict"].tolist()
    assert not any("Ada" in name for name in tiers)
    phases = tiers[f"{prefix}@{boris.NO_SUBJECT}" if file_format == "boris" else "phases"].annotations
    assert list(map(tuple, phases)) == [(0, 50, "lecture"), (60, 120, "group work")]


def test_elan_gets_the_words_of_verdicts_the_attention_and_the_recording(run: Run, db: Path, folder: Path) -> None:
    run("export", 1, "--format", "eaf", "-o", "out", "--names")
    text = (folder / "out" / "session.eaf").read_text("utf-8")
    assert 'RELATIVE_MEDIA_URL="./lesson.mp4"' in text
    assert all(f">{verdict}</CVE_VALUE>" in text for verdict in VERDICTS)
    tiers = read(folder / "out")
    assert (tiers["verdict@Ada"].student, tiers["verdict@Ada"].coder) == ("Ada", "classpulse")
    assert {0.0 <= float(cue.text) <= 1.0 for cue in tiers["attention@Ada"].annotations} == {True}


@pytest.mark.parametrize("file_format", ["eaf", "boris"])
def test_a_coder_who_agrees_with_every_verdict_has_kappa_1_and_the_systems_tiers_are_nobodys(
    run: Run, db: Path, folder: Path, file_format: str
) -> None:
    """The whole way: export, code in the same file, validate."""
    run("export", 1, "--format", file_format, "-o", "out")
    (path,) = (folder / "out").iterdir()
    nobody = run("validate", 1, path)
    assert nobody.status == 2
    assert "no tier of codes" in nobody.complaint()
    tiers = read(folder / "out")
    coded = [
        Tier(f"Ben@{tier.student}", tuple(said for said in tier.annotations if said.text in CODES), "", "Ben")
        for tier in tiers.values()
        if tier.student.startswith("S") and not tier.name.startswith("attention")
    ]  # fmt: skip
    if file_format == "eaf":
        path.write_bytes(eaf.write([*tiers.values(), *coded], "lesson.mp4", {}))
    else:
        coded = [tier._replace(student=tier.name.removeprefix("Ben@")) for tier in coded]
        text = boris.write(coded, "lesson.mp4", 120, {"verdict": VERDICTS[:3]}, "x")
        path.write_text(text.replace('"classpulse"', '"Ben"'), "utf-8")
    result = run("validate", 1, path, "--format", "json")
    assert result.status == 0, result.err
    figures = {row["measure"]: row["value"] for row in json.loads(result.out)}
    assert figures["agreement"] == 1.0
    assert figures["no verdict"] == 0.0


def test_chapters_go_out_and_in_again(run: Run, db: Path, folder: Path, seated: Session) -> None:
    run("export", 1, "--format", "vtt", "-o", "out")
    assert run("unmark", 1, "--all").status == 0
    assert run("mark", 1, "--file", "out/chapters.vtt").status == 0
    assert Session(db, 1).phases()[["start", "label"]].equals(seated.phases()[["start", "label"]])


@pytest.mark.parametrize("file_format", ["xlsx", "sav", "dta", "parquet"])
def test_statistics_software_gets_every_number_with_its_meaning(
    run: Run, db: Path, folder: Path, seated: Session, file_format: str
) -> None:
    pyreadstat = pytest.importorskip("pyreadstat", reason="no pyreadstat here (the extra exchange)")
    pytest.importorskip("python_calamine", reason="no python-calamine here (the extra exchange)")
    result = run("export", 1, "--format", file_format, "-o", "out")
    assert (result.status, result.err) == (0, "")
    path = folder / "out" / f"student_windows.{file_format}"
    labels = {}
    if file_format == "xlsx":
        sheets = pd.read_excel(folder / "out" / "session.xlsx", sheet_name=None, engine="calamine")
        table = sheets["student_windows"]
        labels = sheets["dictionary"].set_index(["table", "column"])["meaning"]["student_windows"].to_dict()
    elif file_format == "sav":
        table, meta = pyreadstat.read_sav(str(path))
        labels = dict(zip(meta.column_names, meta.column_labels, strict=True))
    elif file_format == "dta":
        table = pd.read_stata(path)
        with pd.read_stata(path, iterator=True) as reader:
            labels = reader.variable_labels()
    else:
        table = pd.read_parquet(path)
        for field in pyarrow.parquet.read_schema(path):
            labels[field.name] = field.metadata[b"label"].decode()
            if field.name == "start":
                assert field.metadata[b"unit"] == b"s"
    known = seated.verdicts()
    assert table["verdict"].tolist() == known["verdict"].tolist()
    np.testing.assert_allclose(table["balance"].astype(float), known["balance"], atol=1e-9)
    assert table["p_neutral"].isna().tolist() == known["p_neutral"].isna().tolist()
    assert labels["coverage"].startswith("share of the sampled frames in it that carry evidence")


def test_no_text_is_a_formula_in_a_workbook(run: Run, db: Path, folder: Path) -> None:
    pytest.importorskip("python_calamine", reason="no python-calamine here (the extra exchange)")
    run("mark", 1, "=1+1", "--at", "51", "--until", "59")
    run("export", 1, "--format", "xlsx", "-o", "out")
    phases = pd.read_excel(folder / "out" / "session.xlsx", sheet_name="phases", engine="calamine")
    assert "'=1+1" in phases["phase_label"].tolist()


def test_motchallenge_and_coco_have_every_face_of_somebody(
    run: Run, db: Path, folder: Path, seated: Session
) -> None:
    for file_format in ("mot", "coco"):
        assert run("export", 1, "--format", file_format, "-o", file_format).status == 0
    faces = seated.faces()
    faces = faces[faces["label"].notna()]
    mot = np.loadtxt(folder / "mot" / "tracks.txt", delimiter=",")
    assert mot.shape == (len(faces), 10)
    times = pd.read_csv(folder / "mot" / "frames.csv").set_index("frame")["time"]
    assert times.loc[mot[0, 0]] == faces["time"].min()
    of_ada = mot[mot[:, 1] == 1]
    ada = faces[faces["label"] == "S01"]
    np.testing.assert_allclose(of_ada[:, 2:6].sum(axis=0), [
        ada["x1"].sum(), ada["y1"].sum(), (ada["x2"] - ada["x1"]).sum(), (ada["y2"] - ada["y1"]).sum()
    ], rtol=1e-5)  # fmt: skip
    assert "frameRate=2\n" in (folder / "mot" / "seqinfo.ini").read_text("utf-8")
    coco = json.loads((folder / "coco" / "coco.json").read_text("utf-8"))
    assert len(coco["annotations"]) == len(faces)
    assert len(coco["images"]) == len(seated.frames())
    box = coco["annotations"][0]
    assert math.isclose(box["area"], box["bbox"][2] * box["bbox"][3], rel_tol=1e-3)


# -- pseudonyms


def test_pseudonyms_are_the_same_in_every_session_with_one_key_and_no_label_is_left(
    run: Run, db: Path, folder: Path, seated: Session
) -> None:
    other = write_seated(folder / "other.db", name="tuesday").rename("S02", "Ada")
    with closing(sqlite3.connect(folder / "other.db")) as connection, connection:
        connection.execute("UPDATE sessions SET sha256 = 'ab'")  # another recording
    for number, session in enumerate((seated, other)):
        arguments = ("-o", f"out{number}", "--db", session.database, "--pseudonyms", "key.txt", "-f", "csv")
        assert run("export", 1, *arguments).status == 0
    assert (folder / "key.txt").stat().st_mode & 0o777 == 0o600
    one, two = (pd.read_csv(folder / f"out{number}" / "students.csv") for number in (0, 1))
    key = bytes.fromhex((folder / "key.txt").read_text().split()[-1])
    ada = pseudonym(key, "name Ada")
    assert set(one["label"]) & set(two["label"]) == {ada}
    assert one["x"].loc[one["label"] == ada].tolist() == seated.students()["x"].iloc[:1].round(1).tolist()
    assert two["x"].loc[two["label"] == ada].tolist() == seated.students()["x"].iloc[1:2].round(1).tolist()
    windows = pd.read_csv(folder / "out0" / "student_windows.csv")
    joined = windows.merge(one[["student", "label"]], on="student", suffixes=("", "_of_student"))
    assert (joined["label"] == joined["label_of_student"]).all()
    for path in (folder / "out0").iterdir():
        text = path.read_text("utf-8")
        assert "Ada" not in text
        assert "S01" not in text.replace("S01, S02, ...", ""), path
        assert "lesson" not in text.replace("lesson phase", "").replace("of a lesson", ""), path
    assert run("export", 1, "-o", "again", "-f", "eaf", "--pseudonyms", "key.txt").status == 0
    assert f"verdict@{ada}" in read(folder / "again")


def test_another_key_gives_other_pseudonyms() -> None:
    assert pseudonym(bytes(32), "name Ada") != pseudonym(bytes(31) + b"\1", "name Ada")
    assert pseudonym(bytes(32), "name Ada") == pseudonym(bytes(32), "name Ada")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--pseudonyms", "out/key.txt"), "the key must not lie in the export; keep it elsewhere"),
        (("--pseudonyms", "classpulse.db"), "not a key file of classpulse; name a new file"),
        (("--pseudonyms", "key.txt", "--names"), "--names and --pseudonyms exclude each other"),
        (("--min-group", "1"), "a group has 2 students or more"),
        (("--min-group", "5", "--format", "mot"), "mot is about single students"),
    ],
)
def test_wrong_use_is_one_line_and_writes_nothing(
    run: Run, db: Path, folder: Path, arguments: tuple[str, ...], message: str
) -> None:
    result = run("export", 1, "-o", "out", *arguments)
    assert result.status == 2
    assert message in result.complaint()
    assert not (folder / "out").exists()
    assert not (folder / "key.txt").exists()


def test_a_missing_package_is_one_line_with_the_remedy(
    run: Run, db: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "xlsxwriter", None)
    result = run("export", 1, "--format", "xlsx", "-o", "out")
    assert result.complaint() == (
        "writing XLSX needs the package xlsxwriter; install it with: pip install 'classpulse[exchange]'"
    )
    assert not (folder / "out").exists()
    assert webvtt.read("WEBVTT\n") == []


# -- groups


def test_an_export_of_groups_has_no_row_of_one_student(run: Run, db: Path, folder: Path) -> None:
    assert run("export", 1, "-f", "csv", "-o", "out", "--min-group", "3").status == 0
    stems = {path.stem for path in (folder / "out").glob("*.csv")}
    assert stems <= {
        "class_windows",
        "class_phases",
        "phases",
        "frames",
        "shots",
        "judgements",
        "sources",
        "dictionary",
    }
    for file_format in ("vtt", "eaf", "textgrid"):
        assert run("export", 1, "-f", file_format, "-o", file_format, "--min-group", "3").status == 0
        for path in (folder / file_format).iterdir():
            assert "S01" not in path.read_text("utf-8")
