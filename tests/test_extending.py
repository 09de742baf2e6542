"""The distribution of docs/extending.md, installed as it is written there, analyses a drawn lesson."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from engine import find
from engine.errors import SourceError, UsageError
from engine.registry import Registry
from engine.runtime.executors import EXECUTORS
from engine.settings import Settings
from engine.verdicts.strategies import STRATEGIES
from engine.vision.custom.classifier import OnnxClassifier
from engine.vision.detection import Detector
from engine.vision.detectors import DETECTORS, fingerprints, open_detector
from engine.vision.mtcnn.cascade import Mtcnn
from engine.vision.scorers import SCORERS
from engine.vision.sources.registry import SOURCES, open_source
from tests.classpulse.commands.conftest import Run, run
from tests.drawn import FRAMES, OPTIONS, SEGMENTS, rows, without_machine
from tests.engine.classifier import softmax, write_classifier
from tests.engine.footage import frames, iou

__all__ = ["run"]

DOCUMENT = Path(__file__).parents[1] / "docs" / "extending.md"
#: A paragraph that begins with a file's name, and the block after it.
FILE = re.compile(r"^`([\w./]+)` [^`]*?(?:`[^`]*`[^`]*?)*?\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LAB = ("--detector", "back-row", "--scorer", "teeth", "--strategy", "clear-faces")


def files() -> dict[str, str]:
    """The files of the distribution, by path."""
    section = DOCUMENT.read_text("utf-8").split("## A distribution with one of each")[1].split("\n### ")[0]
    return dict(FILE.findall(section)) | {"classpulse_lab/__init__.py": ""}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which pip installed the distribution, built from the document alone."""
    folder, target = tmp_path_factory.mktemp("lab"), tmp_path_factory.mktemp("site")
    for name, text in files().items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-index"]
    command = [*pip, "--no-deps", "--no-build-isolation", "--target", str(target), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture
def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The same on this process's path, and gone afterwards."""
    monkeypatch.syspath_prepend(str(site))
    yield site
    for name in [name for name in sys.modules if name.partition(".")[0] == "classpulse_lab"]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def archive(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The drawn lesson as a NumPy archive, a frame a second."""
    with open_source(recording) as source:
        taken = list(source.frames(1.0))
    path = tmp_path_factory.mktemp("archive") / "lesson.npz"
    np.savez(path, images=np.stack([frame.image for frame in taken]), times=[frame.time for frame in taken])
    return path


def test_the_document_has_a_file_for_each_seam() -> None:
    assert sorted(files()) == [
        "classpulse_lab/__init__.py",
        *(f"classpulse_lab/{seam}.py" for seam in ("detectors", "executors", "scorers", "sources", "strategies")),
        "pyproject.toml",
    ]
    assert all(len(text.splitlines()) <= 60 for text in files().values())


def test_one_of_each_seam_is_registered(installed: Path) -> None:
    seams: list[tuple[Registry[Any], str]] = [
        (SOURCES, "npz"),
        (DETECTORS, "back-row"),
        (SCORERS, "teeth"),
        (STRATEGIES, "clear-faces"),
        (EXECUTORS, "threads"),
    ]
    for registry, name in seams:
        assert registry.names()[-1] == name
        assert registry.origin(name) == "classpulse-lab 1.5"


def test_a_lesson_is_analysed_by_one_of_each(
    installed: Path, archive: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the command line; the threads give the rows of one process, and each part shows in them."""
    threads = import_module("classpulse_lab.executors").Threads
    used: list[int] = []
    extract = threads.extract

    def noted(executor: Any, *given: Any) -> Any:
        used.append(executor.workers)
        return extract(executor, *given)

    monkeypatch.setattr(threads, "extract", noted)
    dbs = {name: tmp_path / f"{name}.db" for name in ("threads", "in-process")}
    for executor, db in dbs.items():
        result = run("analyze", archive, "--db", db, *OPTIONS, *LAB, "--executor", executor)
        assert (result.status, result.err) == (0, "")
    assert used == [2]
    assert without_machine(rows(dbs["threads"])) == without_machine(rows(dbs["in-process"]))

    session = find(1, dbs["threads"])
    info = session.info()
    assert (info["name"], Path(info["source"])) == ("lesson.npz", archive)
    assert json.loads(info["models"]) == {"back-row": "classpulse-lab 1.5", "scorer teeth": "classpulse-lab 1.5"}
    stored = rows(dbs["threads"])
    assert [row["frames"] for row in stored["segments"]] == [10, 10, 10, 2]
    assert len(stored["segments"]) == SEGMENTS
    assert len(stored["frames"]) == FRAMES
    assert [(row["name"], row["polarity"]) for row in stored["classes"]] == [
        ("teeth", "positive"),
        ("no teeth", "negative"),
    ]
    assert [row["strategy"] for row in stored["judgements"]] == ["clear-faces"]
    assert len(session.students()) == 4
    faces, verdicts = session.faces(), session.verdicts()
    np.testing.assert_allclose(faces["teeth"] + faces["no teeth"], 1, atol=2e-4)
    assert faces["teeth"].std() > 0.01  # faces differ
    # What the strategy says of one window, by hand.
    window = verdicts[verdicts["balance"].notna()].iloc[0]
    mine = faces[(faces["label"] == window["label"]) & faces["scorable"]]
    mine = mine[(mine["time"] >= window["start"]) & (mine["time"] < window["stop"])]
    teeth, none = (mine[name].where(mine[name] >= 0.6, 0).sum() for name in ("teeth", "no teeth"))
    assert window["balance"] == pytest.approx((teeth - none) / (teeth + none), abs=0.01)


def test_the_archive_gives_the_frames_of_adjoining_spans_once(
    installed: Path, archive: Path, tmp_path: Path
) -> None:
    with open_source(archive) as source:
        whole = [frame.pts for frame in source.frames(0.5)]
        assert whole == list(range(0, 32000, 2000))
        parts = [
            f.pts for start, stop in ((0, 9), (9, 10.5), (10.5, None)) for f in source.frames(0.5, start, stop)
        ]
        assert parts == whole
        assert source.fingerprint() != ""
    (tmp_path / "other.npz").write_bytes(b"nothing")
    with pytest.raises(SourceError, match=r"other\.npz: not an archive of images and times") as caught:
        open_source(tmp_path / "other.npz")
    assert caught.value.exit_status == 2


def test_the_detector_finds_the_back_row(installed: Path, recording: Path) -> None:
    settings = Settings(detector="back-row", min_face=40, sample_rate=1)
    assert DETECTORS.names() == ["mtcnn", "retinaface", "yunet", "back-row"]
    assert fingerprints(settings) == {"back-row": "classpulse-lab 1.5"}
    detector: Detector = open_detector(settings)
    (_, image), *_ = frames(recording, 1, 1)
    found, plain = detector.detect(image), Mtcnn(min_face=40).detect(image)
    assert len(found) == len(plain) == 4
    assert iou(plain.boxes, found.boxes).max(axis=1).min() > 0.6
    # Four faces in the upper third that are too small for the plain one.
    low = cv2.resize(image, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    low = cv2.copyMakeBorder(low, 0, 2 * low.shape[0], 0, 0, cv2.BORDER_CONSTANT, value=(128, 128, 128))
    high_up = np.asarray(low, np.uint8)
    assert (len(detector.detect(high_up)), len(Mtcnn(min_face=40).detect(high_up))) == (4, 0)


def test_a_broken_package_is_named(installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "broken-2.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 2.0\n", "utf-8")
    (info / "entry_points.txt").write_text(
        f"[{DETECTORS.group}]\nbroken = classpulse_lab.detectors:Nothing\n", "utf-8"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(
        UsageError, match=r"cannot load the detector 'broken' of broken 2\.0 .*; reinstall broken 2\.0"
    ):
        open_detector(Settings(detector="broken"))


def test_metadata_is_written_as_documented(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run, recording: Path
) -> None:
    """The document's snippet makes a network of a plain one, and its command line analyses with it."""
    monkeypatch.chdir(tmp_path)
    weights = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]])
    write_classifier(Path("attention.onnx"), classes=None, weights=weights, softmax=False)
    section = DOCUMENT.read_text("utf-8").split("## A network of your own")[1]
    (snippet,) = re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    exec(snippet, {})
    scorer = OnnxClassifier(tmp_path / "attention-classpulse.onnx")
    assert scorer.classes.rows() == [("attentive", "positive"), ("bored", "negative"), ("talking", "ignored")]
    scores = scorer.score(np.full((1, 48, 48, 3), (200, 100, 50), np.uint8))
    expected = softmax((np.array([200, 100, 50]) - [123.7, 116.3, 103.5]) / [58.4, 57.1, 57.4])
    np.testing.assert_allclose(scores[0], expected, atol=1e-5)
    command = re.findall(r"^classpulse (analyze lecture\.mp4 --scorer .*)$", section, re.MULTILINE)[0].split()
    Path("lecture.mp4").symlink_to(recording)
    result = run(*command, *OPTIONS)
    assert (result.status, result.err) == (0, "")
