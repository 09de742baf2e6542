"""Annotated videos: their frames and sound, and that nobody can be told where faces are blurred."""

from __future__ import annotations

import dataclasses
import shutil
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from classpulse.report import annotating
from classpulse.report.annotating import Annotator
from classpulse.report.clip import annotate
from classpulse.report.excluded import coarsen
from classpulse.report.palette import rgb
from classpulse.report.places import Camera, Places, hidden, shown, squares
from engine import Session, analyze
from engine.errors import SourceError, UsageError
from engine.faces import Faces
from engine.settings import Settings
from engine.verdicts.scale import SIGNS
from engine.vision.mtcnn.cascade import Mtcnn
from engine.vision.sources.video import Video
from storage.errors import QueryError
from storage.excluding import write_excluded
from storage.store import Store
from tests.engine import footage
from tests.engine.footage import Score
from tests.engine.synthetic import write_video
from tracking.path import CameraPath


def faces(*rows: tuple[int, float, float, int]) -> Faces:
    """Faces of 10 px: track, time, left edge, student; -1 for no track or student."""
    track, time, left, student = np.array(rows, np.float64).T
    zero = np.zeros(len(rows))
    return Faces(
        pts=np.arange(len(rows)),
        boxes_xyxy=np.stack([left, zero, left + 10, zero + 10], axis=1).astype(np.float32),
        time=time,
        track=track.astype(np.int64),
        student=student.astype(np.int64),
    )


def camera(times: list[float], pan: float = 0.0) -> Camera:
    """One whose background goes by `pan` px to the right from frame to frame."""
    motion = np.tile([[1.0, 0, pan], [0, 1, 0]], (len(times), 1, 1))
    return Camera(np.array(times), CameraPath.estimate(motion, np.empty(0), np.empty((0, 4))))


def lefts(places: Places, time: float) -> list[float]:
    return sorted(places.at(time)[0][:, 0].round(3).tolist())


def test_boxes_glide_from_face_to_face_and_end_with_their_track() -> None:
    places = shown(faces((0, 1.0, 100, 3), (0, 1.2, 120, 3), (0, 1.8, 150, 3), (1, 1.8, 400, -1)), 0.2)
    assert lefts(places, 0.99) == []
    assert lefts(places, 1.0) == [100]
    assert lefts(places, 1.1) == [110]
    assert lefts(places, 1.5) == [135]
    assert lefts(places, 1.85) == [150, 400]
    assert lefts(places, 1.95) == []
    assert places.at(1.5)[1].tolist() == [3]


def test_boxes_of_the_last_sampled_frame_stay_as_long_as_it_lasts() -> None:
    places = shown(faces((0, 1.0, 100, 3), (0, 1.2, 120, 3), (1, 1.0, 400, -1)), 0.2, end=1.2)
    assert lefts(places, 1.05) == [105, 400]
    assert lefts(places, 1.15) == [115]  # that track had ended before
    assert lefts(places, 1.39) == [120]
    assert lefts(places, 1.41) == []


def test_a_face_seen_once_is_hidden_two_seconds_before_and_after() -> None:
    places = hidden(faces((-1, 5.0, 100, -1)), camera([0.0, 5.0, 6.0, 9.0]))
    (box,) = places.at(6.9)[0]
    assert box.tolist() == [96.5, -3.5, 113.5, 13.5]
    assert lefts(places, 3.1) == [96.5]
    assert lefts(places, 2.9) == lefts(places, 7.1) == []


def test_a_student_is_hidden_all_the_while_between_two_tracks_near_in_time() -> None:
    places = hidden(faces((0, 1.0, 100, 3), (1, 8.0, 130, 3), (2, 40.0, 100, 3)), camera([1.0, 8.0, 40.0]))
    assert lefts(places, 5.0) == [96.5, 126.5]
    assert lefts(places, 20.0) == []


def test_what_is_hidden_goes_along_with_the_camera() -> None:
    pans = camera([0.0, 1.0, 2.0], pan=-30.0)
    assert lefts(hidden(faces((0, 0.0, 100, -1)), pans), 1.5) == pytest.approx([51.5])
    assert lefts(squares(np.array([[200.0, 50.0, 40.0]]), pans), 2.5) == pytest.approx([120])


