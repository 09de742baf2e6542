"""What is judged as one: windows of equal length, or intervals that a person marked or coded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Window edges are met within this share of a window, since 3 * 0.1 is not 0.3 in floating point.
_EDGE = 1e-9


@dataclass(frozen=True, eq=False)
class Windows:
    """k half-open intervals [start, stop) of session time, s, in order of time and without overlap."""

    start: Array
    """(k,)"""
    stop: Array
    """(k,)"""
    length: float | None = None
    """s, where all begin at its multiples; None for intervals of any length."""

    def __len__(self) -> int:
        return len(self.start)

    def of(self, times: Array) -> Ints:
        """The window of each time (n,): 0 to k - 1, or -1 for none."""
        if self.length is not None:
            return np.floor(times / self.length + _EDGE).astype(np.int64)
        place = np.searchsorted(self.start, times, side="right") - 1
        return np.where((place >= 0) & (times < np.append(self.stop, np.inf)[place]), place, -1)


def windows_of(frame_times: Array, length: float, duration: float) -> Windows:
    """The windows [k * length, (k + 1) * length), the last one ending with the session."""
    last = int(np.floor(frame_times.max(initial=-1) / length + _EDGE))
    # Containers misstate their duration; no frame is left out for it.
    count = max(int(np.ceil(duration / length - _EDGE)), last + 1)
    end = max(duration, float(frame_times.max(initial=0)))
    start = np.arange(count, dtype=np.float64) * length
    return Windows(start, np.minimum(np.arange(1, count + 1) * length, end), length)
