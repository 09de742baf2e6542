"""Pass 2 over the rows of a session: tracks of faces, the student of each track, and why there may be none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from engine.arrays import inside_squares, unpack_described
from engine.faces import Faces
from engine.sessions.records import read_faces_and_descriptors, read_views
from engine.sessions.students import PICTURE, STUDENT, are_students, label_of
from engine.settings import TRACKED_BY, Settings
from storage import queries
from storage.aggregates import is_aggregate
from storage.forgetting import delete_faces
from storage.shots import write_shots
from storage.store import Store
from storage.warnings import write_warning_of
from tracking.confirmation import faces_needed, sampling_interval
from tracking.corrections import Corrected
from tracking.displacement import measure_displacement
from tracking.identity import certainty, faces_of_students
from tracking.path import CameraPath
from tracking.seats import areas
from tracking.shots import Shots
from tracking.sort import track as track_faces
from tracking.static import static_faces
from tracking.tracks import tracks_table
from tracking.views import Views, students_of_views

#: Under this height, px, faces are found now and then, but rarely in several frames in a row.
SMALL = 24.0
#: From this blockiness on, most faces are lost. Recordings as cameras make them have 1.0 to 1.1, photographs up to
#: 1.5, copies at a bit rate at which no face is found 1.5 and more; docs/measured.md has the table.
TOO_BLOCKY = 1.5
#: Share of displaced faces from which, and fewest of them with which, the rate is too low for how people move: in a
#: class it is 0 to 0.02, also at one frame a second and in a drawn one, of people who walk past 0.2 at 5.
TOO_FAST, FEWEST_TOO_FAST = 0.1, 5

Columns = dict[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Rows:
    """The columns of a session's m frames and n faces that tracking reads, in order of (pts, face)."""

    frame_pts: Ints
    frame_times: Floats
    """(m,) s."""
    shots: Shots
    """Of the m frames."""
    views: Views
    path: CameraPath
    """Through the m frames."""
    faces: Faces
    """With boxes_xyxy, score, landmarks, scorable, time, and the stored track."""
    frame: Ints
    """(n,) index of each face's frame."""
    boxes: Floats
    """(n, 4) px of its frame."""
    boxes_in_first: Floats
    """(n, 4) px of the first frame, as if the camera had not moved."""
    appearance: npt.NDArray[np.uint8]
    """(s, d) of the faces that have a descriptor; rows of zeros for all others would take most of the memory."""
    described: npt.NDArray[np.bool_]
    """(n,) whether a face has a descriptor."""

    @classmethod
    def read(cls, store: Store, session_id: int) -> Rows:
        """The rows of session `session_id`."""
        frames = queries.frame_columns(store, session_id)
        names = ("face", "boxes_xyxy", "score", "landmarks", "scorable", "track")
        faces, blobs = read_faces_and_descriptors(store, session_id, names)
        described = np.array([blob is not None for blob in blobs], np.bool_)
        appearance = unpack_described(blobs[described])
        del blobs
        frame = np.searchsorted(frames["pts"], faces.pts)
        faces = faces.having(time=frames["time"][frame])
        boxes = faces.exact("boxes_xyxy")
        shots, views = read_views(store, session_id, frames, faces)
        return cls(
            frame_pts=frames["pts"],
            frame_times=frames["time"],
            shots=shots,
            views=views,
            path=views.path,
            faces=faces,
            frame=frame,
            boxes=boxes,
            boxes_in_first=views.path.boxes_in_first(boxes, frame),
            appearance=appearance,
            described=described,
        )

    @property
    def view(self) -> Ints:
        """(m,) the view of each frame."""
        return self.views.of_shot[self.shots.of_frame]

    def shot_columns(self, duration: float) -> Columns:
        """The columns of the table `shots`, of a session of so many seconds."""
        start = self.frame_times[self.shots.start] if len(self.frame_times) else np.zeros(0)
        return {"start": start, "stop": np.append(start, duration)[1:], "view": self.views.of_shot[: len(start)]}


