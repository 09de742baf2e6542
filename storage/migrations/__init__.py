"""The steps from one version of the schema to the next, by the version that each leads to."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from alembic.operations import Operations

from storage.migrations import version_2, version_3, version_4

STEPS: Mapping[int, Callable[[Operations], None]] = {
    2: version_2.upgrade,
    3: version_3.upgrade,
    4: version_4.upgrade,
}
