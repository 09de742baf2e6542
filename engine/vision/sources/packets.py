"""Which packets of a video need not be decoded, since no sample needs their frames."""

from __future__ import annotations

import math
from fractions import Fraction


class SkippablePackets:
    """The frames that no sample needs: all but the first of each bucket.

    `buckets` is the number of buckets a tick. Whether the frame to be sampled did decode is checked afterwards: in
    damaged footage, a skipped frame may have been the first of its bucket that decodes.
    """

    def __init__(self, buckets: Fraction) -> None:
        self._buckets = buckets
        self._first: dict[int, int] = {}
        """Ticks of the first packet of each bucket so far."""

    def skips(self, ticks: int) -> bool:
        """Whether the frame of the next packet, in the order of decoding, may be skipped."""
        bucket = math.floor(ticks * self._buckets)
        first = self._first.setdefault(bucket, ticks)
        if ticks < first:
            self._first[bucket] = ticks
        return ticks > first

    def first_missed(self, last_bucket: int, bucket: int | None = None, ticks: int | None = None) -> int | None:
        """The first bucket after `last_bucket` whose first frame did not decode, when `bucket` begins with `ticks`.

        Without a `bucket`, at the end of the footage.
        """
        passed = [each for each in self._first if bucket is None or each < bucket]
        missed = [each for each in passed if each > last_bucket]
        if bucket is not None and self._first.get(bucket) != ticks:
            missed.append(bucket)
        for each in passed:
            del self._first[each]
        return min(missed, default=None)
