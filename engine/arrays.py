"""Functions of arrays that several packages use."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


def log_ramp(x: npt.NDArray[np.floating], low: float, high: float) -> Floats:
    """0 up to `low`, 1 from `high` on, linear in log(x) between them; of the shape of `x`, any."""
    share: Floats = np.log(np.clip(x, low, high) / low) / np.float32(np.log(high / low))
    return share


def of_unit_sum(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Rows (n, 3) divided by their sums; by columns, since a sum along short rows takes several times as long."""
    total = rows[:, 0] + rows[:, 1] + rows[:, 2]
    divided: npt.NDArray[np.float64] = rows / total[:, None]
    return divided


def inside_squares(
    boxes: npt.NDArray[np.floating], squares: Iterable[tuple[float, float, float]]
) -> npt.NDArray[np.bool_]:
    """(n,) whether the middle of each of `boxes` (n, 4) lies in any of `squares`, (x, y, side); all in px."""
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    inside = np.zeros(len(boxes), np.bool_)
    for x, y, side in squares:
        inside |= (np.abs(middles - (x, y)) <= side / 2).all(axis=1)
    return inside


def pack_rows(array: npt.NDArray[Any]) -> npt.NDArray[np.object_]:
    """(n,) byte strings, one for each of n rows of any shape; float32 is little-endian."""
    rows = np.ascontiguousarray(array, "<f4" if array.dtype == np.float32 else array.dtype)
    blobs = np.empty(len(array), object)
    blobs[:] = [row.tobytes() for row in rows]
    return blobs


def unpack_landmarks(blobs: npt.NDArray[np.object_]) -> Floats:
    """(n, 5, 2) from the database's column `landmarks`: ten little-endian float32 each."""
    return np.frombuffer(b"".join(blobs.tolist()), "<f4").astype(np.float32).reshape(-1, 5, 2)


def unpack_appearance(blobs: npt.NDArray[np.object_]) -> npt.NDArray[np.uint8]:
    """(n, d) from the database's column of descriptors; rows of 0 where it is None; d is 0 if all are None."""
    described = np.array([blob is not None for blob in blobs], np.bool_)
    some = unpack_described(blobs[described])
    rows = np.zeros((len(blobs), some.shape[1]), np.uint8)
    rows[described] = some
    return rows


def unpack_described(blobs: npt.NDArray[np.object_]) -> npt.NDArray[np.uint8]:
    """(s, d) from the s values of that column that are not None; d is 0 where s is."""
    if not len(blobs):
        return np.zeros((0, 0), np.uint8)
    return np.frombuffer(b"".join(blobs.tolist()), np.uint8).reshape(len(blobs), -1)
