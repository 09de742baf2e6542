"""One contender of the speed benchmark: reads frames from standard input, detects and scores, prints one JSON line.

It runs in an environment of its own (the original packages do not live together), so it imports nothing of the
project unless the contender is ours, and gets its frames through a pipe: no picture of a person touches the disk.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import Any, Literal


def classpulse(scan: Literal["guided", "full"]) -> Callable[[Iterable[Any]], int]:
    """All stages but decoding: detection, crops, scores, quality, clothes, camera motion."""
    from engine.settings import Settings
    from engine.vision.extraction import FeatureExtractor
    from engine.vision.sources.protocol import Frame

    rate = 5.0
    extractor = FeatureExtractor(Settings(scan=scan, sample_rate=rate))

    def detect(images: Iterable[Any]) -> int:
        frames = (Frame(i, i / rate, image) for i, image in enumerate(images))
        return sum(len(segment.faces) for segment in extractor.from_frames(frames))

    return detect


def mtcnn() -> Callable[[Iterable[Any]], int]:
    from mtcnn import MTCNN

    detector = MTCNN()
    return lambda images: sum(len(detector.detect_faces(image)) for image in images)


def fer_with_mtcnn() -> Callable[[Iterable[Any]], int]:
    import_module("torch")  # before fer, or the interpreter aborts
    from fer.fer import FER

    fer = FER(mtcnn=True)
    # BGR, as OpenCV reads it
    return lambda images: sum(len(fer.detect_emotions(image[:, :, ::-1].copy())) for image in images)


#: Name -> a function that loads the contender and returns (RGB frames) -> number of detections.
CONTENDERS = {
    "classpulse": lambda: classpulse("guided"),
    "classpulse, full scan": lambda: classpulse("full"),
    "mtcnn": mtcnn,
    "fer with mtcnn": fer_with_mtcnn,
}


def main() -> None:
    """Take frames as `benchmarks.speed` writes them: a JSON line (warm-up, count, passes, shape), then bytes.

    They come once for every pass, and nobody keeps them: the peak of memory is the contender's own.
    """
    if sys.platform == "win32":
        raise SystemExit("the peak of memory is measured on Linux and macOS alone")
    import resource

    import numpy as np

    detect = CONTENDERS[sys.argv[1]]()
    warm_up, count, passes, shape = json.loads(sys.stdin.buffer.readline())
    size = shape[0] * shape[1] * shape[2]
    reading = 0.0

    def images(count: int) -> Iterator[Any]:
        nonlocal reading
        for _ in range(count):
            before = time.process_time()
            image = np.frombuffer(sys.stdin.buffer.read(size), np.uint8).reshape(shape)
            reading += time.process_time() - before
            yield image

    faces = detect(images(warm_up))  # load, compile
    cpu, wall = [], []
    for _ in range(passes):
        reading, cpu_before, wall_before = 0.0, time.process_time(), time.perf_counter()
        faces = detect(images(count))
        cpu.append(time.process_time() - cpu_before - reading)
        wall.append(time.perf_counter() - wall_before)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    row = {
        "cpu": 1e3 * statistics.median(cpu) / count,
        "wall": 1e3 * statistics.median(wall) / count,
        "faces": faces / count,
        "peak": peak,
    }
    sys.stdout.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
