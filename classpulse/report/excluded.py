"""Makes faces in a picture unrecognisable: excluded students' wherever a picture is shown, or everybody's."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from classpulse.report.places import AROUND, Camera, Floats, Places, squares
from engine.sessions.records import read_path
from storage import queries
from storage.store import Store

Image = npt.NDArray[np.uint8]

#: A face is reduced to this height, px: at 5 px a detector still finds some.
FACE_PIXELS = 3


def coarsen(image: Image, boxes: Floats) -> None:
    """Reduce each of the boxes (n, 4), px, of the image until no face in it is recognisable.

    `image` (h, w, 3) is changed in place. A box is a face and what is `AROUND` it, or larger: the square of a seat.
    """
    height, width = image.shape[:2]
    cells = max(2, round(FACE_PIXELS * (1 + 2 * AROUND)))
    for box in boxes:
        x1, y1 = np.floor(box[:2]).astype(int).clip(0)
        x2, y2 = np.ceil(box[2:]).astype(int).clip(0, [width, height])
        if x2 <= x1 or y2 <= y1:
            continue
        part = image[y1:y2, x1:x2]
        few = cv2.resize(part, (min(cells, x2 - x1), min(cells, y2 - y1)), interpolation=cv2.INTER_AREA)
        part[:] = cv2.resize(few, (x2 - x1, y2 - y1), interpolation=cv2.INTER_LINEAR)


def excluded_places(store: Store, session_id: int, camera: Camera | None = None) -> Places:
    """The squares of a session's excluded students at any time; `camera` is the session's."""
    regions = queries.excluded(store, session_id)[["x", "y", "size"]].to_numpy(np.float64)
    if camera is None:
        frames = queries.frame_columns(store, session_id)
        # Without squares the path is not needed, and estimating it may take long.
        camera = Camera(frames["time"], read_path(store, session_id, frames)) if len(regions) else None
    return Places.of(iter(())) if camera is None else squares(regions, camera)
