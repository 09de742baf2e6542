"""Shots: where a recording goes over to another picture, at once or in a fade, told from numbers of its frames.

A boundary needs two signs: the frame before and the camera's motion do not explain the picture, and the layouts on
both sides have nothing in common, not even where they are most alike. So a flash, a bump and somebody who walks
past the lens are none, since the view comes back; lights and exposure are none, since a layout counts edges, not
light; and a pan is none, since the camera's motion explains it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from tracking.camera import IDENTITY, scale_of

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

#: Seconds on either side of a boundary of which all pairs of frames are compared: longer than a flash or a bump.
AROUND = 0.6
#: Unexplained share from which, and similarity of layouts below which, two successive frames are a hard cut; the
#: similarity where more than QUICK seconds lie between them, in which somebody near the lens changes it, too.
CUT_SHARE, CUT_SIMILARITY, SLOW_SIMILARITY, QUICK = 0.7, 0.75, 0.58, 0.3
#: Longest fade, s, from the last frame before it to the first one after it; the similarity of the two sides below
#: which it is one, and the least sum of its unexplained shares.
FADE, FADE_SIMILARITY, FADE_SHARE = 1.0, 0.55, 0.25
#: By how many widths of the picture the camera may have moved meanwhile, and the logarithm of the scale by which it
#: may have zoomed: by more, it is a pan or a zoom.
MAX_SHIFT, MAX_ZOOM = 0.15, 0.1
#: Similarity below which a frame of a fade is neither the picture before nor the one after.
MIXED = 0.95
#: Longest time, s, for which a view may be hidden, without a face in sight: somebody walks past the lens.
HIDDEN = 3.0
#: Similarity from which two layouts are one view.
SAME_VIEW = 0.75


@dataclass(frozen=True, eq=False)
class Shots:
    """The s shots of m sampled frames, at least one."""

    start: Indices
    """(s,) first frame of each, ascending from 0."""
    fading: Bools
    """(m,) whether a frame lies in a fade, where two pictures are one."""
    breaks: Bools
    """(m,) whether tracks end before a frame: at every shot, around a fade, and where the clock jumped."""

    def __len__(self) -> int:
        return len(self.start)

    @classmethod
    def one(cls, frames: int) -> Self:
        """A single shot of so many frames."""
        return cls(np.zeros(1, np.int64), np.zeros(frames, np.bool_), np.zeros(frames, np.bool_))

    @property
    def of_frame(self) -> Indices:
        """(m,) the shot of each frame."""
        return np.searchsorted(self.start, np.arange(len(self.fading)), side="right") - 1


class _Boundary(NamedTuple):
    """Between two shots: indices of frames."""

    first: int
    """Of the new shot."""
    fade: range
    """The frames in which both are shown; they may be of either."""


def find_shots(
    times: npt.ArrayLike,
    unexplained: npt.ArrayLike,
    motion: npt.ArrayLike,
    layouts: npt.ArrayLike,
    faces: npt.ArrayLike,
    *,
    size: tuple[float, float],
    jumps: Sequence[float] = (),
) -> Shots:
    """The shots of m sampled frames at `times` (m,), s, ascending.

    `unexplained` (m,) is the share of the picture that the frame before and the camera's `motion` (m, 2, 3), px,
    leave, both NaN where unknown; `layouts` (m, d) int8, all 0 for a blank picture, which counts as if it were not
    there; `faces` (m,) the number of faces; `size` the picture's width and height, px. `jumps` are the times, s, at
    which the clock of the recording jumped: tracks end there, whatever the picture does.
    """
    times, faces = np.asarray(times, np.float64), np.asarray(faces, np.int64)
    units = unit_layouts(layouts)
    frames = np.flatnonzero(units.any(axis=1))
    boundaries: list[_Boundary] = []
    if len(frames) > 1:
        share = np.nan_to_num(np.asarray(unexplained, np.float64), nan=1.0)
        shown = _Shown(
            times[frames],
            units[frames],
            np.append(1.0, np.maximum.reduceat(share[: frames[-1] + 1], frames[:-1] + 1)),
            _moved(np.asarray(motion, np.float64).reshape(-1, 2, 3), frames, np.asarray(size)),
        )
        for first, fade in shown.without_hidden(shown.boundaries(), faces[frames]):
            start, stop = (int(frames[fade[0]]), int(frames[fade[-1]]) + 1) if fade else (0, 0)
            boundaries.append(_Boundary(int(frames[first]), range(start, stop)))
    starts = np.array([0, *(first for first, _ in boundaries)], np.int64)
    fading, breaks = np.zeros((2, len(times) + 1), np.bool_)
    breaks[starts[1:]] = True
    for _, fade in boundaries:
        fading[fade.start : fade.stop] = True
        breaks[[fade.start, fade.stop] if fade else []] = True
    breaks[np.searchsorted(times, np.asarray(jumps, np.float64) - 1e-6)] = True
    return Shots(starts, fading[:-1], breaks[:-1])


def unit_layouts(layouts: npt.ArrayLike) -> Floats:
    """(m, d) float64: layouts (m, d) int8 as unit vectors, whose dot products are similarities; 0 if blank."""
    rows = np.asarray(layouts, np.float64)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    units: Floats = np.divide(rows, length, out=np.zeros_like(rows), where=length > 0)
    return units


def _moved(motion: Floats, frames: Indices, size: Floats) -> Floats:
    """(n, 3) of the camera since the frame of `frames` before; NaN: unknown.

    How far the middle of the picture moved, in widths, and the logarithm of the scale.
    """
    missing: Bools = np.any(~np.isfinite(motion), axis=(1, 2))
    known, middle = np.where(missing[:, None, None], IDENTITY, motion), size / 2
    shift = (known[:, :, :2] @ middle + known[:, :, 2] - middle) / size[0]
    total = np.cumsum(np.column_stack([shift, np.log(scale_of(known))]), axis=0)[frames]
    unknown = np.cumsum(missing)[frames]
    since: Floats = np.diff(total, axis=0, prepend=total[:1])
    since[np.diff(unknown, prepend=-1) > 0] = np.nan
    return since


@dataclass(frozen=True, eq=False)
class _Shown:
    """The n frames that are not blank, as columns."""

    times: Floats
    units: Floats
    """(n, d) unit vectors of their layouts."""
    share: Floats
    """(n,) unexplained since the frame before."""
    moved: Floats
    """(n, 3) `_moved` since the frame before."""

    def boundaries(self) -> list[_Boundary]:
        """All of them in order of time, none of which is in a fade of another."""
        cuts: list[_Boundary] = []
        least = max(AROUND, 1.5 * self._step)
        hard = self._hard_cuts()
        for cut in hard:
            if cuts and self.times[cut] - self.times[cuts[-1].first] <= least:  # the frames between are a fade's
                cuts[-1] = _Boundary(cut, range(cuts[-1].fade.start or cuts[-1].first, cut))
            else:
                cuts.append(_Boundary(cut, range(0)))
        return sorted([*cuts, *self._fades(hard)], key=lambda boundary: boundary.first)

    def without_hidden(self, boundaries: list[_Boundary], faces: Indices) -> list[_Boundary]:
        """The boundaries without those around something that hid the view, which returned; `faces` is (n,)."""
        kept: list[_Boundary] = []
        for boundary in boundaries:
            if kept:
                first, stop = kept[-1].first, boundary.first
                before = kept[-1].fade.start if kept[-1].fade else first
                after = boundary.fade.stop if boundary.fade else stop
                hidden = self.times[stop] - self.times[first] < HIDDEN and not faces[first:stop].any()
                if hidden and self._similarity(before - 1, after) >= SAME_VIEW:
                    kept.pop()
                    continue
            kept.append(boundary)
        return kept

    @property
    def _step(self) -> float:
        """Seconds from frame to frame."""
        return float(np.median(np.diff(self.times)))

    def _similarity(self, last: int, first: int) -> float:
        """Of the most similar frames up to AROUND before `last`, and after `first`, both included."""
        return float((self.units[self._before(last)] @ self.units[self._after(first)].T).max())

    def _before(self, last: int) -> slice:
        return slice(int(np.searchsorted(self.times, self.times[last] - AROUND - 1e-6)), last + 1)

    def _after(self, first: int) -> slice:
        return slice(first, int(np.searchsorted(self.times, self.times[first] + AROUND + 1e-6)))

    def _hard_cuts(self) -> list[int]:
        least = np.where(np.diff(self.times) > QUICK, SLOW_SIMILARITY, CUT_SIMILARITY)
        near = np.einsum("ij,ij->i", self.units[:-1], self.units[1:])
        candidates = np.flatnonzero((self.share[1:] >= CUT_SHARE) & (near < least)) + 1
        return [i for i in candidates.tolist() if self._similarity(i - 1, i) < least[i - 1]]

    def _fades(self, cuts: list[int]) -> list[_Boundary]:
        """Those without a hard cut in them."""
        longest = max(FADE, 2 * self._step)
        stop = np.searchsorted(self.times, self.times + longest + 1e-6, side="right") - 1
        far = np.einsum("ij,ij->i", self.units, self.units[stop])
        fades: list[_Boundary] = []
        best: tuple[float, int, int] | None = None
        for last in np.flatnonzero((far < FADE_SIMILARITY) & (stop > np.arange(len(stop)) + 1)).tolist():
            first = int(stop[last])
            if any(last < cut <= first for cut in cuts) or not self._may_fade(last, first):
                continue
            similarity = self._similarity(last, first)
            if similarity >= FADE_SIMILARITY:
                continue
            if best and last >= best[2]:
                fades.append(self._fade(*best[1:]))
                best = None
            if best is None or similarity < best[0]:
                best = similarity, last, first
        return [*fades, self._fade(*best[1:])] if best else fades

    def _may_fade(self, last: int, first: int) -> bool:
        """Whether the camera's motion does not explain what has changed from one frame to the other."""
        x, y, zoom = self.moved[last + 1 : first + 1].sum(axis=0)  # NaN if any is unknown
        explained = bool(np.hypot(x, y) > MAX_SHIFT or abs(zoom) > MAX_ZOOM)
        return not explained and self.share[last + 1 : first + 1].sum() >= FADE_SHARE

    def _fade(self, last: int, first: int) -> _Boundary:
        """The boundary in a fade: the first frame more like what comes after it than like what was before it."""
        between = self.units[last + 1 : first + 1]
        like_before = (between @ self.units[self._before(last)].T).max(axis=1)
        like_after = (between @ self.units[self._after(first)].T).max(axis=1)
        middle = int(np.argmax(like_after > like_before))
        mixed = np.flatnonzero((like_before < MIXED) & (like_after < MIXED))
        fade = range(last + 1 + int(mixed[0]), last + 2 + int(mixed[-1])) if len(mixed) else range(0)
        return _Boundary(last + 1 + middle, fade)
