"""The tables, each column with its unit and meaning.

Keys are natural, so that rows do not depend on the order in which segments were written; tables without a rowid are
stored in the order of their key. Real numbers are rounded to `decimals` places when they are written (a float32 of
0.1 would otherwise read 0.10000000149011612), so every pass reads the very numbers that a person reads.
"""

from __future__ import annotations

# The tables come in the order in which people read them.
# isort: off
from storage.schema.definitions import metadata
from storage.schema.recordings import (
    MAX_CLASSES,
    POLARITIES,
    STATES,
    classes,
    connections,
    faces,
    frames,
    segments,
    sessions,
    shots,
    sources,
    warnings,
)
from storage.schema.identities import CORRECTIONS, ROLES, corrections, excluded, people, seats, students, tracks
from storage.schema.verdicts import (
    VERDICTS,
    attention_windows,
    class_phases,
    class_shares,
    class_windows,
    judgements,
    phases,
    student_phases,
    student_windows,
)
from storage.schema.work import CLAIM_STATES, TASKS, claims, fingerprints
from storage.schema.administration import OUTCOMES, audit, profiles, rules

# isort: on

#: Raised by every release that changes a table or view, which brings a step to it in storage/migrations/.
SCHEMA_VERSION = 4

__all__ = [
    "CLAIM_STATES",
    "CORRECTIONS",
    "MAX_CLASSES",
    "OUTCOMES",
    "POLARITIES",
    "ROLES",
    "SCHEMA_VERSION",
    "STATES",
    "TASKS",
    "VERDICTS",
    "attention_windows",
    "audit",
    "claims",
    "class_phases",
    "class_shares",
    "class_windows",
    "classes",
    "connections",
    "corrections",
    "excluded",
    "faces",
    "fingerprints",
    "frames",
    "judgements",
    "metadata",
    "people",
    "phases",
    "profiles",
    "rules",
    "seats",
    "segments",
    "sessions",
    "shots",
    "sources",
    "student_phases",
    "student_windows",
    "students",
    "tracks",
    "warnings",
]
