"""Tables of a terminal that leave out columns where it is too narrow, instead of cutting all of them off."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table

#: Columns that no terminal has.
_UNLIMITED = 10_000


class _FittedTable(Table):
    """A table that leaves out columns where the terminal is too narrow for all of them."""

    least_needed: Sequence[str] = ()
    """The headers of what may be left out, in this order."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The table, with as many columns as there is room for."""
        fitted = copy.copy(self)
        for name in (None, *self.least_needed):
            kept = [column for column in fitted.columns if column.header != name]
            fitted.columns = [dataclasses.replace(column, _index=place) for place, column in enumerate(kept)]
            if fitted.__rich_measure__(console, options.update(width=_UNLIMITED)).maximum <= options.max_width:
                break
        yield from Table.__rich_console__(fitted, console, options)


def fitted_table(*columns: str, least_needed: Sequence[str] = ()) -> Table:
    """A table with these columns; one whose name ends in > is right-aligned, one that ends in ~ may wrap."""
    table = _FittedTable(box=None, pad_edge=False, header_style="bold")
    table.least_needed = least_needed
    for column in columns:
        right, wraps = column.endswith(">"), column.endswith("~")
        table.add_column(column.rstrip(">~"), justify="right" if right else "left", no_wrap=not wraps)
    return table
