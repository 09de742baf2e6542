"""Folders of images as a source: order, times, sizes, what is skipped, and that spans add up to the whole."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from engine.errors import SourceError, UsageError
from engine.settings import Settings
from engine.vision.sources.images import ImageFolder
from engine.vision.sources.protocol import FrameSource
from engine.vision.sources.registry import open_source
from engine.vision.sources.video import Video
from tests.engine.synthetic import write_video
from tests.pictures import decoded, exif, grey, jpeg, write_folder


def numbered_files(*names: str) -> dict[str, bytes]:
    """Images of greys 10, 20, 30, ... under these names."""
    return {name: jpeg(grey(10 * (i + 1))) for i, name in enumerate(names)}


def dated_files(*times: str, subseconds: tuple[str | None, ...] = ()) -> dict[str, bytes]:
    """a.jpg, b.jpg, ... of greys 10, 20, ..., taken at these times of one day."""
    return {
        f"{chr(97 + i)}.jpg": jpeg(
            grey(10 * (i + 1)),
            exif(f"2026:03:05 {time}", subsecond=subseconds[i] if subseconds else None, offset="+01:00"),
        )
        for i, time in enumerate(times)
    }


def read(
    source: FrameSource, rate: float | None = None, start: float = 0, stop: float | None = None
) -> list[tuple[float, int]]:
    """(time, grey) of every frame."""
    return [(frame.time, int(frame.image.mean().round())) for frame in source.frames(rate, start, stop)]


def test_without_exif_images_are_in_natural_order_one_a_second_and_this_is_said(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "photos", numbered_files("img10.jpg", "IMG9.jpg", "img1.jpg", "cover.png"))
    source = ImageFolder(folder)
    assert read(source) == [(0, 40), (1, 30), (2, 20), (3, 10)]
    assert source.duration == 4
    assert source.recorded is None
    (warning,) = source.warnings
    assert (warning.code, warning.text) == (
        "times_assumed",
        f"{folder}: 4 images of 4 without EXIF time; taken in order of name, one every 1 s "
        "(another interval: --every)",
    )


def test_with_every_images_are_so_far_apart_in_natural_order_whatever_exif_says(tmp_path: Path) -> None:
    files = dated_files("09:00:30", "09:00:20", "09:00:10")
    source = ImageFolder(write_folder(tmp_path / "photos", files), Settings(every=2.5))
    assert read(source) == [(0, 10), (2.5, 20), (5, 30)]
    assert source.duration == 7.5
    assert source.warnings == []


def test_an_interval_that_is_no_whole_number_of_ticks_does_not_drift(tmp_path: Path) -> None:
    files = numbered_files(*(f"{i}.jpg" for i in range(10)))
    source = ImageFolder(write_folder(tmp_path / "photos", files), Settings(every=0.333333333))
    assert [frame.pts for frame in source.frames(None)] == [round(i * 333_333.333) for i in range(10)]


def test_exif_times_order_the_images_and_say_when_it_was_recorded(tmp_path: Path) -> None:
    files = dated_files("09:00:30", "09:00:20", "09:00:20", subseconds=("5", None, "75"))
    source = ImageFolder(write_folder(tmp_path / "photos", files))
    assert read(source) == [(0, 20), (0.75, 30), (10.5, 10)]
    assert source.duration == pytest.approx(10.5 + 9.75)
    assert source.recorded == datetime(2026, 3, 5, 8, 0, 20, tzinfo=UTC)
    assert source.warnings == []


@pytest.mark.parametrize("case", ["one without", "two the same"])
def test_one_image_without_a_time_of_its_own_puts_all_in_order_of_name(tmp_path: Path, case: str) -> None:
    files = dated_files("09:00:30", "09:00:20" if case == "one without" else "09:00:30")
    if case == "one without":
        files["c.jpg"] = jpeg(grey(30))
    source = ImageFolder(write_folder(tmp_path / "photos", files))
    assert [grey for _, grey in read(source)] == [10, 20, 30][: len(files)]
    assert [time for time, _ in read(source)] == [0, 1, 2][: len(files)]
    (warning,) = source.warnings
    assert ("1 image of 3 without EXIF time" in warning.text) == (case == "one without")
    assert ("several images have the same EXIF time" in warning.text) == (case == "two the same")


def quarters() -> np.ndarray:
    """An image of 64x48 whose four corners differ, for every turn and mirror to be told apart."""
    image = grey(0)
    image[:24, :32], image[:24, 32:], image[24:, :32] = 240, 160, 80
    return image


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_of_exif_comes_upright_as_opencv_has_it(tmp_path: Path, orientation: int) -> None:
    folder = write_folder(tmp_path / "photos", {"a.jpg": jpeg(quarters(), exif(orientation=orientation))})
    upright = decoded((folder / "a.jpg").read_bytes())
    source = ImageFolder(folder)
    (frame,) = source.frames(None)
    assert (source.height, source.width) == upright.shape[:2] == ((64, 48) if orientation > 4 else (48, 64))
    np.testing.assert_array_equal(frame.image, upright)
    assert frame.image.flags.c_contiguous


def test_images_are_rgb_whatever_their_format(tmp_path: Path) -> None:
    image = grey(0)
    image[:] = (200, 100, 30)
    files = {
        f"a{suffix}": cv2.imencode(suffix, image[..., ::-1])[1].tobytes() for suffix in (".png", ".bmp", ".tif")
    }
    files |= {"b.jpg": jpeg(image), "c.JPEG": jpeg(image)}
    files["grey.png"] = cv2.imencode(".png", image[..., 0])[1].tobytes()
    files["deep.png"] = cv2.imencode(".png", image[..., ::-1].astype(np.uint16) * 257)[1].tobytes()
    frames = list(ImageFolder(write_folder(tmp_path / "photos", files)).frames(None))
    means = [frame.image.mean(axis=(0, 1)).round().tolist() for frame in frames]
    assert [frame.image.dtype for frame in frames] == [np.uint8] * 7
    np.testing.assert_allclose(means[:-1], [[200, 100, 30]] * 6, atol=1)  # JPEG rounds
    assert means[-1] == [200, 200, 200]


def test_a_portrait_photograph_and_a_landscape_one_turned_by_exif_fit_together(tmp_path: Path) -> None:
    files = {"a.jpg": jpeg(grey(9, width=48, height=64)), "b.jpg": jpeg(grey(9), exif(orientation=8))}
    source = ImageFolder(write_folder(tmp_path / "photos", files))
    assert (source.width, source.height) == (48, 64)
    assert len(read(source)) == 2


def test_images_of_two_sizes_are_one_clear_error_that_names_the_file(tmp_path: Path) -> None:
    files = numbered_files("a.jpg", "b.jpg") | {"c.jpg": jpeg(grey(9, width=32, height=48))}
    folder = write_folder(tmp_path / "photos", files)
    with pytest.raises(SourceError, match=r"c\.jpg is 32x48 px, but a\.jpg is 64x48; put images") as caught:
        ImageFolder(folder)
    assert caught.value.exit_status == 2


def test_what_is_not_an_image_is_skipped_and_counted(tmp_path: Path) -> None:
    files = numbered_files("a.jpg", "b.jpg") | {"notes.txt": b"x", "lesson.mp4": b"y", ".hidden.jpg": b"z"}
    folder = write_folder(tmp_path / "photos", files)
    (folder / "more.jpg").mkdir()
    source = ImageFolder(folder, Settings(every=1))
    assert len(read(source)) == 2
    assert [warning.text for warning in source.warnings] == [f"{folder}: skipped 3 entries that are not images"]


@pytest.mark.parametrize(
    "data", [b"", b"no image", jpeg(grey(9))[:100]], ids=["empty", "text", "cut in its header"]
)
def test_an_image_without_a_header_is_skipped_and_named(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], data: bytes
) -> None:
    folder = write_folder(tmp_path / "photos", numbered_files("a.jpg", "b.jpg") | {"aa.jpg": data})
    source = ImageFolder(folder, Settings(every=1))
    assert read(source) == [(0, 10), (2, 20)]
    assert source.duration == 4
    assert [warning.text for warning in source.warnings] == [
        f"{folder}: skipped 1 damaged image, the first aa.jpg; copy them again"
    ]
    assert capfd.readouterr().err == ""


def test_an_image_that_does_not_decode_is_left_out_and_counted(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    for suffix in (".jpg", ".png"):
        noise = cv2.imencode(suffix, rng.integers(0, 256, (48, 64, 3), np.uint8))[1].tobytes()
        files = numbered_files("a.jpg", "c.jpg") | {f"b{suffix}": noise[: len(noise) // 2]}
        source = ImageFolder(write_folder(tmp_path / suffix, files), Settings(every=1))
        times = read(source)
        assert (times, source.damaged) == ([(0, 10), (2, 20)], 1)
    assert capfd.readouterr().err == ""


def test_a_damaged_image_gives_its_place_to_the_next_in_its_bucket(tmp_path: Path) -> None:
    files = numbered_files("a.jpg", "b.jpg", "c.jpg", "d.jpg")
    files["c.jpg"] = files["c.jpg"][:-200]
    source = ImageFolder(write_folder(tmp_path / "photos", files), Settings(every=0.5))
    assert read(source, 1) == [(0, 10), (1.5, 40)]
    assert read(source, 1, start=1.2) == [(1.5, 40)]


@pytest.mark.parametrize("rate", [None, 0.4, 1, 3])
def test_adjoining_spans_are_together_the_whole(tmp_path: Path, rate: float | None) -> None:
    files = dated_files(
        "09:00:00", "09:00:02", "09:00:02", "09:00:07", "09:00:11", subseconds=(None, "2", "6", "9", None)
    )
    source = ImageFolder(write_folder(tmp_path / "photos", files))
    whole = read(source, rate)
    assert len(whole) == {None: 5, 0.4: 4, 1: 4, 3: 5}[rate]
    for cut in (0.1, 2.2, 2.5, 2.6, 7.5, 7.9, 11, 30):
        assert read(source, rate, 0, cut) + read(source, rate, cut) == whole
        with open_source(source.path) as again:
            assert read(again, rate, cut) == [each for each in whole if each[0] >= cut]


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf")])
def test_a_wrong_rate_is_refused_at_once(tmp_path: Path, rate: float) -> None:
    with pytest.raises(UsageError, match="sample-rate is"):
        ImageFolder(write_folder(tmp_path / "photos", numbered_files("a.jpg"))).frames(rate)


def test_the_fingerprint_is_of_the_images_names_and_bytes_alone(tmp_path: Path) -> None:
    files = numbered_files("a.jpg", "b.jpg")

    def of(name: str, files: dict[str, bytes], **changes: Any) -> str:
        return ImageFolder(write_folder(tmp_path / name, files), Settings(**changes)).fingerprint()

    plain = of("1", files)
    assert len(bytes.fromhex(plain)) == 32
    assert of("2", files | {"notes.txt": b"changes nothing"}) == plain
    assert of("3", files, every=7) == plain
    swapped = {"a.jpg": files["b.jpg"], "b.jpg": files["a.jpg"]}
    others = [swapped, {"a.jpg": files["a.jpg"], "c.jpg": files["b.jpg"]}, files | {"c.jpg": files["a.jpg"]}]
    others.append({"a.jpg": files["a.jpg"], "b.jpg": files["b.jpg"] + b"\0"})
    assert len({plain, *(of(f"other {i}", each) for i, each in enumerate(others))}) == 5


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, r"the folder contains no images \(0 other files\); name a video file, or a folder of \.jpg"),
        ({"lesson.mp4": b"x"}, r"the folder contains no images \(1 other file\); name a video file"),
        ({"a.jpg": b"x"}, r"the folder contains no images \(1 other file\)"),
    ],
    ids=["empty", "another file", "no image decodes"],
)
def test_a_folder_without_images_is_wrong_use(tmp_path: Path, files: dict[str, bytes], message: str) -> None:
    folder = write_folder(tmp_path / "photos", files)
    with pytest.raises(SourceError, match=message) as caught:
        ImageFolder(folder)
    assert caught.value.exit_status == 2
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="root reads everything")
def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "photos", numbered_files("a.jpg"))
    folder.chmod(0)
    try:
        with pytest.raises(SourceError, match="photos: Permission denied; check the path and its permissions"):
            ImageFolder(folder)
    finally:
        folder.chmod(0o700)


def test_an_image_that_vanishes_is_named(tmp_path: Path) -> None:
    source = ImageFolder(write_folder(tmp_path / "photos", numbered_files("a.jpg", "b.jpg")))
    (tmp_path / "photos/b.jpg").unlink()
    with pytest.raises(SourceError, match=r"b\.jpg: No such file or directory; check"):
        read(source)
    with pytest.raises(SourceError, match=r"b\.jpg: No such file or directory; check"):
        source.fingerprint()


def test_a_location_opens_the_source_that_reads_it(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "photos.mp4", numbered_files("a.jpg"))
    video = write_video(tmp_path / "lesson.mp4", range(3)).rename(tmp_path / "lesson.jpg")
    assert type(open_source(folder)) is ImageFolder
    assert type(open_source(str(video))) is Video
    assert open_source(folder, Settings(every=3)).name == "photos.mp4"
    with pytest.raises(SourceError, match=r"nowhere: no such file; check the path"):
        open_source(tmp_path / "nowhere")


def test_the_name_of_the_working_folder_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write_folder(tmp_path / "photos", numbered_files("a.jpg")))
    assert open_source(Path()).name == "photos"


def test_another_package_may_offer_a_source_and_is_asked_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    info = site / "slides-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "slides.py").write_text(
        "from engine.vision.sources.images import ImageFolder\n"
        "class Slides(ImageFolder):\n"
        "    accepts = staticmethod(lambda location: location.endswith('.slides'))\n",
        "utf-8",
    )
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: slides\nVersion: 1.0\n", "utf-8")
    (info / "entry_points.txt").write_text("[classpulse.sources]\nslides = slides:Slides\n", "utf-8")
    monkeypatch.syspath_prepend(str(site))
    assert type(open_source(write_folder(tmp_path / "a.slides", numbered_files("a.jpg")))).__name__ == "Slides"
    assert type(open_source(write_folder(tmp_path / "b", numbered_files("a.jpg")))) is ImageFolder
