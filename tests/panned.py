"""A lesson whose camera pans while nobody can tell how: a clip, and a session of it that was never detected."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from engine.arrays import inside_squares
from engine.faces import FER, Faces
from engine.sessions.judgements import judge
from engine.sessions.session import Session
from engine.sessions.tracking import track_session
from engine.settings import Settings
from engine.vision.sources.video import fingerprint
from storage.excluding import write_excluded
from storage.store import Store

#: Middles of four faces in the first frame, px. After S02 is excluded three are left, of which the faces tell the
#: pan; after FOURTH is, too, they are too few for that.
SEATS = {"S01": (160, 60), "S02": (320, 70), "S03": (480, 80), "S04": (480, 200)}
FOURTH = "S04"
SIZE, WIDTH, HEIGHT = 40, 640, 240
#: The background goes by PAN px in x between the two frames around PAN_AT, s; between two samples, too.
PAN, PAN_AT, DURATION = -80, 4.3, 8.0
#: Frames of the clip and samples of the session, 1/s.
RATE, SAMPLED = 10, 5
SETTINGS = Settings(sample_rate=SAMPLED, window=4)
_LANDMARKS = np.array([(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8)])


def box_of(label: str, time: float) -> tuple[int, int, int, int]:
    """Where the face of a student truly is at `time` s: x1, y1, x2, y2, px."""
    x, y = SEATS[label]
    left, top = x + (PAN if time > PAN_AT else 0) - SIZE // 2, y - SIZE // 2
    return left, top, left + SIZE, top + SIZE


def picture(time: float) -> np.ndarray:
    """(HEIGHT, WIDTH, 3) uint8: grey, and for each face a chequer of 5 px, which no blur leaves anything of."""
    image = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    chequer = np.kron(np.indices((8, 8)).sum(axis=0) % 2, np.ones((5, 5))) * 200 + 20
    for label in SEATS:
        x1, y1, x2, y2 = box_of(label, time)
        image[y1:y2, x1:x2] = chequer[:, :, None]
    return image


def contrast(image: np.ndarray, label: str, time: float) -> float:
    """How far the pixels where a face truly is differ from their mean: near 100 for a face that is shown."""
    x1, y1, x2, y2 = box_of(label, time)
    return float(image[y1:y2, x1:x2].astype(float).std(axis=(0, 1)).max())


def write_clip(path: Path) -> Path:
    """The lesson as a clip."""
    with av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=RATE, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(int(DURATION * RATE)):
            frame = av.VideoFrame.from_ndarray(picture(number / RATE), format="rgb24")
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return path


def write_panned(folder: Path, excluded: tuple[float, float, float] | None = None) -> Session:
    """The session of the clip, tracked and judged: of the pan it knows only that it could not be measured.

    `excluded` is a square that was excluded from the start: detection dropped the faces in it, wherever the camera
    looked.
    """
    clip = write_clip(folder / "panned.mp4")
    step = RATE // SAMPLED
    times = np.arange(0, int(DURATION * RATE), step) / RATE
    boxes = np.array([[box_of(label, time) for label in SEATS] for time in times], np.float64)
    n, k = len(times) * len(SEATS), len(SEATS)
    ones = np.ones(n, np.float32)
    flat = boxes.reshape(-1, 4)
    faces = Faces(
        pts=np.repeat(np.arange(len(times)), k),
        face=np.tile(np.arange(k), len(times)),
        boxes_xyxy=flat.astype(np.float32),
        score=ones,
        landmarks=(flat[:, None, :2] + _LANDMARKS * SIZE + _sway(n)).astype(np.float32),
        scores=np.random.default_rng(1).dirichlet(np.ones(len(FER)), n).astype(np.float32),
        sharpness=ones,
        yaw=0 * ones,
        pitch=0 * ones,
        roll=0 * ones,
        quality=ones,
        scorable=np.ones(n, np.bool_),
        appearance=np.zeros((n, 0), np.uint8),
    )
    if excluded:
        faces = faces.take(~inside_squares(faces.boxes_xyxy, [excluded]))
    known = np.ones(len(times))
    known[0] = known[np.searchsorted(times, PAN_AT)] = np.nan
    camera = {"camera_a": known, "camera_b": 0 * known, "camera_x": 0 * known, "camera_y": 0 * known}
    database = folder / "classpulse.db"
    with Store.open(database) as store:
        session_id = store.add_session(
            name="panned",
            source=clip,
            sha256=fingerprint(clip),
            settings=SETTINGS.to_json(),
            version="",
            models="{}",
            time_base=Fraction(1, SAMPLED),
            start_pts=0,
            width=WIDTH,
            height=HEIGHT,
            classes=FER.rows(),
        )
        sampled = {"pts": np.arange(len(times)), "time": times, **camera}
        store.write_segment(session_id, 0, sampled, faces.columns())
        write_excluded(store, session_id, [excluded] if excluded else [])
        store.finish_detection(session_id, DURATION)
        track_session(store, session_id, SETTINGS)
        judge(store, session_id, SETTINGS)
    return Session(database, session_id)


def _sway(n: int) -> np.ndarray:
    """(n, 1, 2) so that nobody is taken for a poster."""
    return np.random.default_rng(0).normal(0, 0.1 * SIZE, (n, 1, 2))
