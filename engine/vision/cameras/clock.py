"""When a camera's pictures were taken: its own timestamps, which are even, by this machine's clock."""

from __future__ import annotations

import math
from collections import deque

#: A picture cannot be from the future, and networks and decoders keep one back no longer than this, s.
AHEAD, BEHIND = 2.0, 10.0
#: Pictures in a row whose time fits nothing before the camera's clock counts as set; fewer are passed over.
SET_BY = 3
#: Pictures among which the fastest tells how far the clocks are apart, and the share of that which each corrects.
FASTEST_OF, CORRECTED = 250, 0.02


class CameraClock:
    """The times of the pictures of one connection, s of the clock by which `arrived` is told.

    The picture that arrives soonest after the camera's own time tells how far the two clocks are apart, and all
    others are as far from it as the camera says: what a network delays was not taken later. A camera's clock that
    is a little slow is followed by and by. Where it is set, or begins anew, pictures go on from their arrival.
    """

    def __init__(self) -> None:
        self.jumps = 0
        """How often the camera's clock jumped."""
        self._offset = math.nan
        self._strays = 0
        self._delays: deque[float] = deque(maxlen=FASTEST_OF)

    def time_of(self, stamp: float, arrived: float) -> float | None:
        """When the picture with the camera's time `stamp`, s, was taken; None where that stamp fits nothing."""
        if math.isnan(self._offset):
            self._offset = arrived - stamp
        delay = arrived - (self._offset + stamp)
        if not -AHEAD <= delay <= BEHIND:
            self._strays += 1
            if self._strays < SET_BY:
                return None
            self.jumps += 1
            self._offset, delay = arrived - stamp, 0.0
            self._delays.clear()
        self._strays = 0
        if delay < 0:  # the pictures before were late
            self._offset, delay = arrived - stamp, 0.0
        self._delays.append(delay)
        if len(self._delays) == FASTEST_OF:
            self._offset += CORRECTED * min(self._delays)
        return self._offset + stamp
