"""How far the queue of a database is: what is done and left, who works on what, at which rate, and what failed."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import text

from storage.claims import sharing, title
from storage.store import Store

#: The rate is that of so many seconds before now.
RATE_SECONDS = 600
#: A segment is so long, s; see engine.settings.SEGMENT_SECONDS, which every database shares.
_SEGMENT = 10
#: Seconds of a recording in a run: up to its end, where the run is open.
_SECONDS = f"greatest(least(coalesce(stop * {_SEGMENT}, weight), weight) - first * {_SEGMENT}, 0)"
_NOW = "extract(epoch FROM clock_timestamp())"


def progress(store: Store) -> dict[str, Any]:
    """The state of the queue as plain values, for JSON; lengths and times in seconds.

    `claims` counts claims by task and state; `recordings` those queued, detecting, judging, done, aside.
    `done_seconds` and `left_seconds` are of recordings that are opened; `rate` is seconds of recordings detected a
    second, `time_left` what the rest takes at it (None: not known). `working` and `failures` have a row each.
    """
    with sharing(store) as connection:

        def rows(sql: str) -> list[dict[str, Any]]:
            return [dict(row) for row in connection.execute(text(sql)).mappings()]

        counts: dict[str, dict[str, int]] = {}
        for row in rows("SELECT task, state, count(*) AS n FROM claims GROUP BY task, state ORDER BY task, state"):
            counts.setdefault(row["task"], {})[row["state"]] = row["n"]
        (seconds,) = rows(
            f"SELECT coalesce(sum({_SECONDS}) FILTER (WHERE state = 'done'), 0)::float AS done, "
            f"coalesce(sum({_SECONDS}) FILTER (WHERE state IN ('open', 'held')), 0)::float AS left_over, "
            f"coalesce(sum({_SECONDS}) FILTER (WHERE finished > {_NOW} - {RATE_SECONDS}), 0)::float AS lately, "
            f"({_NOW} - min(taken) FILTER (WHERE finished IS NULL OR finished > {_NOW} - {RATE_SECONDS}))::float "
            "AS span FROM claims WHERE task = 'detect'"
        )
        working = rows(
            "SELECT worker, machine, task, source, first, stop, attempts, "
            f"({_NOW} - taken)::float AS seconds, (lease - {_NOW})::float AS lease_left "
            "FROM claims WHERE state = 'held' ORDER BY machine, worker"
        )
        failures = rows(
            "SELECT task, source, first, stop, state, failed_on, error FROM claims "
            "WHERE error IS NOT NULL AND state <> 'done' ORDER BY source, first NULLS FIRST, claim"
        )
        (recordings,) = rows(
            "SELECT count(*) FILTER (WHERE task = 'open' AND state IN ('open', 'held')) AS queued, "
            "count(*) FILTER (WHERE task = 'judge' AND state = 'waiting') AS detecting, "
            "count(*) FILTER (WHERE task = 'judge' AND state IN ('open', 'held')) AS judging, "
            "count(*) FILTER (WHERE task = 'judge' AND state = 'done') AS done, "
            "count(DISTINCT source) FILTER (WHERE state = 'aside') AS aside FROM claims"
        )
    span = min(RATE_SECONDS, seconds["span"] or 0)
    rate = seconds["lately"] / span if span > 0 else 0.0
    return {
        "recordings": recordings,
        "claims": counts,
        "done_seconds": seconds["done"],
        "left_seconds": seconds["left_over"],
        "rate": rate,
        "time_left": seconds["left_over"] / rate if rate > 0 else None,
        "working": [row | _what(row) for row in working],
        "failures": [row | _what(row) | {"failed_on": json.loads(row["failed_on"] or "[]")} for row in failures],
    }


def _what(row: dict[str, Any]) -> dict[str, str]:
    return {"what": title(row["task"], row["source"], row["first"], row["stop"])}
