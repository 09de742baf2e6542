"""Writes sessions, one transaction a segment, and finds sessions to resume.

Columns are a mapping of names to equally long arrays. In an integer column that may be NULL, -1 stands for none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from storage import schema
from storage.columns import Columns, insert_columns, update_columns
from storage.database import Database, database_of, open_engine
from storage.digests import segment_digest
from storage.errors import DatabaseError, SessionError, StorageError, named
from storage.finding import matching_session
from storage.locks import HeldError
from storage.paths import escaped
from storage.schema import (
    attention_windows,
    class_shares,
    class_windows,
    faces,
    frames,
    judgements,
    segments,
    sessions,
    student_windows,
    students,
    tracks,
)
from storage.sqlite import MemoryDatabase


class Store:
    """An open database. Every method that writes is one transaction: it happens as a whole or not at all."""

    def __init__(self, database: Database, engine: Engine) -> None:
        self.database = database
        self.path = database.target
        """The argument that opens it again."""
        self.engine = engine
        self._within: Connection | None = None

    @classmethod
    def open(
        cls,
        target: str | Path,
        *,
        must_exist: bool = False,
        read_only: bool = False,
        patience: float | None = None,
        on_wait: Callable[[str], None] | None = None,
    ) -> Self:
        """Open `classpulse.db` or `sqlite:///school.db`; it is made unless it `must_exist` or is `read_only`.

        `patience` is how long another's transaction is waited for, s; `on_wait` is told for what, if that is long.
        Raises DatabaseError in one line, and touches nothing, where the file cannot be used.
        """
        database = database_of(target)
        database.patience = patience
        database.on_wait = on_wait or database.on_wait
        return cls(database, open_engine(database, must_exist=must_exist, read_only=read_only))

    @classmethod
    def in_memory(cls) -> Self:
        """An empty database that is never written to a disk, and ends when it is closed."""
        database = MemoryDatabase()
        return cls(database, open_engine(database, must_exist=False, read_only=False))

    def close(self) -> None:
        """Release the database."""
        self.database.close(self.engine)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction over one snapshot of the database, whatever is written meanwhile.

        Inside of `writing` it is that transaction, and reads its changes.
        """
        if self._within:
            yield self._within
            return
        with named(self.database), self.database.reading(self.engine) as connection:
            yield connection

    @contextmanager
    def writing(self, session_id: int | None = None, key: str | None = None) -> Iterator[Connection]:
        """A transaction that waits for its turn to write, and is undone as a whole if anything is raised inside.

        With a `session_id`, only that session may be written inside, and on PostgreSQL writers of another one need
        not wait; with a `key` (hexadecimal) only a new session, and no other process is inside with the same key.
        Every read and write of this store inside, by any method, belongs to it.
        """
        if self._within:
            yield self._within
            return
        with named(self.database), self.database.writing(self.engine, session_id, key) as self._within:
            try:
                yield self._within
            finally:
                self._within = None

    @contextmanager
    def working_on(self, name: object, key: str) -> Iterator[None]:
        """Only one process is inside with the same `key` (hexadecimal), which messages call `name`.

        Raises DatabaseError at once, which says who is inside, where another is.
        """
        try:
            with named(self.database), self.database.held(self.engine, key):
                yield
        except HeldError as error:
            raise DatabaseError(
                f"{name}: it is being analysed into {self.database} by {error}; wait until that has ended, "
                "then run the same command again"
            ) from error

    # -- sessions

    def add_session(
        self,
        *,
        name: str,
        source: str | Path,
        sha256: str,
        settings: str,
        version: str,
        models: str,
        time_base: Fraction,
        start_pts: int,
        width: int,
        height: int,
        recorded: str | None = None,
        classes: Sequence[tuple[str, str]] = (),
        state: str = "detecting",
    ) -> int:
        """Begin a session; returns its number. `settings` and `models` are JSON (see `schema.sessions`).

        `classes` are names and polarities (see `schema.classes`) of what its faces will be scored for, in the order
        of score_1, score_2, ... Names that are not UTF-8 are stored as `storage.paths.escaped`.
        """
        with self.writing() as connection:
            row = insert(sessions).values(
                name=escaped(name),
                source=escaped(str(source)),
                file_name=escaped(Path(source).name),
                sha256=sha256,
                recorded=recorded,
                settings=settings,
                version=version,
                models=models,
                time_base=f"{time_base.numerator}/{time_base.denominator}",
                start_pts=start_pts,
                width=width,
                height=height,
                state=state,
                created=now(),
            )
            session_id: int = connection.execute(row.returning(sessions.c.session_id)).scalar_one()
            if classes:
                class_rows = [
                    {"session_id": session_id, "number": number, "name": name, "polarity": polarity}
                    for number, (name, polarity) in enumerate(classes, 1)
                ]
                connection.execute(insert(schema.classes), class_rows)
        return session_id

    def session(self, session_id: int) -> dict[str, Any]:
        """The row of a session; SessionError for an unknown one."""
        with self.reading() as connection:
            row = connection.execute(select(sessions).where(sessions.c.session_id == session_id)).mappings().first()
        if row is None:
            raise SessionError(f"{self.database}: there is no session {session_id}")
        return dict(row)

    def find_session(self, key: int | str, *, unique: bool = False) -> int:
        """The number of the session that `key` means: its number (also as #3), its name or its file's name.

        Where several share a name, it is the finished one, unless it is to be `unique`. Raises SessionError where
        there is none, and where `key` means several, also as one's number and another's name: the text lists them.
        """
        columns = (
            sessions.c.session_id,
            sessions.c.name,
            sessions.c.file_name,
            sessions.c.created,
            sessions.c.state,
        )
        with self.reading() as connection:
            rows = connection.execute(select(*columns).order_by(sessions.c.session_id)).all()
        return matching_session(str(self.database), rows, key, unique=unique)

    def find_done(self, sha256: str, agrees: Callable[[str], bool]) -> tuple[int, str] | None:
        """Number and state of the newest session of these bytes whose settings JSON satisfies `agrees`."""
        rows = select(sessions.c.session_id, sessions.c.state, sessions.c.settings).where(
            sessions.c.sha256 == sha256
        )
        with self.reading() as connection:
            for row in connection.execute(rows.order_by(sessions.c.session_id.desc())):
                if agrees(row.settings):
                    return int(row.session_id), str(row.state)
        return None

    def delete_session(self, session_id: int) -> None:
        """Delete a session and everything that belongs to it."""
        with self.writing() as connection:
            # Frames by the session first: the cascade of segments would delete them one by one.
            connection.execute(delete(frames).where(frames.c.session_id == session_id))
            connection.execute(delete(sessions).where(sessions.c.session_id == session_id))

    # -- the three passes

    def committed_segments(self, session_id: int) -> set[int]:
        """The segments whose detection is complete."""
        with self.reading() as connection:
            return set(connection.scalars(select(segments.c.segment).where(segments.c.session_id == session_id)))

    def write_segment(
        self, session_id: int, segment: int, frame_columns: Columns, face_columns: Columns, **by: str | None
    ) -> None:
        """Commit a whole segment: its sampled frames (`pts` ascending, `time`) and their faces, which it counts.

        `by` says who detected it: `worker` and `fingerprint` of the table. Raises StorageError where the segment is
        there already, ValueError for a face without a frame.
        """
        pts, face_pts = frame_columns["pts"], face_columns["pts"]
        if not np.isin(face_pts, pts).all():
            raise ValueError(f"segment {segment} has faces in frames that it does not have")
        count = np.bincount(np.searchsorted(pts, face_pts), minlength=len(pts))
        row: dict[str, Any] = {
            "session_id": session_id,
            "segment": segment,
            "frames": len(pts),
            "faces": len(face_pts),
        } | by
        with self.writing(session_id) as connection:
            existing = select(segments.c.segment).filter_by(session_id=session_id, segment=segment)
            if connection.scalar(existing) is not None:
                raise StorageError(
                    f"{self.database}: segment {segment} of session {session_id} is there already; "
                    "is another process analysing the same recording?"
                )
            sampled = {**frame_columns, "faces": count}
            row["digest"] = segment_digest(sampled, face_columns)
            connection.execute(insert(segments).values(**row, committed=now()))
            insert_columns(connection, frames, sampled, session_id=session_id, segment=segment)
            insert_columns(connection, faces, face_columns, session_id=session_id)

    def write_gaps(self, session_id: int, gaps: Sequence[int]) -> None:
        """Commit the segments `gaps`, in which nothing was sampled, all at once."""
        nothing = {"pts": np.empty(0, np.int64)}
        written = {"session_id": session_id, "frames": 0, "faces": 0, "committed": now()}
        written["digest"] = segment_digest(nothing, nothing)
        with self.writing(session_id) as connection:
            if gaps:
                connection.execute(insert(segments), [written | {"segment": segment} for segment in gaps])

    def finish_detection(self, session_id: int, duration: float) -> None:
        """Mark a session's detection as complete; `duration` is the decoded one, s."""
        with self.writing(session_id) as connection:
            row = update(sessions).where(sessions.c.session_id == session_id)
            connection.execute(row.values(state="detected", duration=round(duration, 6)))

    def write_tracking(
        self,
        session_id: int,
        *,
        pts: npt.NDArray[np.int64],
        face: npt.NDArray[np.int64],
        track: npt.NDArray[np.int64],
        track_columns: Columns,
        student_columns: Columns,
        path_columns: Columns | None = None,
    ) -> None:
        """Give every face of a session its `track` (-1: none) and every track its student, in place of the former.

        The session's judgements are deleted with their students. Raises ValueError unless each of the
        session's faces is named by its (`pts`, `face`), and each track of a face is among the tracks.
        """
        with self.writing(session_id) as connection:
            expected = connection.scalar(select(func.count()).select_from(faces).filter_by(session_id=session_id))
            if len(pts) != expected:
                raise ValueError(f"session {session_id} has {expected} faces; {len(pts)} were given")
            connection.execute(delete(judgements).where(judgements.c.session_id == session_id))
            connection.execute(
                update(sessions).where(sessions.c.session_id == session_id).values(state="detected", finished=None)
            )
            self.replace_students(
                session_id,
                pts=pts,
                face=face,
                track=track,
                track_columns=track_columns,
                student_columns=student_columns,
            )
            if path_columns is not None:
                self.write_path(session_id, path_columns)

    def write_path(self, session_id: int, path_columns: Columns) -> None:
        """Store the path of the camera (`path_a`, ... of the table `frames`) at the frames `pts`."""
        columns = {name: array for name, array in path_columns.items() if name != "pts"}
        with self.writing(session_id) as connection:
            update_columns(connection, frames, columns, {"pts": path_columns["pts"]}, session_id=session_id)

    def replace_students(
        self,
        session_id: int,
        *,
        pts: npt.NDArray[np.int64],
        face: npt.NDArray[np.int64],
        track: npt.NDArray[np.int64],
        track_columns: Columns,
        student_columns: Columns,
    ) -> None:
        """Like `write_tracking`, but faces that are not named keep their track, and the judgements stay.

        The caller judges again in the same transaction.
        """
        if not np.isin(track, np.append(track_columns["track"], -1)).all():
            raise ValueError("faces have tracks that are not among the tracks")
        with self.writing(session_id) as connection:
            for table in (tracks, students):
                connection.execute(delete(table).where(table.c.session_id == session_id))
            insert_columns(connection, students, student_columns, session_id=session_id)
            insert_columns(connection, tracks, track_columns, session_id=session_id)
            named_by = {"pts": pts, "face": face}
            updated = update_columns(connection, faces, {"track": track}, named_by, session_id=session_id)
            if updated != len(pts):
                raise ValueError(f"session {session_id}: {len(pts)} faces were given, {updated} found")

    def write_judgement(
        self,
        session_id: int,
        name: str,
        strategy: str,
        settings: str,
        student_window_columns: Columns,
        class_window_columns: Columns,
        created: str | None = None,
        attention_columns: Columns | None = None,
        share_columns: Columns | None = None,
    ) -> int:
        """Store a judgement under its name, in place of an earlier one of that name; returns its number.

        `settings` is JSON. `created` is when it was made, for one that is only brought up to date, which keeps its
        place among the others; by default it is made now, and is the latest, whatever the wall clock shows. The
        session is done from now on.
        """
        values: dict[str, Any] = {"strategy": strategy, "settings": settings, "created": created or now()}
        with self.writing(session_id) as connection:
            judgement_id: int | None = connection.scalar(
                select(judgements.c.judgement_id).filter_by(session_id=session_id, name=name)
            )
            if judgement_id is None or created is None:
                highest = select(func.coalesce(func.max(judgements.c.sequence), 0)).filter_by(session_id=session_id)
                values["sequence"] = (connection.scalar(highest) or 0) + 1
            if judgement_id is None:
                row = insert(judgements).values(session_id=session_id, name=name, **values)
                judgement_id = int(connection.execute(row.returning(judgements.c.judgement_id)).scalar_one())
            else:
                connection.execute(
                    update(judgements).where(judgements.c.judgement_id == judgement_id).values(**values)
                )
                for table in (student_windows, class_windows, attention_windows, class_shares):
                    connection.execute(delete(table).where(table.c.judgement_id == judgement_id))
            insert_columns(connection, student_windows, student_window_columns, judgement_id=judgement_id)
            insert_columns(connection, class_windows, class_window_columns, judgement_id=judgement_id)
            for table, columns in ((attention_windows, attention_columns), (class_shares, share_columns)):
                if columns is not None:
                    insert_columns(connection, table, columns, judgement_id=judgement_id)
            done = {"state": "done", "finished": now()}
            connection.execute(update(sessions).where(sessions.c.session_id == session_id).values(**done))
        return judgement_id


def now() -> str:
    """This moment, UTC, as the database writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