def test_of_a_coarsened_box_nothing_is_left_and_around_it_everything() -> None:
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    before = image.copy()
    coarsen(image, np.array([[-10.0, 20.5, 30.2, 50.0]]))
    assert np.abs(np.diff(image[20:50, :31].astype(int), axis=1)).max() < 20
    image[20:50, :31] = before[20:50, :31]
    np.testing.assert_array_equal(image, before)


@pytest.fixture
def with_sound(recording: Path, tmp_path: Path) -> Path:
    """The drawn lesson with a tone, in a file whose times do not begin at 0."""
    path = tmp_path / "lesson.mkv"
    with av.open(str(recording)) as source, av.open(str(path), "w") as target:
        picture = source.streams.video[0]
        out, tone = target.add_stream_from_template(picture), target.add_stream("aac", rate=16000)
        tone.layout = "mono"
        assert picture.time_base is not None
        shift = round(2 / picture.time_base)
        for packet in source.demux(picture):
            if packet.pts is not None and packet.dts is not None:
                packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, out
                target.mux(packet)
        for second in range(6):
            wave = np.sin(np.arange(16000) * 2 * np.pi * 440 / 16000).astype(np.float32)[np.newaxis]
            samples = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
            samples.sample_rate, samples.pts, samples.time_base = 16000, (second + 2) * 16000, Fraction(1, 16000)
            target.mux(tone.encode(samples))
        target.mux(tone.encode(None))
    return path


def times_of(path: Path) -> list[float]:
    with Video(path) as video:
        return [frame.time for frame in video.frames(None)]


