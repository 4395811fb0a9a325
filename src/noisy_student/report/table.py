"""Tables as words in cells, before the terminal or the page draws them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

Place = Literal["narrow", "wide", "page"]
Cell = Callable[[Any], str]


def field(path: str, words: Cell = str) -> Cell:
    """Return the cell function of a field: ``words`` of its value, or of None if a part of ``path`` is missing.

    >>> field("many.n", str)({"many": {"n": 3}})
    '3'
    """

    def cell(row: Mapping[str, Any]) -> str:
        value: Any = row
        for name in path.split("."):
            value = (value or {}).get(name)
        return words(value)

    return cell


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its head, its alignment, the narrowest place that shows it and, for ``tabulate``, its cell of a row."""

    name: str
    align: Literal["left", "right"] = "right"
    place: Place = "narrow"
    cell: Cell = str


@dataclass(frozen=True, slots=True)
class Line:
    """A row of cells; ``faint`` rows are greyed, such as exploratory findings and conditions that did not run."""

    cells: tuple[str, ...]
    faint: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table in words, with a caption that defines its columns and remarks on single lines."""

    title: str
    caption: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    remarks: tuple[str, ...] = ()

    def within(self, place: Place) -> Table:
        """Return the table with the columns that ``place`` shows."""
        order = ("narrow", "wide", "page")
        kept = [i for i, column in enumerate(self.columns) if order.index(column.place) <= order.index(place)]
        lines = tuple(Line(tuple(line.cells[i] for i in kept), line.faint) for line in self.lines)
        return replace(self, columns=tuple(self.columns[i] for i in kept), lines=lines)


def tabulate(
    columns: Iterable[Column], rows: Iterable[Any], *, faint: Callable[[Any], bool] = lambda _: False
) -> tuple[tuple[Column, ...], tuple[Line, ...]]:
    """Return the columns and one line of their cells per row."""
    columns = tuple(columns)
    return columns, tuple(Line(tuple(column.cell(row) for column in columns), faint(row)) for row in rows)
