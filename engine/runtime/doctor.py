"""Self-test: installed packages, device of the networks, and correct output of decoder and networks."""

from __future__ import annotations

import importlib.metadata
import platform
import sqlite3
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from engine.errors import ClasspulseError
from engine.runtime.local import usable_workers
from engine.settings import Device, Settings
from engine.version import __version__
from engine.vision.expression import FerScorer, crop_faces
from engine.vision.mtcnn.cascade import Mtcnn
from engine.vision.networks import checksums, has_bf16, import_openvino
from engine.vision.sources.video import Video

PACKAGES = ("av", "opencv-python", "opencv-python-headless", "openvino", "numpy", "scipy", "pandas", "sqlalchemy")
EXTRAS = ("mtcnn", "fer", "tensorflow", "onnxruntime-gpu")
#: Side of the drawn clip's frames, px, and the colour (RGB) of each frame.
CLIP_SIZE = 64
CLIP_COLOURS = ((200, 60, 60), (60, 180, 60), (60, 60, 200), (220, 220, 220), (30, 30, 30))
#: How far encoding may shift a channel's value.
COLOUR_TOLERANCE = 8


@dataclass(frozen=True)
class Check:
    """One line of the report."""

    item: str
    result: str
    good: bool = True


def checks(image: npt.NDArray[np.uint8], faces: int, device: Device = "cpu") -> list[Check]:
    """Check the installation, and run the networks for 1 s over `image` (h, w, 3), RGB with `faces` faces."""
    return [
        Check(
            "classpulse", f"{__version__} on Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
        ),
        Check("packages", _versions(PACKAGES)),
        Check("extras", _versions(EXTRAS) or "none (they are optional)"),
        _decoder(),
        *_networks(image, faces, device),
    ]


def _versions(names: tuple[str, ...]) -> str:
    installed = {dist.metadata["Name"].lower(): dist.version for dist in importlib.metadata.distributions()}
    return ", ".join(f"{name} {installed[name]}" for name in names if name in installed)


def _decoder() -> Check:
    """Encode CLIP_COLOURS, a frame of each, and read them back as recordings are read."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "clip.mp4"
            _encode(path)
            with Video(path) as video:
                colours = [frame.image[CLIP_SIZE // 2, CLIP_SIZE // 2].tolist() for frame in video.frames(None)]
    except Exception as error:  # noqa: BLE001 -- any error that a release of PyAV raises is reported
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        return Check("decoder", f"cannot decode a drawn clip ({reason}); install another version of av", good=False)
    right = len(colours) == len(CLIP_COLOURS) and bool(
        np.allclose(colours, CLIP_COLOURS, rtol=0, atol=COLOUR_TOLERANCE)
    )
    decoded = f"{len(colours)} of {len(CLIP_COLOURS)} drawn frames decoded"
    if right:
        return Check("decoder", f"{decoded}, in their colours")
    expected = [list(colour) for colour in CLIP_COLOURS]
    remedy = "install another version of av"
    return Check("decoder", f"{decoded}: colours {colours}, expected {expected}; {remedy}", good=False)


def _encode(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=5)
        stream.width = stream.height = CLIP_SIZE
        stream.pix_fmt = "yuv420p"
        for colour in CLIP_COLOURS:
            image = np.full((CLIP_SIZE, CLIP_SIZE, 3), colour, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())


def _networks(image: npt.NDArray[np.uint8], faces: int, device: Device) -> list[Check]:
    try:
        detector, scorer = Mtcnn(device=device), FerScorer(device)
        detector.detect(image)
        end, runs = time.perf_counter() + 1, 0
        while time.perf_counter() < end:
            detections = detector.detect(image)
            scores = scorer.score(crop_faces(image, detections.boxes))
            runs += 1
    except ClasspulseError as error:
        return [Check("networks", str(error), good=False)]
    right = len(detections) == faces and bool(np.allclose(scores.sum(axis=1), 1, atol=1e-3))
    return [
        Check("networks", f"{', '.join(checksums())} as they were released, on {_device_name(device)}"),
        Check("precision", _precision(device)),
        Check(
            "workers",
            f"{usable_workers(Settings())}: as many processes detect faces in an analysis without --workers",
        ),
        Check(
            "self-test",
            f"{len(detections)} of {faces} drawn faces found and scored, {runs} images of "
            f"{image.shape[1]}x{image.shape[0]} a second",
            right,
        ),
    ]


def _device_name(device: Device) -> str:
    if device == "cuda":
        return "a CUDA GPU (ONNX Runtime)"
    openvino = import_openvino()

    name = str(openvino.Core().get_property("CPU", "FULL_DEVICE_NAME"))
    return f"the CPU ({name.strip()}, OpenVINO)"


def _precision(device: Device) -> str:
    if device == "cuda":
        return "f32"
    return "bf16 or 8 bits where they are clear, else f32" if has_bf16() else "f32; this processor has no bf16"