def track_session(store: Store, session_id: int, settings: Settings) -> None:
    """Assign a track to every face of session `session_id`, and a student to every track."""
    rows = _without_excluded(store, session_id, Rows.read(store, session_id))
    options = {name: getattr(settings, name) for name in TRACKED_BY}
    options["sure_score"] = min(settings.thresholds[2], settings.birth_score)
    if len(rows.frame_times) > 1:  # however seldom frames were sampled, a face may be missed in one
        options["max_age"] = max(settings.max_age, 2.5 * float(np.median(np.diff(rows.frame_times))))
    score = rows.faces.exact("score")
    track = np.full(len(score), -1)
    clear = ~rows.shots.fading[rows.frame]  # in a fade, faces of two pictures are one
    track[clear] = track_faces(
        rows.frame_times,
        rows.frame[clear],
        rows.boxes[clear],
        score[clear],
        motion=rows.path.steps,
        breaks=np.flatnonzero(rows.shots.breaks),
        **options,
    )
    table = tracks_table(
        rows.frame_times,
        rows.frame,
        rows.boxes_in_first,
        track,
        score,
        descriptors=rows.appearance,
        described=rows.described,
    )
    shot_of_track = np.empty(len(table), np.int64)
    shot_of_track[track[track >= 0]] = rows.shots.of_frame[rows.frame[track >= 0]]
    students = students_of_views(table, shot_of_track, rows.views.of_shot, np.bincount(rows.view))
    # Where two tracks of a student share a frame, the face that is not the student's is in no track.
    doubled = (faces_of_students(rows.frame, track, students.student) < 0) & (
        np.append(students.student, -1)[track] >= 0
    )
    track[doubled] = -1
    link_score = np.full(len(table), np.nan)
    link_score[students.link_from] = certainty(students.link_score)
    tracked = Corrected(track, students.student, np.arange(len(table)))
    track_columns, student_columns = columns_of(rows, tracked, students.student, link_score, {}, {})
    with store.writing(session_id):
        store.write_tracking(
            session_id,
            pts=rows.faces.pts,
            face=rows.faces.face,
            track=track,
            track_columns=track_columns,
            student_columns=student_columns,
        )
        write_path(store, session_id, rows)
        write_warning_of(store, session_id, "low_rate", _low_rate(rows, settings))


def _low_rate(rows: Rows, settings: Settings) -> str | None:
    """One line where faces move too far from one sampled frame to the next, and frames could be nearer."""
    if settings.sample_rate is None or not len(rows.frame_times):
        return None
    sure = rows.faces.exact("score") >= settings.birth_score
    steps = np.where(rows.shots.breaks[:, None, None], np.nan, rows.path.steps)
    found = measure_displacement(
        rows.frame_times, rows.frame[sure], rows.boxes[sure], steps, iou_threshold=settings.iou_threshold
    )
    if found.share < TOO_FAST or found.displaced < FEWEST_TOO_FAST:
        return None
    return (
        f"{settings.sample_rate:g} frames a second are too few for how people move: {found.share:.0%} of the faces "
        f"are too far from where they were a frame before, and may be several students, or none; "
        f"use --sample-rate {max(np.ceil(found.least_rate), 2 * settings.sample_rate, 5):.0f}, or all"
    )


def write_path(store: Store, session_id: int, rows: Rows) -> None:
    """Store the path of the camera through a session, and its shots."""
    with store.writing(session_id):
        store.write_path(session_id, {"pts": rows.frame_pts, **rows.path.columns()})
        write_shots(store, session_id, rows.shot_columns(store.session(session_id)["duration"]))


def _without_excluded(store: Store, session_id: int, rows: Rows) -> Rows:
    """The rows without faces on an excluded seat, which are deleted.

    Detection drops faces in the squares as they lie in the first frame, since no segment knows the camera's motion
    before it. Where the camera moved, the excluded seats are located by its path.
    """
    squares = queries.excluded(store, session_id)[["x", "y", "size"]].itertuples(index=False, name=None)
    excluded = inside_squares(rows.boxes_in_first, squares)
    if not excluded.any():
        return rows
    # The path first: these faces contributed to its estimate.
    write_path(store, session_id, rows)
    delete_faces(store, session_id, rows.faces.pts[excluded], rows.faces.face[excluded])
    return Rows.read(store, session_id)


def columns_of(
    rows: Rows,
    corrected: Corrected,
    tracked_student: Ints,
    link_score: Floats,
    persons: dict[int, int],
    roles: dict[int, str],
) -> tuple[Columns, Columns]:
    """The columns of the tables `tracks` and `students`.

    `tracked_student` is the student and `link_score` the score (NaN: none) of each track before any correction;
    `persons` are the numbers in the table `people` of the students that have a name, `roles` what a person gave.
    """
    faces = pd.DataFrame(
        {"track": corrected.track, "student": corrected.student_of_face(), "time": rows.faces.time}
    )
    in_track = faces[faces["track"] >= 0].groupby("track")["time"].agg(["min", "max", "size"])
    numbers = in_track.index.to_numpy(np.int64)
    part_of = corrected.part_of[numbers]
    unsplit = part_of == numbers
    tracks: Columns = {
        "track": numbers,
        "student": corrected.student[numbers],
        "first": in_track["min"].to_numpy(),
        "last": in_track["max"].to_numpy(),
        "faces": in_track["size"].to_numpy(),
        "link_score": np.where(unsplit, link_score[part_of], np.nan),
        "static": _static(rows, corrected.track)[numbers],
        "found": tracked_student[part_of],
        "part_of": part_of,
    }
    return tracks, _student_columns(rows, faces, pd.DataFrame(tracks), persons, roles)


