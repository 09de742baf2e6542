"""Fingerprints of machines: what detected each segment, each stored once."""

from __future__ import annotations

import hashlib

from sqlalchemy import insert, select

from storage.schema import fingerprints, segments
from storage.store import Store

#: Digits of a fingerprint's key.
_DIGITS = 16


def key_of(content: str) -> str:
    """The key of a fingerprint, which is JSON."""
    return hashlib.sha256(content.encode()).hexdigest()[:_DIGITS]


def remember(store: Store, content: str) -> str:
    """Store a fingerprint, unless it is there; returns its key."""
    key = key_of(content)
    there = select(fingerprints.c.fingerprint).where(fingerprints.c.fingerprint == key)
    with store.reading() as connection:
        if connection.scalar(there):
            return key
    with store.writing(key=key) as connection:
        if not connection.scalar(there):
            connection.execute(insert(fingerprints).values(fingerprint=key, content=content))
    return key


def content_of(store: Store, key: str) -> str:
    """The fingerprint of a key, which is there."""
    with store.reading() as connection:
        return str(
            connection.scalars(select(fingerprints.c.content).where(fingerprints.c.fingerprint == key)).one()
        )


def fingerprints_of(store: Store, session_id: int) -> set[str]:
    """The keys of all machines that detected segments of a session, as far as they are known."""
    query = (
        select(segments.c.fingerprint)
        .distinct()
        .where(segments.c.session_id == session_id, segments.c.fingerprint.is_not(None))
    )
    with store.reading() as connection:
        return set(connection.scalars(query))
