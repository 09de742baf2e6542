"""Questions in SQL: two at a time, of limited time and size, so that they keep nobody else waiting."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from typing import IO, Any, TypeVar

from anyio import CapacityLimiter, to_thread

from classpulse.report import rows as report_rows
from classpulse.web.reading import plain_values
from storage import queries
from storage.errors import StorageError

T = TypeVar("T")
#: Rows that are shown at most; a CSV file has all.
MOST_ROWS = 1000
#: Time limit of a question, s.
PATIENCE = 20.0
#: Questions that run at once, and that may wait for those; more are refused.
AT_ONCE, WAITING = 2, 6
#: Memory that the rows shown may take, and any one value, bytes; and the size of a CSV file.
MOST_BYTES, MOST_CSV_BYTES = 8_000_000, 500_000_000
#: Bytes of a CSV file that are in memory at once.
CHUNK = 2**16


class BusyError(StorageError):
    """Too many questions at once."""


class Questions:
    """Asks the database at `db`, in threads of its own: endless questions take none of those that make pages."""

    def __init__(self, db: str) -> None:
        self._db = db
        self._limiter: CapacityLimiter | None = None  # belongs to the event loop
        self._asked = 0

    async def table(self, sql: str) -> dict[str, Any]:
        """The `columns`, the first `rows`, whether there are `more`, and the `seconds` that it took."""
        return await self._run(lambda: self._table(sql))

    async def csv(self, sql: str) -> IO[bytes]:
        """All rows as a CSV file in a nameless place on the disk, to be closed by the caller."""
        return await self._run(lambda: self._csv(sql))

    async def _run(self, work: Callable[[], T]) -> T:
        self._limiter = self._limiter or CapacityLimiter(AT_ONCE)
        if self._asked >= AT_ONCE + WAITING:
            raise BusyError("too many questions are being asked at once; try again in a moment")
        self._asked += 1
        try:
            return await to_thread.run_sync(work, limiter=self._limiter)
        finally:
            self._asked -= 1

    def _table(self, sql: str) -> dict[str, Any]:
        began = time.perf_counter()
        answer = queries.query(self._db, sql, most=MOST_ROWS + 1, seconds=PATIENCE, most_bytes=MOST_BYTES)
        return {
            "columns": [str(name) for name in answer.columns],
            "rows": plain_values(answer.head(MOST_ROWS)),
            "more": len(answer) > MOST_ROWS,
            "seconds": time.perf_counter() - began,
        }

    def _csv(self, sql: str) -> IO[bytes]:
        # On the disk before the answer begins: a fault half-way is told, and a slow reader keeps nobody waiting.
        file = tempfile.TemporaryFile()  # noqa: SIM115 -- the answer closes it
        try:
            with queries.answered(
                self._db, sql, seconds=PATIENCE, most_bytes=MOST_CSV_BYTES, longest=MOST_BYTES
            ) as (names, rows):
                report_rows.write_csv(file, names, rows)
        except BaseException:
            file.close()
            raise
        file.seek(0)
        return file


def chunks(file: IO[bytes]) -> Iterator[bytes]:
    """The bytes of a file, which is closed at its end or where the reader goes away."""
    with file:
        while chunk := file.read(CHUNK):
            yield chunk
