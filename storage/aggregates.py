"""Sessions of which the class alone is stored: frames, judgement and the class's windows."""

from __future__ import annotations

import json

from sqlalchemy import Connection, Table, insert, null, select, update

from storage.digests import write_digests
from storage.schema import (
    class_windows,
    classes,
    connections,
    excluded,
    frames,
    judgements,
    segments,
    sessions,
    shots,
    sources,
    warnings,
)
from storage.store import Store


def is_aggregate(store: Store, session_id: int) -> bool:
    """Whether the class alone was stored of a session."""
    return bool(json.loads(store.session(session_id)["settings"]).get("aggregate_only"))


def copy_aggregates(source: Store, session_id: int, target: Store, min_group: int) -> int:
    """Copy a finished session without its faces, tracks, students and their windows; returns its new number.

    Class windows in which fewer than `min_group` students have a verdict become insufficient, without a balance.
    """
    with source.writing() as source_connection, target.writing() as target_connection:
        hide_small_groups(source_connection, min_group)
        (row,) = _rows(source_connection, sessions, session_id=session_id)
        number: int = target_connection.execute(
            insert(sessions).values(**row).returning(sessions.c.session_id)
        ).scalar_one()
        for table in (classes, segments, frames, excluded, shots, sources, connections, warnings):
            _copy(source_connection, target_connection, table, number, session_id=session_id)
        # It would only serve to track again, and nothing is left to track.
        target_connection.execute(update(frames).where(frames.c.session_id == number).values(layout=null()))
        write_digests(target_connection, number)  # of what is left: no face
        for judgement_id in source_connection.scalars(
            select(judgements.c.judgement_id).where(judgements.c.session_id == session_id)
        ).all():
            (row,) = _rows(source_connection, judgements, judgement_id=judgement_id)
            inserted = (
                insert(judgements).values(**row | {"session_id": number}).returning(judgements.c.judgement_id)
            )
            _copy(
                source_connection,
                target_connection,
                class_windows,
                target_connection.execute(inserted).scalar_one(),
                judgement_id=judgement_id,
            )
    return number


def hide_small_groups(connection: Connection, min_group: int) -> None:
    """Let the windows of the class, of all sessions, say nothing where fewer have a verdict than `min_group`."""
    counts = [class_windows.c[name] for name in ("interested", "neutral", "not_interested")]
    judged = class_windows.c.students - class_windows.c.insufficient
    small = update(class_windows).where(judged < min_group)
    probabilities = [column.name for column in class_windows.c if column.name.startswith("p_")]
    hidden = dict.fromkeys(("balance", "margin", *probabilities), null()) | {column.name: 0 for column in counts}
    verdict = {"verdict": "insufficient", "reason": "too_few_students"}
    connection.execute(small.values(insufficient=class_windows.c.students, **verdict, **hidden))


def _rows(connection: Connection, table: Table, **key: int) -> list[dict[str, object]]:
    rows = connection.execute(select(table).filter_by(**key)).mappings()
    return [{name: value for name, value in row.items() if name not in key} for row in rows]


def _copy(
    source_connection: Connection, target_connection: Connection, table: Table, number: int, **key: int
) -> None:
    (name,) = key
    if rows := [row | {name: number} for row in _rows(source_connection, table, **key)]:
        target_connection.execute(insert(table), rows)
