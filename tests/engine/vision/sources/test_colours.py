"""Colours: whatever range, matrix, depth and dynamic the file states, the image is the one that was recorded."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
from av.video.stream import VideoStream

from engine.vision.sources.colours import HLG, PEAK, PQ, Colours, Exposure, exposure_of, to_screen
from engine.vision.sources.video import Video

#: Under the brightness from which light is bent.
PATCHES = [(200, 40, 40), (40, 180, 40), (40, 40, 200), (128, 128, 128), (210, 190, 160), (16, 16, 16)]
BT2020, BT709 = 9, 1
Floats = npt.NDArray[np.float64]


_OF_CODEC = {"libx265": {"x265-params": "log-level=none"}, "libsvtav1": {"preset": "8"}}


def patches() -> npt.NDArray[np.uint8]:
    """(64, 192, 3): the patches beside each other, 32 px wide."""
    row = np.repeat(np.array(PATCHES, np.uint8), 32, axis=0)
    return np.ascontiguousarray(np.broadcast_to(row, (64, len(row), 3)))


def middles(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    return image[32, 16::32].astype(np.int64)


def write(
    path: Path,
    image: npt.NDArray[np.uint8] | npt.NDArray[np.uint16],
    codec: str,
    pix_fmt: str,
    matrix: int = 2,
    color_range: int = 0,
    transfer: int = 2,
    primaries: int = 2,
    options: dict[str, str] | None = None,
) -> Path:
    """Three frames of `image`, with these codes of H.273."""
    if matrix == BT2020 and int(av.__version__.split(".")[0]) < 18:
        pytest.skip("PyAV writes BT.2020's matrix from release 18 on")
    default = {"crf": "4"} | _OF_CODEC.get(codec, {"b": "20M"})
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=default | (options or {}))
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = image.shape[1], image.shape[0], pix_fmt
        context = stream.codec_context
        context.colorspace, context.color_range = matrix, color_range
        context.color_trc, context.color_primaries = transfer, primaries
        for k in range(3):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24" if image.dtype == np.uint8 else "rgb48le")
            frame = frame.reformat(
                format=pix_fmt, dst_colorspace=None if matrix == 2 else matrix, dst_color_range=color_range or None
            )
            frame.pts, frame.time_base = k, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def first(path: Path) -> npt.NDArray[np.uint8]:
    with Video(path) as video:
        return next(video.frames(None)).image


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt", "matrix", "color_range"),
    [
        ("a.mp4", "libx264", "yuv420p", 2, 0),
        ("a.mp4", "libx264", "yuv420p", 1, 1),
        ("a.mp4", "libx264", "yuv420p", 1, 2),
        ("a.mkv", "libx264", "yuv420p", 6, 1),
        ("a.mkv", "libx264", "yuv422p", 5, 2),
        ("a.mov", "libx264", "yuv444p", 7, 1),
        ("a.mp4", "libx265", "yuv420p10le", 1, 1),
        ("a.mp4", "libx265", "yuv420p10le", 9, 1),
        ("a.mkv", "libx265", "yuv422p12le", 1, 2),
        ("a.mp4", "libsvtav1", "yuv420p10le", 1, 1),
        ("a.webm", "libvpx-vp9", "yuva420p", 1, 1),
        ("a.avi", "mjpeg", "yuvj420p", 2, 2),
        ("a.mov", "prores_ks", "yuv422p10le", 1, 1),
        ("a.mov", "prores_ks", "yuva444p10le", 1, 1),
        ("a.mov", "png", "rgba", 2, 0),
        ("a.mkv", "ffv1", "bgr0", 2, 0),
        ("a.mkv", "ffv1", "gbrp16le", 2, 0),
        ("a.mkv", "ffv1", "yuv444p16le", 2, 0),
        ("a.avi", "rawvideo", "uyvy422", 2, 0),
    ],
)
def test_range_matrix_depth_and_alpha_are_those_of_the_file(
    tmp_path: Path, name: str, codec: str, pix_fmt: str, matrix: int, color_range: int
) -> None:
    image = first(write(tmp_path / name, patches(), codec, pix_fmt, matrix, color_range))
    np.testing.assert_allclose(middles(image), PATCHES, atol=5)


@pytest.mark.parametrize("pix_fmt", ["gray", "gray10le", "gray16le"])
def test_grey_is_grey_in_all_three_channels(tmp_path: Path, pix_fmt: str) -> None:
    image = first(write(tmp_path / "a.mkv", patches(), "ffv1", pix_fmt))
    found = middles(image)
    assert (np.ptp(found, axis=1) == 0).all()
    np.testing.assert_allclose(found[:, 0], np.array(PATCHES) @ (0.299, 0.587, 0.114), atol=4)


@pytest.mark.parametrize("matrix", [8, 10, 14])
def test_a_matrix_that_cannot_be_undone_is_said_and_ends_nothing(tmp_path: Path, matrix: int) -> None:
    """YCgCo, constant luminance, ICtCp: FFmpeg's scaler refuses them."""
    path = write(tmp_path / "a.mkv", patches(), "ffv1", "yuv444p", 1)
    data = path.read_bytes()
    assert data.count(b"\x55\xb1\x81\x01") == 1  # MatrixCoefficients: BT.709
    path.write_bytes(data.replace(b"\x55\xb1\x81\x01", b"\x55\xb1\x81" + bytes((matrix,))))
    video = Video(path)
    assert len(list(video.frames(None))) == 3
    (warning,) = video.warnings
    assert warning.code == "colours"
    assert f"its colours (matrix {matrix} of H.273) cannot be converted" in warning.text