def _student_columns(
    rows: Rows, faces: pd.DataFrame, tracks: pd.DataFrame, persons: dict[int, int], roles: dict[int, str]
) -> Columns:
    spans = faces[faces["student"] >= 0].groupby("student")["time"].agg(["min", "max", "size"])
    scorable = (
        faces[(faces["student"] >= 0) & rows.faces.scorable].groupby("student")["time"].agg(["size", "nunique"])
    )
    scorable = scorable.reindex(spans.index).fillna(0)
    numbers = spans.index.to_numpy(np.int64)
    labels = np.empty(len(numbers), object)
    labels[:] = [label_of(number) for number in numbers.tolist()]
    tracks = tracks[tracks["student"] >= 0].sort_values(["first", "track"])
    links = tracks[tracks.duplicated("student")]
    # A student's faces as one track, whose median place is the seat.
    dense = np.where(faces["student"] >= 0, np.searchsorted(numbers, faces["student"]), -1)
    seats = tracks_table(rows.frame_times, rows.frame, rows.boxes_in_first, dense)
    static = _static(rows, dense)
    role = np.empty(len(numbers), object)
    role[:] = [
        roles.get(number, PICTURE if is_static else STUDENT)
        for number, is_static in zip(numbers.tolist(), static.tolist(), strict=True)
    ]
    return {
        "student": numbers,
        "label": labels,
        "person": np.array([persons.get(number, -1) for number in numbers.tolist()], np.int64),
        "first": spans["min"].to_numpy(),
        "last": spans["max"].to_numpy(),
        "tracks": tracks.groupby("student").size().reindex(spans.index).to_numpy(),
        "faces": spans["size"].to_numpy(),
        "scorable": scorable["size"].to_numpy(np.int64),
        "coverage": scorable["nunique"].to_numpy() / max(len(rows.frame_times), 1),
        "weakest_link": links.groupby("student")["link_score"].min().reindex(spans.index).to_numpy(),
        "static": static,
        "x": seats.place[:, 0],
        "y": seats.place[:, 1],
        "size": seats.place[:, 2],
        "spread": seats.deviation,
        "area": areas(seats.place, counted=role == STUDENT),
        "role": role,
    }


def _static(rows: Rows, owner: Ints) -> npt.NDArray[np.bool_]:
    return static_faces(
        rows.frame_times, rows.frame, rows.boxes, rows.faces.landmarks, owner, path=rows.path.to_first
    )


def session_blockiness(store: Store, session_id: int) -> float:
    """Median of a session's sampled frames (see `engine.vision.layout.blockiness`); NaN where unknown."""
    measured = queries.frame_columns(store, session_id)["blockiness"]
    known: npt.NDArray[np.float64] = measured[np.isfinite(measured)]
    return float(np.median(known)) if len(known) else float("nan")


def why_no_students(store: Store, session_id: int) -> str | None:
    """One line on why tracking found no student in a finished session, and what to do; None where it found some."""
    session = store.session(session_id)
    students = queries.students(store, session_id)
    frames = queries.frame_columns(store, session_id)["faces"]
    if session["state"] != "done" or are_students(students).any():
        return None
    if is_aggregate(store, session_id) and frames.any():
        return None  # of faces only their number is stored
    reason = _reason(store, session_id, Settings.from_json(session["settings"]), frames, students)
    blocky = session_blockiness(store, session_id)
    if blocky >= TOO_BLOCKY:
        reason += f"; the picture is too compressed (blockiness {blocky:.1f}): analyse the camera's own recording"
    return f"No students: {reason}"


def _reason(
    store: Store, session_id: int, settings: Settings, frames: npt.NDArray[np.int64], others: pd.DataFrame
) -> str:
    rate = "all frames" if settings.sample_rate is None else f"{settings.sample_rate:g} frames a second"
    needed = faces_needed(settings.min_hits, sampling_interval(queries.frame_columns(store, session_id)["time"]))
    if len(frames) < needed:
        analysed = "1 frame was" if len(frames) == 1 else f"{len(frames)} frames were"
        return (
            f"only {analysed} analysed ({rate}), and a track needs {needed}; "
            "use a higher --sample-rate, or a lower --min-hits"
        )
    if not frames.any():
        return (
            f"no face was detected in {len(frames)} frames; faces under {settings.min_face:g} px are not looked "
            "for: try a lower --min-face, or --scan full"
        )
    if others["static"].all() and len(others):
        return f"all that was tracked does not move, as posters and screens ({len(others)}) do not"
    if len(others):
        return f"all that was tracked has another role ({len(others)}); `classpulse role` changes it"
    boxes = queries.face_columns(store, session_id, ("y1", "y2"))
    largest = float((boxes["y2"] - boxes["y1"]).max())
    found = f"{int(frames.sum())} faces were detected, the largest {largest:.0f} px high"
    if largest < SMALL:
        return f"{found}, too small for a track; record closer or in a higher resolution"
    return (
        f"{found}, but none in {needed} consecutive frames ({rate}); use a higher --sample-rate, or a "
        "lower --min-hits"
    )
