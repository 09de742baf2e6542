"""A session in a database: its tables, and every operation on them that does not need the video."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from engine.errors import UsageError
from engine.sessions import corrections, fitting, phases, roster, validation
from engine.sessions.formats.reading import Recording
from engine.sessions.judgements import (
    Comparison,
    compare_judgements,
    judge,
    scale_of_session,
    settings_of,
)
from engine.sessions.students import are_students, uncertain_links
from engine.sessions.tracking import why_no_students
from engine.settings import JUDGED_BY, Settings
from engine.texts import required_text
from engine.verdicts.scale import Scale
from engine.vision.sources.file_times import FileTimes
from storage import queries
from storage.profiles import profile_settings, write_profile
from storage.store import Store
from storage.warnings import read_warnings

T = TypeVar("T")


class Session:
    """A session in a database: read as DataFrames, corrected, judged again and validated, never with its video.

    `analyze` and `find` make one; it holds no connection between two calls. Every DataFrame has the columns of the
    database (docs/sql.md), times in seconds of the session, lengths in pixels of its frames, NaN or None where
    nothing was measured. Where a method takes a `judgement`, it is the name of one, and None is the latest. Where
    it takes a student, it is a label ("S07") or a name. All raise StorageError for a database that cannot be read
    or written, and UsageError, in one line and with nothing changed, for an invalid argument.
    """

    def __init__(
        self, database: str | Path, session_id: int, *, was_done: bool = False, warnings: Sequence[str] = ()
    ) -> None:
        self.database = database
        self.session_id = session_id
        self.was_done = was_done
        """Whether `analyze` found it finished, and did nothing."""
        self._unstored = tuple(warnings)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What of the recording could not be honoured, or may mislead, one line each; all that are stored.

        That of `analyze` also has what is of this call alone: a name that was not applied.
        """
        stored = self._read(lambda store: read_warnings(store, self.session_id))
        return (*(warning.text for warning in stored), *self._unstored)

    def info(self) -> dict[str, Any]:
        """The session's row of the table `sessions`, a value by the name of every column."""
        return self._read(lambda store: store.session(self.session_id))

    def file_times(self) -> FileTimes:
        """Where the session's times are in its recording, by the recording's own clock."""
        row = self.info()
        stored = self._read(lambda store: read_warnings(store, self.session_id))
        return FileTimes.of(row["start_pts"], Fraction(row["time_base"]), stored)

    def students(self) -> pd.DataFrame:
        """A row for every student: label, name, `first` and `last` face (s), tracks, faces, coverage (0 to 1)."""
        return self._read(lambda store: queries.students(store, self.session_id))

    def tracks(self) -> pd.DataFrame:
        """A row for every track: its student, the time of its first and last face, and `link_score`, how certain it
        is that it continues the student, 0 to 1."""
        return self._read(lambda store: queries.tracks(store, self.session_id))

    def faces(self) -> pd.DataFrame:
        """A row for every face: time (s), student, box x1, y1, x2, y2 (px), a score for every class, quality."""
        return self._read(lambda store: queries.faces(store, self.session_id))

    def frames(self) -> pd.DataFrame:
        """A row for every sampled frame, in order of time (s), also those without a face."""
        return self._read(lambda store: queries.frames(store, self.session_id))

    def sources(self) -> pd.DataFrame:
        """A row for every file, in order of time, of a session that was recorded in several; else none."""
        return self._read(lambda store: queries.sources(store, self.session_id))

    def shots(self) -> pd.DataFrame:
        """A row for every shot, in order of time: shot, start, stop (s), and the view, alike where it returns."""
        return self._read(lambda store: queries.shots(store, self.session_id))

    def judgements(self) -> pd.DataFrame:
        """A row for every judgement, in the order in which they were made: name, strategy, settings (JSON)."""
        return self._read(lambda store: queries.judgements(store, self.session_id))

    def verdicts(self, judgement: str | None = None) -> pd.DataFrame:
        """A row for every student and window: verdict, balance, margin, coverage, frames, faces, scorable."""
        return self._read(lambda store: queries.student_windows(store, self._judgement(store, judgement)))

    def class_verdicts(self, judgement: str | None = None) -> pd.DataFrame:
        """A row for every window of the class: verdict, balance, margin, coverage, students by their verdict."""
        return self._read(lambda store: queries.class_windows(store, self._judgement(store, judgement)))

    def scale(self, judgement: str | None = None) -> Scale:
        """What its windows may be: the verdicts of a balance, or the names of classes without polarity."""
        return self._read(
            lambda store: scale_of_session(store, self.session_id, self._settings(store, judgement).strategy)
        )

    def phases(self) -> pd.DataFrame:
        """A row for every phase, in order: phase, start, stop (s; NaN: not given), label."""
        return self._read(lambda store: queries.phases(store, self.session_id))

    def phase_verdicts(self, judgement: str | None = None) -> pd.DataFrame:
        """A row for every student and phase, with the student's behavioural cues in it."""
        return self._read(lambda store: queries.student_phases(store, self._judgement(store, judgement)))

    def class_phase_verdicts(self, judgement: str | None = None) -> pd.DataFrame:
        """A row for every phase of the class."""
        return self._read(lambda store: queries.class_phases(store, self._judgement(store, judgement)))

    def mark(self, label: str, start: float, stop: float | None = None) -> Session:
        """Mark a phase from `start` to `stop` (s; None: to the next phase), and judge it. Returns itself.

        Every judgement, existing or later, judges the phases as well as its windows. Raises
        UsageError for a phase that does not lie in the session or overlaps another.
        """
        with Store.open(self.database, must_exist=True) as store:
            phases.mark(store, self.session_id, [phases.Mark(start, stop, label)])
        return self

    def mark_from(self, path: str | Path) -> list[int]:
        """Mark the phases in a table (start, stop, label) or annotations, all or none; returns their numbers."""
        row = self.info()
        marks = phases.read_marks(path, Recording(row["file_name"], self.file_times().file_time(0)))
        with Store.open(self.database, must_exist=True) as store:
            return phases.mark(store, self.session_id, marks)

    def unmark(self, *marks: int) -> list[int]:
        """Delete phases by their numbers, by default all; returns the numbers."""
        with Store.open(self.database, must_exist=True) as store:
            return phases.unmark(store, self.session_id, marks or None)

    def validate(self, path: str | Path, judgement: str | None = None) -> validation.Validation:
        """Compare a judgement, by default the latest, with human codes in a CSV file.

        Every coded interval is judged with its settings; see docs/validation.md for the file and the figures.
        """

        def compared(store: Store) -> validation.Validation:
            settings = self._settings(store, judgement)
            codes, evidence = validation.coded(store, self.session_id, path, settings.strategy)
            return validation.validate(codes, evidence, settings)

        return self._read(compared)

    def fit(self, path: str | Path, profile: str, judgement: str | None = None) -> fitting.Fit:
        """Fit band, min_faces and min_coverage to the codes in a CSV file, and keep them as a profile.

        The fit starts from the settings of a judgement, by default the latest. Raises
        UsageError for codes of fewer than five students.
        """
        profile = required_text(profile, "profile name")
        with Store.open(self.database, must_exist=True) as store:
            settings = self._settings(store, judgement)
            codes, evidence = validation.coded(store, self.session_id, path, settings.strategy)
            fitted = fitting.fit(codes, evidence, settings)
            write_profile(
                store,
                profile,
                fitted.judged_by(),
                origin=fitted.summary(),
                sha256=store.session(self.session_id)["sha256"],
                coders=fitted.coders,
                students=fitted.students,
                intervals=fitted.intervals,
                kappa_before=fitted.value(fitting.AS_IS, "kappa"),
                kappa_in=fitted.value(fitting.IN_SAMPLE, "kappa"),
                kappa_out=fitted.value(fitting.OUT_OF_SAMPLE, "kappa"),
            )
        return fitted

    def judge(self, name: str | None = None, *, profile: str | None = None, **changes: Any) -> Session:
        """Judge the stored faces again with other settings (`window`, `strategy`, `band`, ...); returns itself.

        With a `profile` its settings are taken, but for the `changes`; by default it names the judgement then.
        The judgement is kept under `name` (by default strategy, window and every non-default setting, as
        in "sum, 10 s, band 0.2"), in place of an earlier one of that name and beside all others. Never needs the
        video. Raises UsageError for a setting that cannot work, or that judging does not use.
        """
        name = None if name is None else required_text(name, "name of a judgement")
        if unknown := set(changes) - set(JUDGED_BY):
            raise UsageError(f"judging does not use {', '.join(sorted(unknown))}; it uses {', '.join(JUDGED_BY)}")
        with Store.open(self.database, must_exist=True) as store, store.writing(self.session_id):
            corrections.check_done(store, self.session_id)
            if profile is not None:
                name = name or (None if changes else profile)
                changes = profile_settings(store, profile) | changes
            settings = dataclasses.replace(settings_of(store, self.session_id), **changes)
            judge(store, self.session_id, settings, name)
        return self

    def compare(self, *names: str) -> Comparison:
        """Judgements side by side, by their names; by default all."""

        def compared(store: Store) -> Comparison:
            rows = queries.judgements(store, self.session_id).set_index("judgement_id")
            chosen = [self._judgement(store, name) for name in dict.fromkeys(names)] or rows.index.tolist()
            return compare_judgements(store, self.session_id, rows.loc[chosen])

        return self._read(compared)

    def health(self) -> dict[str, int]:
        """Counts that tell how certain the identities are.

        `students`; `reidentified` tracks, which continue a student, and how many of them are `uncertain`, that is
        wrong with a probability above 5 %; `unassigned` faces; `teachers`, and `pictures` (posters, screens).
        """
        return self._read(lambda store: _health(store, self.session_id))

    def why_no_students(self) -> str | None:
        """One line on why tracking found no student, and what would help; None where it found some."""
        return self._read(lambda store: why_no_students(store, self.session_id))

    def corrections(self) -> pd.DataFrame:
        """A row for every identity correction: description, time, and when it was undone."""
        rows, names = self._read(
            lambda store: (queries.corrections(store, self.session_id), corrections.names_of(store))
        )
        logged = zip(rows["action"], rows["arguments"], strict=True)
        return rows.assign(what=[corrections.describe(action, arguments, names) for action, arguments in logged])

    def rename(self, student: str, name: str) -> Session:
        """Name a student, given by label or former name; an empty name takes it away. Returns itself.

        Like `merge`, `split` and `set_role`, it is logged and can be undone, happens as a whole or not at all, and
        raises UsageError in one line, with nothing changed, where it cannot be done.
        """
        with Store.open(self.database, must_exist=True) as store:
            corrections.rename(store, self.session_id, [(student, name)])
        return self

    def merge(self, student_a: str, student_b: str) -> Session:
        """Merge two students, and judge again; the smaller label stays. Returns itself."""
        with Store.open(self.database, must_exist=True) as store:
            corrections.merge(store, self.session_id, student_a, student_b)
        return self

    def split(self, student: str, time: float) -> str:
        """Assign a student's faces from `time` (s) on to a new student, and judge again. Returns its label."""
        with Store.open(self.database, must_exist=True) as store:
            return corrections.split(store, self.session_id, student, time)

    def set_role(self, student: str, role: str) -> Session:
        """Say that a student is a "student", "teacher", "picture" or "screen", and judge again. Returns itself.

        Only students have verdicts and count in the class. Without it, a face that never moved is a picture, and
        everybody else a student.
        """
        with Store.open(self.database, must_exist=True) as store:
            corrections.set_role(store, self.session_id, student, role)
        return self

    def undo(self) -> str:
        """Undo the most recent active correction, judge again, and return its description."""
        with Store.open(self.database, must_exist=True) as store:
            return corrections.undo(store, self.session_id)

    def name_students(self, names: Mapping[str, str] | Iterable[tuple[str, str]]) -> Session:
        """Name several students, each given by label or former name: one correction. Returns itself."""
        pairs = names.items() if isinstance(names, Mapping) else names
        with Store.open(self.database, must_exist=True) as store:
            corrections.rename(store, self.session_id, pairs)
        return self

    def keep_seats(self, room: str) -> list[str]:
        """Keep the seats of the students who have names in the roster of `room`; returns their names."""
        with Store.open(self.database, must_exist=True) as store:
            return roster.keep_seats(store, self.session_id, room)

    def carry_names(self, room: str) -> roster.Carried:
        """Name the students by the roster of `room`, by their seats alone: one correction; returns the matches."""
        with Store.open(self.database, must_exist=True) as store:
            return roster.carry_names(store, self.session_id, room)

    def _read(self, of: Callable[[Store], T]) -> T:
        with Store.open(self.database, must_exist=True, read_only=True) as store:
            return of(store)

    def _settings(self, store: Store, name: str | None) -> Settings:
        rows = queries.judgements(store, self.session_id).set_index("judgement_id")
        return Settings.from_json(rows["settings"][self._judgement(store, name)])

    def _judgement(self, store: Store, name: str | None) -> int:
        rows = queries.judgements(store, self.session_id)
        if name is not None:
            rows = rows[rows["name"] == name]
        if rows.empty:
            names = "; ".join(queries.judgements(store, self.session_id)["name"])
            if names:
                raise UsageError(f"session {self.session_id} has no judgement {name!r}, but: {names}")
            raise UsageError(f"session {self.session_id} has no judgement yet; finish `classpulse analyze` first")
        return int(rows["judgement_id"].iloc[-1])


def find(key: int | str, db: str | Path = "classpulse.db") -> Session:
    """The session that `key` means in the database `db`: its number, its name or its file's name.

    `db` is a path or the address of a PostgreSQL database. Raises SessionError where there is no such session, or
    more than one, and StorageError for a database that is not there.
    """
    with Store.open(db, must_exist=True, read_only=True) as store:
        return Session(db, store.find_session(key))


def _health(store: Store, session_id: int) -> dict[str, int]:
    students, tracks = queries.students(store, session_id), queries.tracks(store, session_id)
    tracks = tracks[tracks["student"].notna()].sort_values(["first", "track"])
    links = tracks[tracks.duplicated("student")]
    faces = queries.frame_columns(store, session_id)["faces"].sum()
    return {
        "students": int(are_students(students).sum()),
        "reidentified": len(links),
        "uncertain": len(uncertain_links(tracks)),
        "unassigned": int(faces - students["faces"].sum()),
        "teachers": int(students["role"].eq("teacher").sum()),
        "pictures": int(students["role"].isin(["picture", "screen"]).sum()),
    }