# -- high dynamic range: light as the standards have it, written down here once more, the other way round


def pq(light: Floats) -> Floats:
    """Values for light in cd/m2 (SMPTE ST 2084, 5.2)."""
    power = (light / 10_000) ** 0.1593017578125
    return np.asarray(((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375)


def hlg(light: Floats) -> Floats:
    """Values that a display of 1000 cd/m2 shows as this light, (..., 3) (ITU-R BT.2100, table 5)."""
    shown = light / 1000
    luminance = np.maximum(shown @ np.array([0.2627, 0.6780, 0.0593]), 1e-9)[..., None]
    scene = shown * luminance ** (1 / 1.2 - 1)
    bright = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    return np.asarray(np.where(scene <= 1 / 12, np.sqrt(3 * scene), bright))


def recorded(image: npt.NDArray[np.uint8], transfer: int, white: float) -> npt.NDArray[np.uint16]:
    """What a camera for HDR makes of the scene of `image`, in BT.2020's primaries (BT.2087, 2)."""
    to_2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
    light = (image / 255.0) ** 2.4 @ to_2020.T
    of: Callable[[Floats], Floats] = {PQ: lambda of: pq(of * white), HLG: lambda of: hlg(of * white)}.get(
        transfer, lambda of: of ** (1 / 2.4)
    )
    return np.round(of(light) * 65535).astype(np.uint16)


@pytest.mark.parametrize("transfer", [PQ, HLG])
@pytest.mark.parametrize("white", [203.0, 100.0])
def test_light_up_to_the_knee_comes_back(transfer: int, white: float) -> None:
    values = recorded(patches(), transfer, white)
    shown = to_screen(values, Colours(transfer, BT2020, BT2020), Exposure(white))
    np.testing.assert_allclose(middles(shown), PATCHES, atol=2)


def test_known_values_of_both_curves() -> None:
    """PQ: 100 cd/m2 is 50.8 % and 203 is 58.1 %. HLG: half is 50.6 cd/m2, three quarters is 203."""
    grey = np.array([[[0.5081] * 3, [0.5807] * 3]])
    of_pq = to_screen(np.round(grey * 65535).astype(np.uint16), Colours(PQ, BT2020, BT2020), Exposure())
    assert of_pq[0, 0].tolist() == pytest.approx([255 * (100 / 203) ** (1 / 2.4)] * 3, abs=1)
    assert of_pq[0, 1].tolist() == pytest.approx([241] * 3, abs=1)  # 1 becomes 0.75 + 0.25 / 2 of light, and little
    grey = np.array([[[0.5] * 3, [0.75] * 3]])
    of_hlg = to_screen(np.round(grey * 65535).astype(np.uint16), Colours(HLG, BT2020, BT2020), Exposure())
    assert of_hlg[0, 0].tolist() == pytest.approx([255 * (50.6 / 203) ** (1 / 2.4)] * 3, abs=1)
    assert of_hlg[0, 1].tolist() == pytest.approx([241] * 3, abs=1)


@pytest.mark.parametrize(
    ("brightest", "white"), [(60.0, 100.0), (100.0, 100.0), (150.0, 150.0), (203.0, 203.0), (900.0, 203.0)]
)
def test_white_is_the_brightest_light_within_what_programs_take_for_it(
    tmp_path: Path, brightest: float, white: float
) -> None:
    """A tenth of the picture is that bright, and half a dozen pixels are a lamp."""
    light = np.full((90, 160, 3), 20.0)
    light[:, :16] = brightest
    light[:2, 100:103] = 5000
    path = write(
        tmp_path / "a.mkv", np.round(pq(light) * 65535).astype(np.uint16), "ffv1", "gbrp16le", 0, 2, PQ, BT2020
    )
    with av.open(str(path)) as container:
        exposure = exposure_of(list(container.decode(video=0)))
    assert exposure.white == pytest.approx(white, rel=0.02)
    assert exposure.peak == PEAK


@pytest.mark.parametrize("peak", [400.0, 1000.0, 4000.0])
def test_brighter_light_stays_brighter_up_to_the_peak_and_is_white_there(peak: float) -> None:
    light = np.linspace(1, peak, 200)[None, :, None] * np.ones(3)
    values = np.round(pq(light) * 65535).astype(np.uint16)
    grey = to_screen(values, Colours(PQ, BT2020, BT2020), Exposure(203.0, peak))[0, :, 0].astype(int)
    assert (np.diff(grey) >= 0).all()
    assert grey[-1] == 255
    assert grey[np.searchsorted(light[0, :, 0], 0.4 * peak)] < 255


@pytest.mark.parametrize(
    ("name", "codec", "transfer"),
    [
        ("pq.mp4", "libx265", PQ),
        ("pq.mkv", "libx265", PQ),
        ("pq_av1.mp4", "libsvtav1", PQ),
        ("hlg.mov", "libx265", HLG),
        ("hlg.ts", "libx265", HLG),
        ("wide.mkv", "libx265", 14),
    ],
)
def test_footage_of_high_dynamic_range_looks_as_ordinary_footage_does(
    tmp_path: Path, name: str, codec: str, transfer: int
) -> None:
    scene = patches()
    scene[:8] = 255  # something white
    values = recorded(scene, transfer, 203.0)
    path = write(tmp_path / name, values, codec, "yuv420p10le", BT2020, 1, transfer, BT2020)
    video = Video(path)
    np.testing.assert_allclose(middles(next(video.frames(None)).image), PATCHES, atol=7)
    assert video.warnings == []


def test_the_brightest_light_that_a_file_states_counts(tmp_path: Path) -> None:
    options = {"x265-params": "log-level=none:hdr10=1:max-cll=600,100"}
    path = write(
        tmp_path / "a.mkv", recorded(patches(), PQ, 90.0), "libx265", "yuv420p10le", BT2020, 1, PQ, BT2020, options
    )
    with av.open(str(path)) as container:
        assert exposure_of(list(container.decode(video=0))) == (203, 600)
    assert exposure_of([av.VideoFrame(16, 16, "yuv420p")]) == (203, PEAK)
