"""A table before it is drawn: words in cells, for terminal and page alike."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Place = Literal["narrow", "wide", "page"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its head, how it is set, and the smallest place that has room for it."""

    name: str
    align: Literal["left", "right"] = "right"
    place: Place = "narrow"


@dataclass(frozen=True, slots=True)
class Line:
    """A row of cells; ``faint`` rows hold what decides nothing: exploratory findings, conditions that did not run."""

    cells: tuple[str, ...]
    faint: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table in words, with a caption that says how to read it and remarks on lines that need one."""

    title: str
    caption: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    remarks: tuple[str, ...] = ()

    def within(self, place: Place) -> Table:
        """The table with only the columns that ``place`` has room for."""
        order = ("narrow", "wide", "page")
        kept = [i for i, column in enumerate(self.columns) if order.index(column.place) <= order.index(place)]
        lines = tuple(Line(tuple(line.cells[i] for i in kept), line.faint) for line in self.lines)
        return replace(self, columns=tuple(self.columns[i] for i in kept), lines=lines)
