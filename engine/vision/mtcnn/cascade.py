"""Detects faces with MTCNN: three networks in a cascade, each examining more closely what the one before let pass.

The method is of Zhang, Zhang, Li, Qiao: Joint Face Detection and Alignment using Multi-task Cascaded Convolutional
Networks (2016), with the weights and the thresholds of the `mtcnn` package. Where the package departs from an
unbiased geometry, this departs from the package: see `boxes.crops` and `proposals`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.errors import UsageError
from engine.vision.detection import Detections, Floats, Image, RegionsOfInterest
from engine.vision.mtcnn.boxes import apply_offsets, centres_inside, crops, nms, paired_iou, square
from engine.vision.mtcnn.proposals import Proposer
from engine.vision.networks import Network, has_bf16

RNET_BF16_MARGIN = 0.1
"""How far below the threshold R-Net's score may be in bf16 for the crop to be examined again in f32; the two
differed by 0.03 at most over 5,058 crops."""
REFINED_IOU = 0.85
"""IoU above which R-Net's boxes are one. The package's 0.7 leaves O-Net a single crop of most faces."""
RETRY_SCORE = 0.5
"""O-Net's score above which a face is examined a second time."""

# Faces smaller than the package detects need other thresholds; measured in benchmarks/results.md.
STANDARD_MIN_FACE = 20
"""The package's `min_face`, px. With this or more, all faces are detected as the package detects them."""
SMALL_CROP = 24
"""Faces are small where the crops of R-Net and O-Net cover fewer px of the image than this on a side."""
SMALL_RNET_THRESHOLD = 0.4
"""R-Net's threshold for small faces, which it recognises less well than O-Net does."""
WEAK_SCORE = 0.4
"""O-Net's score from which a small face is useful to a tracker that knows that a face was there."""
MIRRORED, SIGNS = [1, 0, 2, 4, 3], np.array([-1, 1, -1, 1], np.float32)
"""The landmarks of a mirrored face in the order of the face, and the signs of its mirrored offsets."""

CONFIDENT_SCORE, STEADY_IOU = 0.95, 0.8
"""O-Net's score at which a face at an expected place needs no second examination; nor does one with a lower score
whose box overlaps the expected one by this IoU. Measured in benchmarks/results.md."""
ONET_LARGEST = (5.5, 4.8, 4.0)
"""The largest outputs of O-Net's first three layers that 8 bits represent. Of 390 crops of a drawn lesson's faces,
all but one value in 10,000 were up to 4.7, 3.9 and 3.5, and all up to 6.8, 5.8 and 4.7."""
INT8_MARGIN = 0.05
"""How far above the threshold O-Net's score must be in 8 bits. It differed from f32's by 0.017 (root mean square)
and by 0.09 at most over 459 crops of 0.5 to 0.99; none with more than 0.85 had less than 0.8 in f32."""


