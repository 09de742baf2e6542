"""`make bench-pose`: how far a head's yaw is off on small faces, by their height: the same faces, scaled down.

The reference is the detector's own yaw of the face in full size, 48 px or more, so only what size does is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.footage import SHARED, read_image
from benchmarks.speed import keep
from engine.vision.detection import Detector, Image
from engine.vision.mtcnn.cascade import Mtcnn
from engine.vision.quality import head_pose
from engine.vision.retinaface.detector import RetinaFace
from engine.vision.sources.video import Video
from tracking.association import iou, match

#: Heights, px, between which a row of the table lies, and those to which faces are scaled down.
EDGES = (8, 12, 16, 20, 27, 40)
SCALED = (9, 10, 11, 12, 13, 15, 17, 19, 22, 25, 30, 36)
LARGE = 48
DETECTORS: dict[str, Callable[[float], Detector]] = {"mtcnn": Mtcnn, "retinaface": RetinaFace}


def images() -> Iterator[Image]:
    """The photos of `SHARED`, and a frame a second of its class."""
    for path in sorted((SHARED / "eval/photos").iterdir()):
        yield read_image(path)
    with Video(SHARED / "footage/students.mp4") as video:
        yield from (frame.image for frame in video.frames(1.0))


def errors(detector: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """(n,) height in px of each face that is found again in a smaller image, and (n,) how far its yaw is off."""
    heights: list[float] = []
    off: list[float] = []
    large, small = DETECTORS[detector](20), DETECTORS[detector](8)
    for image in images():
        faces = large.detect(image)
        faces = faces[faces.boxes[:, 3] - faces.boxes[:, 1] >= LARGE]
        for height in SCALED if len(faces) else ():
            scale = height / float(np.median(faces.boxes[:, 3] - faces.boxes[:, 1]))
            reduced = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            again = small.detect(np.asarray(reduced, np.uint8))
            pairs = match(iou(faces.boxes.astype(np.float64) * scale, again.boxes.astype(np.float64)), 0.4)
            yaw = head_pose(again.landmarks[pairs.columns])[0] - head_pose(faces.landmarks[pairs.rows])[0]
            heights += (again.boxes[pairs.columns, 3] - again.boxes[pairs.columns, 1]).tolist()
            off += yaw.tolist()
    return np.array(heights), np.array(off)


def main() -> None:
    """Print the table, and keep it in results.md."""
    cv2.setNumThreads(1)
    lines = [
        "## Yaw of small faces (`make bench-pose`)",
        "",
        "Degrees between the yaw of a face in full size and scaled down: the median and the 90th percentile.",
        "",
        "| face, px | detector | faces | median | 90 % |",
        "|---|---|---:|---:|---:|",
    ]
    for detector in DETECTORS:
        heights, off = errors(detector)
        for low, high in pairwise(EDGES):
            here = np.abs(off[(heights >= low) & (heights < high)])
            if len(here):
                numbers = f"{len(here)} | {np.median(here):.1f} | {np.percentile(here, 90):.1f}"
                lines.append(f"| {low}–{high} | {detector} | {numbers} |")
    print("\n".join(lines))
    keep("Yaw of small faces", lines)


if __name__ == "__main__":
    main()
