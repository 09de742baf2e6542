"""The geometry of the cascade: image pyramids, crops, bounding-box regression and non-maximum suppression.

Boxes are (n, 4) float32 x1, y1, x2, y2 in px, in the convention of `engine.vision.detection`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from engine.vision.detection import Floats, Image

RECEPTIVE_FIELD = 12
"""Side of P-Net's receptive field, px."""
PYRAMID_FACTOR = 0.709
"""Each level of the pyramid has about half the pixels of the one before."""
MAX_CANDIDATES = 40
"""How many boxes of a group `batched_nms` compares at most."""
GREY = (128, 128, 128)
"""The colour of crops outside the image."""


def pyramid(
    image: Image, scale: float, *, factor: float = PYRAMID_FACTOR, method: int = cv2.INTER_AREA
) -> Iterator[Image]:
    """Yield `image` at `scale`, then each level smaller by `factor`, down to a side of 12 px.

    The package averages over areas of the full image for each level, which here would cost more than P-Net. This
    does it for the first level, where the small faces are, and halves the image (an exact average, and cheap)
    before it interpolates the smaller ones. Another `method` for the first level, INTER_LINEAR, takes a seventh of
    the time and finds small faces a little worse; an enlarged level is always interpolated.
    """
    height, width = image.shape[:2]
    method = method if scale < 1 else cv2.INTER_LINEAR
    while min(height, width) * scale >= RECEPTIVE_FIELD:
        size = int(width * scale), int(height * scale)
        while image.shape[1] >= 2 * size[0] and image.shape[0] >= 2 * size[1]:
            half = image.shape[1] // 2, image.shape[0] // 2
            image = cast(Image, cv2.resize(image, half, interpolation=cv2.INTER_AREA))
        yield cast(Image, cv2.resize(image, size, interpolation=method))
        method = cv2.INTER_LINEAR
        scale *= factor


def nms(boxes: Floats, scores: Floats, threshold: float, *, over_smaller: bool = False) -> npt.NDArray[np.intp]:
    """Non-maximum suppression: the indices of the boxes kept, in descending order of their scores.

    A box is suppressed where any box with a higher score overlaps it by more than `threshold`: intersection over
    union, or, with `over_smaller`, over the smaller of the two areas. As in the `mtcnn` package, a suppressed box
    still suppresses others, which needs no loop over the boxes. Of equal scores the first box is kept.
    """
    if not len(boxes):
        return np.empty(0, np.intp)
    order = np.argsort(-scores, kind="stable")
    x1, y1, x2, y2 = boxes[order].T
    width = np.minimum(x2[:, np.newaxis], x2)
    width -= np.maximum(x1[:, np.newaxis], x1)
    height = np.minimum(y2[:, np.newaxis], y2)
    height -= np.maximum(y1[:, np.newaxis], y1)
    intersection = np.maximum(width, 0, out=width)
    intersection *= np.maximum(height, 0, out=height)
    area = (x2 - x1) * (y2 - y1)
    if over_smaller:
        overlapping = intersection > threshold * np.minimum(area[:, np.newaxis], area)
    else:  # intersection / (area + area - intersection) > threshold, solved for the intersection
        share = area * (threshold / (1 + threshold))
        overlapping = intersection > share[:, np.newaxis] + share
    # A box overlaps itself: it is kept if no box before it, with a higher score, overlaps it.
    unsuppressed: npt.NDArray[np.bool_] = overlapping.argmax(axis=1) == np.arange(len(order))
    return order[unsuppressed]


def batched_nms(boxes: Floats, scores: Floats, threshold: float, max_iou: float, max_boxes: int) -> Floats:
    """(m, 4) of `boxes` (n, k, 4): of each of n groups at most `max_boxes`, the highest scores first, by `nms`.

    Only scores (n, k) above `threshold` count, and of each group the MAX_CANDIDATES highest.
    """
    k = min(MAX_CANDIDATES, scores.shape[1])
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    boxes = np.take_along_axis(boxes, order[..., np.newaxis], axis=1)
    scores = np.take_along_axis(scores, order, axis=1)
    corner, opposite = boxes[..., :2], boxes[..., 2:]
    sides = np.minimum(opposite[:, :, np.newaxis], opposite[:, np.newaxis])
    sides -= np.maximum(corner[:, :, np.newaxis], corner[:, np.newaxis])
    intersection = sides.clip(0).prod(axis=-1)
    share = (opposite - corner).prod(axis=-1) * (max_iou / (1 + max_iou))
    unsuppressed = (intersection > share[:, :, np.newaxis] + share[:, np.newaxis]).argmax(axis=2) == np.arange(k)
    unsuppressed &= scores > threshold
    unsuppressed &= unsuppressed.cumsum(axis=1) <= max_boxes
    selected: Floats = boxes[unsuppressed]
    return selected