class Mtcnn:
    """The MTCNN cascade over the committed networks: a `Detector`. Not for several threads at once.

    `min_face` is the height in px of the smallest face to look for: the time grows with 1/min_face². `thresholds`
    are the scores, in (0, 1), that P-Net, R-Net and O-Net must exceed. `device` and `threads` are the networks'.

    Most candidates of P-Net and R-Net are clearly not faces. Where the processor computes in bf16, a low-precision
    prefilter rejects those, and only the rest is computed in f32; `prefilter=False` omits it, for the same faces.
    With regions of interest, a clear result in bf16, or of O-Net in 8 bits, is final.

    With a `min_face` under STANDARD_MIN_FACE, weak faces are returned too, with scores from WEAK_SCORE up to
    O-Net's threshold: they are for trackers, and are no faces on their own.

    With regions of interest, O-Net examines the expected places directly, and twice in doubt. Where it does not
    confirm a face, and around missing faces, P-Net scans three scales of a small patch; in a full scan, one cell in
    four of the whole image.
    """

    def __init__(
        self,
        min_face: float = 20,
        thresholds: tuple[float, float, float] = (0.6, 0.7, 0.8),
        device: str = "cpu",
        threads: int = 1,
        *,
        prefilter: bool = True,
    ) -> None:
        self.min_face = min_face
        self.thresholds = thresholds
        self._small = SMALL_CROP if min_face < STANDARD_MIN_FACE else 0
        self._proposer = Proposer(min_face, thresholds[0], device, threads, prefilter=prefilter)
        self._rnet = Network("rnet", device=device, threads=threads)
        self._onet = Network("onet", device=device, threads=threads)
        self._rnet_prefilter: Network | None = None
        self._onet_at_regions = self._onet
        self._margin = 0.0
        if prefilter and device == "cpu" and has_bf16():
            self._rnet_prefilter = Network("rnet", threads=threads, precision="bf16")
            self._onet_at_regions = Network("onet", threads=threads, precision="bf16", largest=ONET_LARGEST)
            self._margin = INT8_MARGIN

    def detect(self, image: Image, regions: RegionsOfInterest | None = None) -> Detections:
        """Detect the faces of `image`, (h, w, 3) uint8 RGB: in all of it, or with `regions` only there.

        An image with a side under 12 px has none. Raises UsageError for any other kind of array.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
            raise UsageError(f"an image is uint8 (height, width, 3), not {image.dtype} {image.shape}")
        if regions is None:
            return self._final(image, self._refine(image, self._proposer.scan(image)))
        confirmed, unconfirmed = self._confirm_expected(image, regions.expected)
        around = self._proposer.around(image, np.concatenate([unconfirmed, regions.missing]))
        elsewhere = self._proposer.sparse_scan(image, regions.full_scan) if regions.full_scan else around[:0]
        elsewhere = elsewhere[~centres_inside(elsewhere, confirmed.boxes)]
        return self._final(image, self._refine(image, np.concatenate([around, elsewhere])), confirmed)

    def _confirm_expected(self, image: Image, boxes: Floats) -> tuple[Detections, Floats]:
        """The faces at the expected `boxes` (n, 4), and the boxes (m, 4) at which none is confirmed."""
        first = self._run_onet(image, square(boxes), self._onet_at_regions)
        confirmed = self._is_confirmed(first, boxes, self.thresholds[2] + self._margin)
        # A face that moved is off-centre in the first crop; the second one is centred on it.
        retried = np.flatnonzero(~confirmed & (first.scores > RETRY_SCORE))
        second = self._run_onet(image, square(first.boxes[retried]), self._onet)
        clear = self._is_confirmed(second, first.boxes[retried], self.thresholds[2])
        unconfirmed = ~confirmed
        unconfirmed[retried[clear]] = False
        return Detections.concatenate([first[confirmed], second[clear]]), boxes[unconfirmed]

    @staticmethod
    def _is_confirmed(detections: Detections, boxes: Floats, threshold: float) -> npt.NDArray[np.bool_]:
        """(n,) which of n detections, made from crops of `boxes`, need no second examination.

        Their scores are above `threshold`. O-Net's score peaks when the crop is centred. A near-zero offset means
        that the crop is centred already, so another pass cannot raise the score.
        """
        steady = paired_iou(detections.boxes, boxes) > STEADY_IOU
        return (detections.scores > threshold) & ((detections.scores > CONFIDENT_SCORE) | steady)

    def _refine(self, image: Image, boxes: Floats) -> Floats:
        """R-Net: correct the proposals and reject most of them; (n, 4) square boxes."""
        cut = crops(image, boxes, 24)
        small_threshold = min(SMALL_RNET_THRESHOLD, self.thresholds[1])
        threshold = np.where(self._are_small(boxes), small_threshold, self.thresholds[1])
        if self._rnet_prefilter is not None:
            maybe = self._rnet_prefilter(cut)[1][:, 0] > threshold - RNET_BF16_MARGIN
            boxes, cut, threshold = boxes[maybe], cut[maybe], threshold[maybe]
        offsets, scores = self._rnet(cut)
        accepted = scores[:, 0] > threshold
        boxes = apply_offsets(boxes[accepted], offsets[accepted])
        return square(boxes[nms(boxes, scores[accepted, 0], REFINED_IOU)])

    def _final(self, image: Image, boxes: Floats, *confirmed: Detections) -> Detections:
        """O-Net: correct the boxes, reject more of them, add the landmarks and the `confirmed` ones; then NMS."""
        first = self._run_onet(image, boxes, self._onet)
        clear, small = first.scores > self.thresholds[2], self._are_small(boxes)
        weak = ~clear & small & (first.scores > WEAK_SCORE)
        # O-Net's score can depend on half a pixel: an uncertain face is evaluated again, at its corrected box.
        uncertain = ~clear & ~small & (first.scores > RETRY_SCORE)
        second = self._run_onet(image, square(first.boxes[uncertain]), self._onet)
        faces = Detections.concatenate(
            [first[clear | weak], second[second.scores > self.thresholds[2]], *confirmed]
        )
        height, width = image.shape[:2]
        boxes = faces.boxes.clip(0, np.array([width, height] * 2, np.float32))
        selected = nms(boxes, faces.scores, 0.7, over_smaller=True)
        selected = selected[(boxes[selected, 2:] > boxes[selected, :2]).all(axis=1)]
        return Detections(boxes[selected], faces.scores[selected], faces.landmarks[selected])

    def _are_small(self, boxes: Floats) -> npt.NDArray[np.bool_]:
        """(n,) which of n square boxes are those of small faces."""
        small: npt.NDArray[np.bool_] = boxes[:, 2] - boxes[:, 0] < self._small
        return small

    def _run_onet(self, image: Image, boxes: Floats, onet: Network) -> Detections:
        """The output of `onet` for n square boxes; for small ones averaged with that of the mirrored crop."""
        cut = crops(image, boxes, 48)
        offsets, points, scores = onet(cut)
        small = np.flatnonzero(self._are_small(boxes))
        if len(small):
            # On few pixels O-Net is overconfident, and differently so for a crop and its mirror image.
            mirrored = onet(np.ascontiguousarray(cut[small, :, ::-1]))
            offsets[small] = (offsets[small] + mirrored[0][:, [2, 1, 0, 3]] * SIGNS) / 2
            back = mirrored[1].reshape(-1, 2, 5)[..., MIRRORED]
            back[:, 0] = 1 - back[:, 0]
            points[small] = (points[small] + back.reshape(-1, 10)) / 2
            odds = np.sqrt(_odds(scores[small]) * _odds(mirrored[2]))
            scores[small] = odds / (1 + odds)
        corners, sizes = boxes[:, np.newaxis, :2], (boxes[:, 2:] - boxes[:, :2])[:, np.newaxis]
        landmarks = corners + sizes * points.reshape(-1, 2, 5).swapaxes(1, 2)
        return Detections(apply_offsets(boxes, offsets), scores[:, 0], landmarks)


def _odds(scores: Floats) -> Floats:
    odds: Floats = scores / (1 - np.minimum(scores, np.float32(0.999999)))
    return odds
