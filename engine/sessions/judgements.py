"""Pass 3 over the rows of a session in a database: what the faces of its students mean, judged in many ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.faces import FER, score_columns
from engine.settings import Settings
from engine.verdicts.attention import Heads, Signals
from engine.verdicts.judging import judge as judge_faces
from engine.verdicts.windows import Spans, windows_of
from storage import queries
from storage.phases import write_phases
from storage.store import Store

Columns = dict[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Evidence:
    """What judging needs of a session's m frames and n faces; read once, it can be judged in many ways."""

    frame_times: Floats
    """(m,) s."""
    time: Floats
    """(n,) s, of each face's frame."""
    student: Ints
    """(n,) -1 for nobody, and for a static face."""
    emotions: Floats
    """(n, 7)"""
    quality: Floats
    scorable: npt.NDArray[np.bool_]
    signals: Signals
    """Of the students' faces."""
    duration: float

    @classmethod
    def read(cls, store: Store, session_id: int) -> Evidence:
        """That of session `session_id`."""
        session = store.session(session_id)
        frames = queries.frame_columns(store, session_id)
        names = (
            "pts",
            "time",
            "student",
            "x1",
            "y1",
            "x2",
            "y2",
            "yaw",
            "pitch",
            *score_columns(FER),
            "quality",
            "scorable",
        )
        faces = queries.face_columns(store, session_id, names)
        students = queries.students(store, session_id)
        posters = students["student"][students["static"]]
        student = np.where(np.isin(faces["student"], posters), -1, faces["student"])
        return cls(
            frame_times=frames["time"],
            time=faces["time"],
            student=student,
            emotions=np.stack([faces.pop(name) for name in score_columns(FER)], axis=1),
            quality=faces["quality"],
            scorable=faces["scorable"],
            signals=_signals(frames, faces, student, Settings.from_json(session["settings"]).scorable_size),
            duration=session["duration"],
        )

    def judged(self, settings: Settings, parts: Spans | None = None) -> tuple[Columns, Columns]:
        """The columns of its student windows and of its class windows, or `parts`; nothing is stored."""
        return judge_faces(
            self.frame_times,
            self.time,
            self.student,
            self.emotions,
            self.quality,
            self.scorable,
            settings=settings,
            duration=self.duration,
            signals=self.signals,
            parts=parts,
        )

    def attention(self, settings: Settings, parts: Spans | None = None) -> Columns:
        """The columns of its attention windows, or `parts`, whatever it is judged by."""
        names = np.unique(self.student[self.student >= 0])
        spans = windows_of(self.frame_times, settings.window, self.duration) if parts is None else parts
        return {
            "window": np.repeat(np.arange(len(spans)), len(names)),
            "student": np.tile(names, len(spans)),
            **self.signals.windows(spans, self.frame_times, len(names)),
        }


def _signals(frames: Columns, faces: Columns, student: Ints, smallest: float) -> Signals:
    """What the faces of students show beside emotions, if they are large enough."""
    mine = student >= 0
    heads = Heads.of(
        np.stack([faces[edge][mine] for edge in ("x1", "y1", "x2", "y2")], axis=1),
        faces["yaw"][mine],
        faces["pitch"][mine],
        np.searchsorted(frames["pts"], faces["pts"][mine]),
        np.stack([frames[f"camera_{name}"] for name in "abxy"], axis=1),
    )
    index = np.unique(student[mine], return_inverse=True)[1]
    return Signals.of(heads, index, faces["time"][mine], frames["time"], smallest)


def judge(
    store: Store, session_id: int, settings: Settings, name: str | None = None, created: str | None = None
) -> None:
    """Pass 3: a judgement of the stored students, save for the static ones; made at `created`, by default now.

    Without a `name` it is called after its strategy and window, and whatever else is not as it is by default.
    """
    evidence = Evidence.read(store, session_id)
    student_windows, class_windows = evidence.judged(settings)
    judgement = store.write_judgement(
        session_id,
        name or name_of(settings),
        settings.strategy,
        settings.to_json(),
        student_windows,
        class_windows,
        created,
        evidence.attention(settings),
    )
    _judge_phases(store, session_id, {judgement: settings}, evidence)


def judge_phases(store: Store, session_id: int) -> None:
    """Judge the marked parts of session `session_id` with every judgement there is, in place of what was before."""
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
    evidence = evidence or Evidence.read(store, session_id)
    start, stop = phases["start"].to_numpy(np.float64), phases["stop"].to_numpy(np.float64)
    stop = np.where(np.isnan(stop), np.append(start[1:], evidence.duration), stop)
    parts, mark = Spans(start, stop), phases["phase"].to_numpy(np.int64)
    for judgement, settings in judgements.items():
        students, whole = evidence.judged(settings, parts)
        signals = evidence.attention(settings, parts)
        students |= {name: signals[name] for name in ("visible", "facing", "movement")}
        students["phase"], whole["phase"] = mark[students.pop("window")], mark[whole.pop("window")]
        write_phases(store, judgement, students, whole)


def name_of(settings: Settings) -> str:
    """`weighted, 10 s, band 0.3`: two judgements of one session with different settings have different names."""
    usual, now = vars(Settings()), vars(settings)
    numbers = [name for name in ("band", "min_faces", "min_coverage") if now[name] != usual[name]]
    others = [f"{name.replace('_', ' ')} {now[name]:g}" for name in numbers]
    others += ["no baseline"] * (not settings.baseline)
    return ", ".join([settings.strategy, f"{settings.window:g} s", *others])


def settings_of(store: Store, session_id: int) -> Settings:
    """Those of the latest judgement, else those that the session was begun with."""
    judgements = queries.judgements(store, session_id)
    text = store.session(session_id)["settings"] if judgements.empty else judgements["settings"].iloc[-1]
    return Settings.from_json(text)