def paired_iou(boxes_a: Floats, boxes_b: Floats) -> Floats:
    """(n,) intersection over union of `boxes_a[i]` and `boxes_b[i]`; 0 where neither has an area."""
    corner = np.maximum(boxes_a[:, :2], boxes_b[:, :2])
    opposite = np.minimum(boxes_a[:, 2:], boxes_b[:, 2:])
    intersection = (opposite - corner).clip(0).prod(axis=1)
    area_a, area_b = ((boxes[:, 2:] - boxes[:, :2]).clip(0).prod(axis=1) for boxes in (boxes_a, boxes_b))
    iou: Floats = intersection / np.maximum(area_a + area_b - intersection, np.finfo(np.float32).tiny)
    return iou


def centres_inside(boxes: Floats, faces: Floats) -> npt.NDArray[np.bool_]:
    """(n,) which of `boxes` have their centre inside any of `faces`, not on its edge."""
    centre = ((boxes[:, :2] + boxes[:, 2:]) / 2)[:, np.newaxis]
    within = ((faces[:, :2] < centre) & (centre < faces[:, 2:])).sum(axis=2) == 2
    return np.asarray(within.sum(axis=1) > 0)


def apply_offsets(boxes: Floats, offsets: Floats) -> Floats:
    """Bounding-box regression: move the corners by `offsets` (n, 4), in units of the box's width and height."""
    return boxes + offsets * np.tile(boxes[:, 2:] - boxes[:, :2], 2)


def square(boxes: Floats) -> Floats:
    """Squares of the same centres whose sides are the longer sides of the boxes."""
    half = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True) / 2
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    return np.concatenate([centre - half, centre + half], axis=1)


def crops(image: Image, boxes: Floats, size: int) -> Image:
    """Resample square boxes to `size` px: (n, size, size, 3), by bilinear interpolation at the cells' centres.

    The package puts the first and last sample on the box's edges and scales coordinates by (width - 1) / width, so
    that its boxes and landmarks sit up to half a pixel to the left in the left half of the image, and to the right
    in the right half.
    """
    if not len(boxes):
        return np.empty((0, size, size, 3), np.uint8)
    steps = (boxes[:, 2:3] - boxes[:, :1]) * ((np.arange(size, dtype=np.float32) + np.float32(0.5)) / size)
    # cv2 calls the centre of the first pixel 0, not 0.5.
    x, y = boxes[:, :1] + steps - np.float32(0.5), boxes[:, 1:2] + steps - np.float32(0.5)
    # One call for all boxes: every row of the maps is a box.
    shape = (len(boxes), size, size)
    map_x = np.broadcast_to(x[:, np.newaxis, :], shape).reshape(len(boxes), -1)
    map_y = np.broadcast_to(y[:, :, np.newaxis], shape).reshape(len(boxes), -1)
    cut = cv2.remap(image, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=GREY)
    return cast(Image, cut.reshape(*shape, 3))


def antialiased_crops(image: Image, boxes: Floats, size: int) -> Image:
    """`crops` without aliasing: boxes of 2 or more times `size` are cut out of the image halved once or more."""
    cut = np.empty((len(boxes), size, size, 3), np.uint8)
    halvings = np.maximum(np.floor(np.log2((boxes[:, 2] - boxes[:, 0]) / size)), 0).astype(int)
    for halving in range(halvings.max() + 1):
        selected = halvings == halving
        if selected.any():
            cut[selected] = crops(image, boxes[selected] / np.float32(2**halving), size)
        if halving < halvings.max():
            half = max(1, image.shape[1] // 2), max(1, image.shape[0] // 2)
            image = cast(Image, cv2.resize(image, half, interpolation=cv2.INTER_AREA))
    return cut
