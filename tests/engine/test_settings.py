"""Settings: which numbers work, and one line about any other."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from engine.errors import UsageError
from engine.settings import Settings

NUMERIC = [
    field.name
    for field in dataclasses.fields(Settings)
    if field.type in ("float", "int", "float | None", "int | None")
]
TUPLES: dict[str, Any] = {
    "thresholds": lambda number: (0.6, number, 0.8),
    "exclude": lambda number: ((100.0, number, 20.0),),
    "aspect": lambda number: (16, number),
}


@pytest.mark.parametrize("number", [10**400, 10**20, 1e308, float("inf"), float("nan"), -(10**20), float("-inf")])
@pytest.mark.parametrize("name", [*NUMERIC, *TUPLES])
def test_a_number_out_of_any_range_is_refused_in_one_line(name: str, number: float) -> None:
    changes: dict[str, Any] = {name: TUPLES[name](number) if name in TUPLES else number}
    with pytest.raises(UsageError, match=f"^{name.replace('_', '-')} is ") as caught:
        Settings(**changes)
    assert "; it must be " in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("sample_rate", 0.001), ("sample_rate", 1000), ("min_group", 1_000_000), ("min_hits", 1_000_000),
        ("max_age", 86_400), ("min_faces", 0), ("min_faces", 1_000_000), ("window", 0.1), ("window", 86_400),
    ],
)  # fmt: skip
def test_the_ends_of_a_range_work(name: str, number: float) -> None:
    changes: dict[str, Any] = {name: number}
    assert getattr(Settings(**changes), name) == number
