"""The geometry of the cascade: levels of an image, crops of it, and choices among overlapping boxes.

Boxes are (n, 4) float32 x1, y1, x2, y2 in px, in the convention of detection.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Image = npt.NDArray[np.uint8]

CELL = 12
"""P-Net looks at every 12x12 px."""
PYRAMID_FACTOR = 0.709
"""Each level of the pyramid has about half the pixels of the one before."""
CONSIDERED = 40
"""Most boxes of a group that `best` compares."""
GREY = (128, 128, 128)
"""What the networks see outside the image."""


def pyramid(
    image: Image, scale: float, *, factor: float = PYRAMID_FACTOR, method: int = cv2.INTER_AREA
) -> Iterator[Image]:
    """Yield `image` at `scale`, then ever smaller by `factor`, down to a side of 12 px.

    The package averages over areas of the full image for each level, which here would cost more than P-Net. This
    does it for the first level, where the small faces are, and halves the image (an exact average, and cheap)
    before it interpolates the smaller ones. Another `method` for the first level, INTER_LINEAR, takes a seventh of
    the time and sees small faces a little worse; an area of less than a pixel has nothing to average.
    """
    height, width = image.shape[:2]
    method = method if scale < 1 else cv2.INTER_LINEAR
    while min(height, width) * scale >= CELL:
        size = int(width * scale), int(height * scale)
        while image.shape[1] >= 2 * size[0] and image.shape[0] >= 2 * size[1]:
            half = image.shape[1] // 2, image.shape[0] // 2
            image = cast(Image, cv2.resize(image, half, interpolation=cv2.INTER_AREA))
        yield cast(Image, cv2.resize(image, size, interpolation=method))
        method = cv2.INTER_LINEAR
        scale *= factor


def suppress(boxes: Floats, scores: Floats, threshold: float, *, of_smaller: bool = False) -> npt.NDArray[np.intp]:
    """Choose among overlapping boxes: the indices of those kept, the highest score first.

    A box goes where any box with a higher score overlaps it by more than `threshold`: intersection over union, or,
    with `of_smaller`, over the smaller of the two areas. As in the `mtcnn` package, a box that goes itself still
    suppresses others, which needs no loop over the boxes.
    """
    if not len(boxes):
        return np.empty(0, np.intp)
    order = np.argsort(-scores, kind="stable")
    x1, y1, x2, y2 = boxes[order].T
    wide = np.minimum(x2[:, np.newaxis], x2)
    wide -= np.maximum(x1[:, np.newaxis], x1)
    high = np.minimum(y2[:, np.newaxis], y2)
    high -= np.maximum(y1[:, np.newaxis], y1)
    inter = np.maximum(wide, 0, out=wide)
    inter *= np.maximum(high, 0, out=high)
    area = (x2 - x1) * (y2 - y1)
    if of_smaller:
        overlaps = inter > threshold * np.minimum(area[:, np.newaxis], area)
    else:  # inter / (area + area - inter) > threshold, solved for inter
        share = area * (threshold / (1 + threshold))
        overlaps = inter > share[:, np.newaxis] + share
    # A box overlaps itself: it stays if that is the first, that is, the highest score, that it overlaps.
    stays: npt.NDArray[np.bool_] = overlaps.argmax(axis=1) == np.arange(len(order))
    return order[stays]


def best(boxes: Floats, scores: Floats, least: float, overlap: float, most: int) -> Floats:
    """(m, 4) of `boxes` (n, k, 4): from each of n groups at most `most` that overlap less, as `suppress` has it.

    Only scores (n, k) above `least` count, and of each group the CONSIDERED highest.
    """
    k = min(CONSIDERED, scores.shape[1])
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    boxes = np.take_along_axis(boxes, order[..., np.newaxis], axis=1)
    scores = np.take_along_axis(scores, order, axis=1)
    corner, opposite = boxes[..., :2], boxes[..., 2:]
    sides = np.minimum(opposite[:, :, np.newaxis], opposite[:, np.newaxis])
    sides -= np.maximum(corner[:, :, np.newaxis], corner[:, np.newaxis])
    inter = sides.clip(0).prod(axis=-1)
    share = (opposite - corner).prod(axis=-1) * (overlap / (1 + overlap))
    stays = (inter > share[:, :, np.newaxis] + share[:, np.newaxis]).argmax(axis=2) == np.arange(k)
    stays &= scores > least
    stays &= stays.cumsum(axis=1) <= most
    chosen: Floats = boxes[stays]
    return chosen


def overlaps(boxes: Floats, others: Floats) -> Floats:
    """(n,) intersection over union of each of n boxes with the other of its place; 0 where neither has an area."""
    corner, opposite = np.maximum(boxes[:, :2], others[:, :2]), np.minimum(boxes[:, 2:], others[:, 2:])
    inter = (opposite - corner).clip(0).prod(axis=1)
    areas = [(each[:, 2:] - each[:, :2]).clip(0).prod(axis=1) for each in (boxes, others)]
    share: Floats = inter / np.maximum(areas[0] + areas[1] - inter, np.finfo(np.float32).tiny)
    return share


def inside(boxes: Floats, faces: Floats) -> npt.NDArray[np.bool_]:
    """(n,) which of `boxes` have their middle in one of `faces`."""
    middle = ((boxes[:, :2] + boxes[:, 2:]) / 2)[:, np.newaxis]
    within = ((faces[:, :2] < middle) & (middle < faces[:, 2:])).sum(axis=2) == 2
    return np.asarray(within.sum(axis=1) > 0)


def moved(boxes: Floats, offsets: Floats) -> Floats:
    """Move the corners of boxes by offsets in units of the box's size."""
    return boxes + offsets * np.tile(boxes[:, 2:] - boxes[:, :2], 2)


def square(boxes: Floats) -> Floats:
    """The squares of the same centres, as large as the longer sides."""
    half = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True) / 2
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    return np.concatenate([centre - half, centre + half], axis=1)


def crops(image: Image, boxes: Floats, size: int) -> Image:
    """Bring square boxes to `size` px: (n, size, size, 3), by bilinear interpolation at the centres of their cells.

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


def shrunk_crops(image: Image, boxes: Floats, size: int) -> Image:
    """`crops` of boxes of whatever size: what is much larger is cut out of the image's halves."""
    cut = np.empty((len(boxes), size, size, 3), np.uint8)
    halvings = np.maximum(np.floor(np.log2((boxes[:, 2] - boxes[:, 0]) / size)), 0).astype(int)
    for halving in range(halvings.max() + 1):
        here = halvings == halving
        if here.any():
            cut[here] = crops(image, boxes[here] / np.float32(2**halving), size)
        if halving < halvings.max():
            half = max(1, image.shape[1] // 2), max(1, image.shape[0] // 2)
            image = cast(Image, cv2.resize(image, half, interpolation=cv2.INTER_AREA))
    return cut
