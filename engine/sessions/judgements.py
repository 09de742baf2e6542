"""Pass 3 over the rows of a session in a database: verdicts on its students and class, by any strategy."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from engine.faces import Faces
from engine.sessions.records import read_classes, read_faces, read_path
from engine.sessions.students import are_students
from engine.settings import Settings
from engine.verdicts import comparing
from engine.verdicts.categories.judging import class_shares
from engine.verdicts.categories.scales import scale_of
from engine.verdicts.cues import ORIENTED, BehaviouralCues, HeadPoses
from engine.verdicts.evidence import Evidence, ScoredFaces
from engine.verdicts.judging import judge as judge_evidence
from engine.verdicts.reasons import flaws
from engine.verdicts.scale import BALANCE, Scale
from engine.verdicts.windows import Windows
from storage import queries
from storage.phases import write_phases
from storage.store import Store
from tracking.path import CameraPath

Columns = dict[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def read_evidence(store: Store, session_id: int) -> Evidence:
    """The evidence of session `session_id` that judging reads."""
    session = store.session(session_id)
    frames = queries.frame_columns(store, session_id)
    names = (
        "time",
        "student",
        "boxes_xyxy",
        "yaw",
        "pitch",
        "scores",
        "quality",
        "scorable",
        "loglik",
        "conditions",
    )
    faces = read_faces(store, session_id, names)
    students = queries.students(store, session_id)
    others = students["student"][~are_students(students)]
    faces = faces.having(student=np.where(np.isin(faces.student, others), -1, faces.student))
    smallest = Settings.from_json(session["settings"]).scorable_size
    path = read_path(store, session_id, frames, faces)
    return evidence_of(frames, faces, path, session["duration"], smallest)


def evidence_of(frames: Columns, faces: Faces, path: CameraPath, duration: float, smallest: float) -> Evidence:
    """The evidence of `frames` and their `faces`, which have a student (-1 for none), from pixels `smallest` on."""
    scored = ScoredFaces(
        time=faces.time,
        student=faces.student,
        scores=faces.exact("scores"),
        quality=faces.exact("quality"),
        scorable=faces.scorable,
        classes=faces.classes,
        loglik=faces.exact("loglik"),
        flaw=_flaws(faces, smallest),
        conditions=faces.conditions,
    )
    return Evidence(frames["time"], scored, duration, _cues(frames, path, faces))


def _flaws(faces: Faces, smallest: float) -> Ints:
    """What keeps each face from counting."""
    boxes, scorable = faces.boxes_xyxy, faces.scorable
    side = np.minimum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    return flaws(side, faces.yaw, faces.pitch, faces.quality, scorable, smallest)


def _cues(frames: Columns, path: CameraPath, faces: Faces) -> BehaviouralCues:
    """The behavioural cues of the students' faces."""
    faces = faces.take(faces.student >= 0)
    poses = HeadPoses.of(
        faces.exact("boxes_xyxy"),
        faces.exact("yaw"),
        faces.exact("pitch"),
        np.searchsorted(frames["pts"], faces.pts),
        to_first=path.to_first,
        section=path.section,
    )
    index = np.unique(faces.student, return_inverse=True)[1]
    return BehaviouralCues.of(poses, index, faces.time, frames["time"], ORIENTED)


def judge(
    store: Store, session_id: int, settings: Settings, name: str | None = None, created: str | None = None
) -> None:
    """Pass 3: a judgement of those whose role is student; made at `created`, by default now.

    Without a `name` it is called after its strategy, its window and every non-default setting. Raises UsageError
    for an unknown strategy, or one whose evidence this session lacks.
    """
    evidence = read_evidence(store, session_id)
    student_windows, class_windows = judge_evidence(evidence, settings)
    judgement = store.write_judgement(
        session_id,
        name or name_of(settings),
        settings.strategy,
        settings.to_json(),
        student_windows,
        class_windows,
        created,
        evidence.cue_windows(evidence.windows(settings.window)),
        class_shares(evidence, settings, evidence.windows(settings.window)),
    )
    _judge_phases(store, session_id, {judgement: settings}, evidence)


def judge_phases(store: Store, session_id: int) -> None:
    """Judge the phases of session `session_id` with every stored judgement, in place of the former rows."""
    rows = queries.judgements(store, session_id)[["judgement_id", "settings"]].itertuples(index=False)
    _judge_phases(store, session_id, {judgement: Settings.from_json(text) for judgement, text in rows})