def test_the_clip_has_every_frame_at_its_time_and_the_sound(with_sound: Path, tmp_path: Path) -> None:
    session = analyze(with_sound, tmp_path / "a.db", settings=Settings(sample_rate=1, min_face=40))
    out = tmp_path / "out.mp4"
    told = []
    written = annotate(session, out, stop=3.0, on_progress=lambda *told_now: told.append(told_now))
    wanted = [time for time in times_of(with_sound) if time < 3]
    assert written == len(wanted) == len(told)
    np.testing.assert_allclose(times_of(out), wanted, atol=1e-3)
    with av.open(str(out)) as clip:
        assert clip.streams.video[0].codec_context.name == "h264"
        (sound,) = clip.streams.audio
        heard = [(frame.time or 0.0, frame.to_ndarray()) for frame in clip.decode(sound)]
    assert heard[0][0] == pytest.approx(0, abs=0.1)
    assert heard[-1][0] == pytest.approx(3, abs=0.2)
    assert np.abs(heard[len(heard) // 2][1]).max() > 0.5
    assert list(tmp_path.glob("*.partial")) == []


#: Where the clocks of recordings that are glued begin, s.
BEGINS = {"starts at 10 s": [10], "starts at an hour": [3600], "goes back": [3600, 0], "jumps": [0, 3600]}


@pytest.mark.parametrize("kind", BEGINS)
def test_picture_and_sound_are_in_step_wherever_the_clock_begins_and_breaks(tmp_path: Path, kind: str) -> None:
    """White frames and a tone for a second, black ones and silence for the next one, and so on."""
    begins = BEGINS[kind]
    path = tmp_path / "all.mkv"
    parts = [flashing(tmp_path / f"{i}.mkv", begin) for i, begin in enumerate(begins)]
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    session = analyze(path, tmp_path / "a.db", settings=Settings(sample_rate=1, min_face=40))
    out = tmp_path / "out.mp4"
    assert annotate(session, out) == 100 * len(begins)
    assert times_of(out) == pytest.approx([i / 25 for i in range(100 * len(begins))], abs=0.002)
    with av.open(str(out)) as clip:
        white = [frame.to_ndarray(format="gray")[100:140].mean() > 128 for frame in clip.decode(video=0)]
    with av.open(str(out)) as clip:
        wave = [(float(frame.time or 0), np.abs(frame.to_ndarray()).max() > 0.1) for frame in clip.decode(audio=0)]
    assert white == [i // 25 % 2 == 0 for i in range(100 * len(begins))]
    for second in range(4 * len(begins)):
        within = [loud for time, loud in wave if second + 0.3 < time < second + 0.6]
        assert within
        assert all(loud == (second % 2 == 0) for loud in within)


def flashing(path: Path, begin: int) -> Path:
    """Four seconds with a picture and sound, from `begin` s of its clock on."""
    with av.open(str(path), "w") as target:
        picture, tone = target.add_stream("libx264", rate=25), target.add_stream("aac", rate=16000)
        picture.width, picture.height, tone.layout = 320, 240, "mono"
        for second in range(4):
            level = second % 2 == 0
            wave = level * np.sin(np.arange(16000) * 2 * np.pi * 440 / 16000).astype(np.float32)[np.newaxis]
            samples = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
            samples.sample_rate, samples.pts, samples.time_base = (
                16000,
                (second + begin) * 16000,
                Fraction(1, 16000),
            )
            for i in range(25):
                image = np.full((240, 320, 3), 235 if level else 20, np.uint8)
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                frame.pts, frame.time_base = (second + begin) * 25 + i, Fraction(1, 25)
                target.mux(picture.encode(frame))
            target.mux(tone.encode(samples))
        target.mux(picture.encode(None))
        target.mux(tone.encode(None))
    return path


def test_a_gap_of_many_hours_that_is_kept_can_be_annotated(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", [0, 1, 2, 360_000, 360_001], time_base=Fraction(1))
    settings = Settings(sample_rate=1, min_face=40, max_gap=None)
    session = analyze(path, tmp_path / "a.db", settings=settings)
    assert annotate(session, tmp_path / "out.mp4") == 5
    times = times_of(tmp_path / "out.mp4")
    assert times[:3] == [0, 1, 2]
    assert times[-2:] == pytest.approx([360_000, 360_001], abs=3)


def test_labels_and_verdicts_are_drawn(analysed: Session, recording: Path) -> None:
    annotator = Annotator(analysed)
    with Video(recording) as video:
        frame = next(video.frames(None, 5.0))
    plain = frame.image.copy()
    annotator.draw(frame.image, frame.time)
    verdicts = analysed.verdicts()
    now = verdicts[(verdicts["start"] <= 5) & (verdicts["stop"] > 5)]
    changed = (frame.image != plain).any(axis=2)
    assert 0.01 < changed.mean() < 0.5
    for verdict in set(now["verdict"]):
        assert (np.abs(frame.image[changed].astype(int) - rgb()[verdict]).sum(axis=1) < 6).sum() > 20


def test_who_is_no_student_has_the_role_in_place_of_a_verdict(
    analysed: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session(Path(shutil.copy(analysed.database, tmp_path / "classpulse.db")), 1)
    session.set_role("S02", "teacher")
    labels: set[str] = set()
    monkeypatch.setattr(annotating, "draw_face", lambda *drawn: labels.add(drawn[2]))
    Annotator(session).draw(np.zeros((480, 854, 3), np.uint8), 5.0)
    assert "S02 teacher" in labels
    assert {label for label in labels if label[-1] in SIGNS.values()} == labels - {"S02 teacher"} != set()


def faces_found(path: Path, every: int = 1) -> int:
    mtcnn, found = Mtcnn(), 0
    with av.open(str(path)) as clip:
        for number, frame in enumerate(clip.decode(video=0)):
            if number % every == 0:
                found += len(mtcnn.detect(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)))
    return found


@pytest.mark.parametrize("rate", [1.0, 5.0])
def test_no_face_of_a_drawn_lesson_can_be_found_where_all_are_blurred(
    recording: Path, tmp_path: Path, rate: float
) -> None:
    """In no frame, also between the samples."""
    session = analyze(recording, tmp_path / "a.db", settings=Settings(sample_rate=rate))
    annotate(session, tmp_path / "out.mp4", blur="all", stop=4.0)
    assert faces_found(recording, 100) > 0
    assert faces_found(tmp_path / "out.mp4", 3) == 0


def test_no_face_of_real_footage_can_be_found_where_all_are_blurred(shared: Path, tmp_path: Path) -> None:
    """Seven students, while somebody crosses in front of a camera that pans."""
    session = analyze(shared / "footage/students.mp4", tmp_path / "a.db", settings=Settings(sample_rate=5))
    annotate(session, tmp_path / "out.mp4", blur="all")
    mtcnn, score = Mtcnn(), Score(shared)
    for number, image in footage.frames(tmp_path / "out.mp4", 5):
        score.add(number + 1, mtcnn.detect(image).boxes)
    assert score.true == 0
    assert score.false <= 5  # a hand, a shirt: what a detector takes for a face now and then, in 28 frames


def test_who_is_excluded_is_always_blurred_and_nobody_else(
    analysed: Session, recording: Path, tmp_path: Path
) -> None:
    database = tmp_path / "copy.db"
    shutil.copy(analysed.database, database)
    session = Session(database, analysed.session_id)
    seats = session.students()
    out = seats.iloc[0]
    with Store.open(database) as store:
        write_excluded(store, session.session_id, [(out["x"], out["y"], 3 * out["size"])])
    annotate(session, tmp_path / "out.mp4", stop=2.0)
    mtcnn = Mtcnn()
    with Video(tmp_path / "out.mp4") as video:
        image = next(video.frames(None, 1.0)).image
    found = mtcnn.detect(image)
    middles = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2
    away = np.abs(middles - [out["x"], out["y"]]).max(axis=1)
    assert (away > out["size"]).all()
    assert len(found) >= len(seats) - 2


@dataclasses.dataclass(frozen=True)
class Wrong:
    error: type[Exception]
    text: str
    output: str = "out.mp4"
    video: str | None = None
    judgement: str | None = None


@pytest.mark.parametrize(
    "wrong",
    [
        Wrong(UsageError, "an annotated video must be an .mp4", output="out.avi"),
        Wrong(
            UsageError,
            "there is no folder .*nowhere; create it, or choose another output",
            output="nowhere/out.mp4",
        ),
        Wrong(SourceError, "no longer exists; give its path with --video", video="gone.mp4"),
        Wrong(SourceError, "not the recording that was analysed", video="other.mp4"),
        Wrong(QueryError, "no judgement 'best'", judgement="best"),
    ],
    ids=lambda wrong: wrong.text,
)
def test_what_cannot_be_annotated(analysed: Session, tmp_path: Path, wrong: Wrong) -> None:
    write_video(tmp_path / "other.mp4", range(3))
    video = tmp_path / wrong.video if wrong.video else None
    with pytest.raises(wrong.error, match=wrong.text):
        annotate(analysed, tmp_path / wrong.output, video=video, judgement=wrong.judgement)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.mp4"]


def test_the_recording_itself_is_not_written_over(recording: Path, tmp_path: Path) -> None:
    copy = tmp_path / "lesson.mp4"
    shutil.copy(recording, copy)
    session = analyze(copy, tmp_path / "a.db", settings=Settings(sample_rate=1, min_face=60))
    before = copy.read_bytes()
    with pytest.raises(UsageError, match="a recording is never overwritten"):
        annotate(session, copy)
    assert copy.read_bytes() == before


def test_another_recording_is_not_written_over_but_an_annotated_video_is(
    analysed: Session, recording: Path, tmp_path: Path
) -> None:
    other, output = tmp_path / "tuesday.mp4", tmp_path / "annotated.mp4"
    shutil.copy(recording, other)
    before = other.read_bytes()
    with pytest.raises(UsageError, match=r"tuesday\.mp4: it exists already; it is not an annotated video"):
        annotate(analysed, other, stop=0.5)
    assert other.read_bytes() == before
    annotate(analysed, output, stop=1.0)
    long = output.stat().st_size
    annotate(analysed, output, stop=0.5)
    assert output.stat().st_size < long
    assert sorted(path.name for path in tmp_path.iterdir()) == ["annotated.mp4", "tuesday.mp4"]
