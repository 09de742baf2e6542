"""Damaged footage, and files that are not video: what is left out, counted and said."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import av
import numpy as np
import pytest

from engine.errors import SourceError
from engine.vision.sources.video import Video
from tests.engine.synthetic import number, write_sound, write_video
from tests.engine.vision.sources.clips import (
    contents,
    moving_texture,
    numbers,
    packets_of,
    wreck,
)


@pytest.mark.parametrize(
    ("packets", "touched"),  # the frames that hang on these packets, with a keyframe every 25 frames
    [
        ([60], range(50, 75)),
        (range(60, 70), range(50, 75)),
        ([147, 148, 149], range(125, 150)),
        ([50], range(47, 75)),
    ],
)
@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_damage_in_the_middle_is_skipped_and_counted(
    tmp_path: Path, codec: str, packets: Sequence[int], touched: range
) -> None:
    path = write_video(
        tmp_path / "a.mp4",
        range(150),
        codec=codec,
        options={"g": "25", "bf": "2", "sc_threshold": "0"},
    )
    wreck(path, packets)
    video = Video(path)
    found = {round(frame.time * 25): number(frame.image) for frame in video.frames(None)}
    assert list(found) == sorted(found)
    assert video.damaged == len(packets)
    assert len(found) <= 150 - video.damaged - video.dropped
    healthy = [i for i in range(150) if i not in touched]
    assert [found[i] for i in healthy] == healthy
    parts = [contents(video, None, k, k + 1) for k in range(6)]
    assert [row for part in parts for row in part] == contents(video, None)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.avi"])
@pytest.mark.parametrize("share", [0.5, 0.7, 0.9])
def test_a_truncated_file_ends_with_what_decodes(tmp_path: Path, name: str, share: float) -> None:
    faststart = {"movflags": "faststart"} if name == "a.mp4" else {}
    path = write_video(
        tmp_path / name, range(300), images=moving_texture(300), options={"g": "25"}, container_options=faststart
    )
    whole = contents(Video(path), None)
    os.truncate(path, int(path.stat().st_size * share))
    with Video(path) as video:
        left = contents(video, None)
        assert 0.4 * share < len(left) / len(whole) < 1
        # The last pictures may refer to one that was cut off.
        assert left[:-4] == whole[: len(left) - 4]
        assert [row for k in range(0, 12, 3) for row in contents(video, None, k, k + 3)] == left
        assert contents(video, None, 11.9) == []


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.nut"])
def test_garbage_after_the_end(tmp_path: Path, name: str) -> None:
    path = write_video(tmp_path / name, range(50))
    with path.open("ab") as file:
        file.write(b"\xff" * 5000)
    video = Video(path)
    assert numbers(video, None) == list(range(50))
    assert video.damaged == (name == "a.nut")  # the others know where they end


def test_pictures_garbled_in_part_are_left_out_and_counted(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", images=moving_texture(50), options={"g": "25", "sc_threshold": "0"})
    data = bytearray(path.read_bytes())
    for at, size in packets_of(path)[6:25:9]:
        end = at + size
        data[end - size // 3 : end] = np.random.default_rng(at).bytes(size // 3)
    path.write_bytes(data)
    video = Video(path)
    assert 50 - 3 <= len(list(video.frames(None))) == 50 - video.damaged < 50


def test_titles_in_other_encodings_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "Physik 8b, Pruefung"
        stream = container.add_stream("mpeg4", rate=25)
        container.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        container.mux(stream.encode(None))
    title = b"Physik 8b, Pruefung"
    path.write_bytes(path.read_bytes().replace(title, "Physik 8b, Pr\u00fcfung ".encode("latin-1")))
    assert len(list(Video(path).frames(None))) == 1


# -- no video at all


def nothing(path: Path) -> None:
    assert not path.exists()


def text(path: Path) -> None:
    path.write_text("This is a note, not a film.\n" * 50)


def cover(path: Path) -> None:
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", rate=44100, layout="mono")
        art = container.add_stream("mjpeg", rate=1)
        art.width, art.height, art.pix_fmt = 64, 64, "yuvj420p"
        art.disposition = av.stream.Disposition.attached_pic
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44100
        container.mux(art.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")))
        container.mux(art.encode(None))
        container.mux(sound.encode(frame))
        container.mux(sound.encode(None))


def headless(path: Path) -> None:
    write_video(path, range(50))
    os.truncate(path, path.stat().st_size // 2)


def undecodable(path: Path) -> None:
    write_video(path, range(50))
    wreck(path, range(50))


def unknown(path: Path) -> None:
    write_video(path, range(5), codec="mjpeg", pix_fmt="yuvj420p")
    path.write_bytes(path.read_bytes().replace(b"MJPG", b"QQQQ"))


@pytest.mark.parametrize(
    ("name", "make", "status", "says"),
    [
        ("missing.mp4", nothing, 2, "no such file"),
        ("folder.mp4", Path.mkdir, 2, "not a file"),
        ("empty.mp4", Path.touch, 1, "empty"),
        ("note.mp4", text, 1, "cannot be read as a video"),
        ("note.txt", text, 1, "no video"),
        ("headless.mp4", headless, 1, "cannot be read as a video"),
        ("sound.m4a", write_sound, 1, "no video"),
        ("cover.mp4", cover, 1, "no video"),
        ("unknown.avi", unknown, 1, "unknown video codec; convert the file"),
        ("undecodable.mp4", undecodable, 1, "no frame"),
    ],
)
def test_what_is_no_video_says_so_in_one_line(
    tmp_path: Path, name: str, make: Callable[[Path], object], status: int, says: str
) -> None:
    path = tmp_path / name
    make(path)
    with pytest.raises(SourceError) as caught:
        Video(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert says in message
    assert ";" in message  # the remedy
    assert "\n" not in message
    assert caught.value.exit_status == status


@pytest.mark.parametrize("name", ["9:30.mp4", "week %03d.mp4", "Größe #1?.mp4", "-i.mp4", "http:a.mp4"])
def test_odd_names(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.move(write_video(tmp_path / "a.mp4", range(5)), tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert len(list(Video(name).frames(None))) == 5


def test_sound_beside_the_picture_does_not_matter(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", range(50), tone=True)
    assert numbers(Video(path), 5) == list(range(0, 50, 5))
