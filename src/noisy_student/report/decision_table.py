"""A study's decision tree in words: which branch was taken, and what was asked on the way."""

from __future__ import annotations

from noisy_student.report.numbers import DASH, percent
from noisy_student.report.table import Column, Line, Table
from noisy_student.report.wording import Row


def decision_table(results: Row) -> Table:
    """The rows of the tree up to the one that was taken."""
    columns = (
        Column("Asked", "left"),
        Column("Found", "left"),
        Column("Holds", "left"),
        Column("Then", "left"),
        Column("Why", "left", "page"),
    )
    lines = tuple(
        Line(
            (
                str(row["if"]),
                _found(row.get("value")),
                "not known" if row.get("holds") is None else "yes" if row["holds"] else "no",
                str(row["then"]),
                str(row.get("because") or DASH),
            ),
            faint=not row.get("holds"),
        )
        for row in (results.get("decision") or {}).get("rows", ())
    )
    caption = "Rows are asked from above; the first that holds is taken, and one that is not known ends the walk."
    return Table("Decision", caption, columns, lines)


def next_step(results: Row) -> str | None:
    """A sentence on what comes next; None for a study that decides nothing."""
    decision = results.get("decision")
    if not decision:
        return None
    if decision.get("taken") is None:
        asked = decision["rows"][-1]["if"] if decision.get("rows") else "nothing"
        return f"Next: not decided, since no row holds ({asked} was asked last)."
    because = f": {decision['because']}" if decision.get("because") else ""
    return f"Next: {decision['taken']}{because}."


def _found(value: object) -> str:
    return DASH if value is None else percent(value) if isinstance(value, float) else str(value)
