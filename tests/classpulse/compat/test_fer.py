"""fer's interface: the script of articles, boxes, columns and scores as there, and no picture unless asked for."""

from __future__ import annotations

import re
from pathlib import Path

import av
import cv2
import numpy as np
import pandas as pd
import pytest

from classpulse.compat.fer import FER, Video, fer_crops
from engine.errors import SourceError, UsageError
from engine.faces import EMOTIONS
from engine.vision.expression import FerScorer

DOCUMENT = Path(__file__).parents[3] / "docs" / "from-fer.md"


@pytest.fixture(scope="module")
def fer() -> FER:
    return FER(mtcnn=True)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def picture(recording: Path) -> np.ndarray:
    """The first frame, BGR."""
    with av.open(str(recording)) as container:
        return next(container.decode(video=0)).to_ndarray(format="bgr24")


def test_a_video_has_fers_columns_times_and_tracks_and_leaves_no_picture(
    fer: FER, recording: Path, here: Path
) -> None:
    video = Video(recording)
    data = video.analyze(fer, max_results=8, frequency=4)
    assert [path.name for path in here.rglob("*")] == ["data.csv"]
    table = video.to_pandas(data)
    assert len(table) == len(video.times) == len(video.tracks) == 8
    with av.open(str(recording)) as container:
        frames = [frame.time for frame in container.decode(video=0)][: 8 * 4 : 4]
    np.testing.assert_allclose(video.times, np.array(frames, float) - (frames[0] or 0), atol=1e-6)
    faces = int(table.notna()[[name for name in table.columns if name.startswith("box")]].sum(axis=1).iloc[0])
    assert faces >= 2
    assert set(table.columns) >= {f"{name}{face}" for name in ("box", *EMOTIONS) for face in range(faces)}
    first = video.get_first_face(table)
    assert list(first.columns) == ["box", *EMOTIONS]
    np.testing.assert_allclose(video.get_emotions(first).sum(axis=1), 1, atol=5e-4)
    # A person keeps the number of the track from frame to frame, and the row's order is theirs.
    assert video.tracks[0] == video.tracks[1] == sorted(video.tracks[0])
    drift = np.abs(np.array(table["box0"].tolist())[1:, :2] - np.array(table["box0"].tolist())[:-1, :2])
    assert drift.max() < table["box0"].iloc[0][2]
    written = pd.read_csv("data.csv")
    assert written["happy0"].tolist() == table["happy0"].tolist()


def test_an_image_has_the_boxes_and_the_scores_of_the_network(fer: FER, recording: Path) -> None:
    image = picture(recording)
    faces = fer.detect_emotions(image)
    assert faces
    boxes = [face["box"] for face in faces]
    kept, crops = fer_crops(image, boxes)
    scores = FerScorer().score(crops)
    found = np.array([list(face["emotions"].values()) for face in faces])
    np.testing.assert_allclose(found, scores[kept], atol=1e-4)
    again = fer.detect_emotions(image, boxes[:1])
    assert again == faces[:1]
    emotion, score = fer.top_emotion(image)
    assert score == max(faces[0]["emotions"].values())
    assert faces[0]["emotions"][emotion] == score
    assert fer.top_emotion(np.zeros((90, 90, 3), np.uint8)) == (None, None)


def test_faces_are_cut_out_square_with_ten_pixels_more_and_a_grey_border() -> None:
    image = np.zeros((100, 120, 3), np.uint8)
    image[-2:] = 90
    image[20:60, 10:30] = 255  # 20 wide, 40 high: the square is 0 to 40, with the offsets -10 to 50
    _, crops = fer_crops(image, [[10, 20, 20, 40]])
    expected = np.zeros((60, 60), np.uint8)
    expected[:, :10] = 90  # left of the picture
    expected[10:50, 20:40] = 255
    np.testing.assert_array_equal(crops[0], cv2.resize(expected, (64, 64)))
    kept, none = fer_crops(image, [[500, 500, 20, 20]])
    assert (kept, none.shape) == ([], (0, 64, 64))


def test_pictures_are_written_where_that_is_asked_for(fer: FER, recording: Path, here: Path) -> None:
    Video(recording).analyze(fer, max_results=2, frequency=8, save_frames=True, save_video=True, output="pandas")
    assert sorted(path.name for path in (here / "output").iterdir()) == ["images.zip", "lesson_output.mp4"]
    assert not (here / "data.csv").exists()


def test_a_part_of_the_picture_gives_boxes_of_the_whole(fer: FER, recording: Path, here: Path) -> None:
    image = picture(recording)
    whole = fer.find_faces(image)
    x, y, width, height = whole[0]
    part = {"x_min": max(x - 40, 0), "y_min": max(y - 40, 0), "x_max": x + width + 40, "y_max": y + height + 40}
    rows = Video(recording).analyze(fer, max_results=1, detection_box=part)
    assert isinstance(rows, list)
    assert np.abs(np.array(rows[0]["box0"]) - whole[0]).max() <= 4


def test_what_cannot_be_done_is_one_line(fer: FER, recording: Path, here: Path) -> None:
    with pytest.raises(UsageError, match="tfserving"):
        FER(tfserving=True)
    with pytest.raises(UsageError, match="English alone"):
        Video(recording).analyze(fer, lang="de")
    with pytest.raises(UsageError, match="invalid output 'json'; use csv or pandas"):
        Video(recording).analyze(fer, output="json")
    with pytest.raises(SourceError, match="no such file"):
        Video("nowhere.mp4")
    with pytest.raises(SourceError, match="not an image that can be read"):
        fer.detect_emotions("nowhere.png")


def test_the_script_of_articles_finds_the_smiling_half_interested(
    shared: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The twelve lines, as they stand in the document; the recording's second half, its frames as they are."""
    with av.open(str(shared / "footage" / "one_person.mp4")) as given, av.open("lesson.mp4", "w") as half:
        stream = given.streams.video[0]
        copied = half.add_stream_from_template(stream)
        assert stream.duration
        given.seek(stream.duration // 2, stream=stream)
        for packet in given.demux(stream):
            if packet.dts is not None:
                packet.stream = copied
                half.mux(packet)
    (script,) = re.findall(r"^```python\n(.*?)^```$", DOCUMENT.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    # Every fourth frame: the other ones say the same, and cost half a minute.
    exec(script.replace("display=False", "display=False, frequency=4"), {})
    assert capsys.readouterr().out == "Person is interested\n"
    assert sorted(path.name for path in here.iterdir()) == ["data.csv", "lesson.mp4"]
