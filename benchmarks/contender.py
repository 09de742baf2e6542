"""One contender of the speed benchmark: reads frames from standard input, detects and scores, prints one JSON line.

It runs in an environment of its own (the original packages do not live together), so it imports nothing of the
project unless the contender is ours, and gets its frames through a pipe: no picture of a person touches the disk.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any


def classpulse() -> Callable[[Any], int]:
    from engine.expression import crop_faces
    from engine.quality import measure
    from engine.seeing import Seer
    from engine.settings import Settings

    settings = Settings()
    seer = Seer(settings)

    def look(image: Any) -> int:
        found = seer.detector.detect(image)
        crops = crop_faces(image, found.boxes, settings.crop_margin)
        measure(crops, found.boxes, found.landmarks, settings)
        return len(seer.scorer.score(crops))

    return look


def mtcnn() -> Callable[[Any], int]:
    from mtcnn import MTCNN

    detector = MTCNN()
    return lambda image: len(detector.detect_faces(image))


def fer_with_mtcnn() -> Callable[[Any], int]:
    import torch  # noqa: F401 - before fer, or the interpreter aborts
    from fer.fer import FER

    fer = FER(mtcnn=True)
    return lambda image: len(fer.detect_emotions(image[:, :, ::-1].copy()))  # BGR, as OpenCV reads it


#: Name -> a function that loads the contender and returns (RGB frame) -> faces found.
CONTENDERS = {"classpulse": classpulse, "mtcnn": mtcnn, "fer with mtcnn": fer_with_mtcnn}


def main() -> None:
    """Take frames as `benchmarks.speed` writes them: one JSON line with the shape, then the bytes of each frame."""
    import numpy as np

    look = CONTENDERS[sys.argv[1]]()
    shape = tuple(json.loads(sys.stdin.buffer.readline()))
    size = shape[0] * shape[1] * shape[2]
    frames = cpu = wall = faces = 0
    while data := sys.stdin.buffer.read(size):
        image = np.frombuffer(data, np.uint8).reshape(shape)
        if not frames:
            look(image)  # load, compile, warm up
        cpu_before, wall_before = time.process_time(), time.perf_counter()
        faces += look(image)
        cpu += time.process_time() - cpu_before
        wall += time.perf_counter() - wall_before
        frames += 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    row = {"cpu": 1e3 * cpu / frames, "wall": 1e3 * wall / frames, "faces": faces / frames, "peak": peak}
    sys.stdout.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