def _judge_phases(
    store: Store, session_id: int, judgements: dict[int, Settings], evidence: Evidence | None = None
) -> None:
    phases = queries.phases(store, session_id)
    if phases.empty:
        for judgement in judgements:
            write_phases(store, judgement, {}, {})
        return
    evidence = evidence or read_evidence(store, session_id)
    start, stop = phases["start"].to_numpy(np.float64), phases["stop"].to_numpy(np.float64)
    stop = np.where(np.isnan(stop), np.append(start[1:], evidence.duration), stop)
    windows, phase = Windows(start, stop), phases["phase"].to_numpy(np.int64)
    for judgement, settings in judgements.items():
        student_phases, class_phases = judge_evidence(evidence, settings, windows)
        cues = evidence.cue_windows(windows)
        student_phases |= {name: cues[name] for name in ("visible", "facing", "movement")}
        student_phases["phase"], class_phases["phase"] = (
            phase[student_phases.pop("window")],
            phase[class_phases.pop("window")],
        )
        write_phases(store, judgement, student_phases, class_phases)


def name_of(settings: Settings) -> str:
    """`weighted, 10 s, band 0.3`: two judgements of one session with different settings have different names."""
    defaults, values = vars(Settings()), vars(settings)
    numbers = [
        name
        for name in ("band", "min_faces", "min_coverage", "sure", "min_students")
        if values[name] != defaults[name]
    ]
    changed = [f"{name.replace('_', ' ')} {values[name]:g}" for name in numbers]
    changed += ["no baseline"] * (not settings.baseline)
    return ", ".join([settings.strategy, f"{settings.window:g} s", *changed])


def settings_of(store: Store, session_id: int) -> Settings:
    """The settings of the latest judgement, else those that the session was begun with."""
    judgements = queries.judgements(store, session_id)
    text = store.session(session_id)["settings"] if judgements.empty else judgements["settings"].iloc[-1]
    return Settings.from_json(text)


def scale_of_session(store: Store, session_id: int, strategy: str) -> Scale:
    """What the windows of a judgement by `strategy` may be found to be."""
    return scale_of(read_classes(store, session_id), strategy)


class Comparison(NamedTuple):
    """Judgements of one session side by side: tables whose columns engine/verdicts/comparing.py explains."""

    verdicts: pd.DataFrame
    agreement: pd.DataFrame
    differing: pd.DataFrame
    scale: Scale = BALANCE
    """What the windows may be, in the order of the columns of `verdicts`."""


def compare_judgements(store: Store, session_id: int, judgements: pd.DataFrame) -> Comparison:
    """Compare `judgements` of a session, rows of `queries.judgements` with `name` and `settings`, by number."""
    scales = [scale_of_session(store, session_id, strategy) for strategy in judgements["strategy"].unique()]
    kinds = dict.fromkeys(kind for scale in scales for kind in scale.kinds)
    scale = Scale(tuple(kinds), polar=all(scale.polar for scale in scales))
    compared = comparing.compare(
        {
            str(row["name"]): comparing.Judged(
                Settings.from_json(row["settings"]).window,
                _verdicts(queries.student_windows(store, judgement), scale),
                _verdicts(queries.class_windows(store, judgement).assign(label=comparing.CLASS), scale),
            )
            for judgement, row in zip(judgements.index.tolist(), judgements.to_dict("records"), strict=True)
        },
        scale,
    )
    pair = ["judgement_a", "judgement_b"]
    return Comparison(
        pd.DataFrame(compared.verdicts),
        pd.DataFrame(compared.agreement, columns=[*pair, "of", "windows", "agreement", "judged", "kappa"]),
        pd.DataFrame(compared.differing, columns=[*pair, "start", "stop", "differ", "opposite", "students"]),
        scale,
    )


def _verdicts(windows: pd.DataFrame, scale: Scale) -> comparing.Verdicts:
    """Rows of windows as arrays."""
    return comparing.Verdicts(
        label=np.array(windows["label"].tolist(), np.str_),
        window=windows["window"].to_numpy(np.int64),
        start=windows["start"].to_numpy(np.float64),
        stop=windows["stop"].to_numpy(np.float64),
        verdict=np.array([scale.class_verdicts.index(name) for name in windows["verdict"]], np.int64),
    )
