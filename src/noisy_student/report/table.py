"""Tables as words in cells, before the terminal or the page draws them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Place = Literal["narrow", "wide", "page"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its head, its alignment and the narrowest place that shows it."""

    name: str
    align: Literal["left", "right"] = "right"
    place: Place = "narrow"


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
