"""The tables of what was expected before the run, of comparisons and of pseudo-labels, beside what came of it."""

from __future__ import annotations

from noisy_student.report.numbers import DASH, count, percent, percent_interval, points, points_interval
from noisy_student.report.table import Column, Line, Table
from noisy_student.report.wording import Row, comparison, rows, verdict_words

EXPECTED = {"helps": "better", "hurts": "worse", "no-difference": "alike"}


def criteria_table(results: Row) -> Table:
    """The study's criteria of success, what was found, and whether each held."""
    columns = (
        Column("Criterion", "left"),
        Column("Expected", "left"),
        Column("Points"),
        Column("95 % interval"),
        Column("Verdict", "left"),
        Column("Answer", "left"),
        Column("Source", "left", "page"),
    )
    conditions = rows(results, "conditions")
    lines = tuple(
        Line(
            (
                comparison(row),
                _expected(row),
                points(row.get("difference")),
                points_interval(row.get("interval")),
                DASH if row.get("verdict") is None else verdict_words({**row, "primary": True}, conditions),
                str(row.get("answer") or "not measured"),
                str(row.get("source") or DASH),
            )
        )
        for row in rows(results, "criteria")
    )
    caption = (
        "Better or worse holds where the verdict says so. Alike is a test of equivalence: it holds where the 90 % "
        "interval lies within the margin, and has failed where the 95 % interval lies outside of it."
    )
    return Table("Criteria of success", caption, columns, lines)


def _expected(row: Row) -> str:
    kind, margin = str(row.get("expected")), row.get("margin")
    words = EXPECTED.get(kind, kind)
    return f"{words}, within {100 * margin:.1f}" if kind == "no-difference" and margin is not None else words


def predictions_table(results: Row) -> Table:
    """What was expected before the run, what was found, and whether it held."""
    columns = (
        Column("Expected", "left"),
        Column("Found"),
        Column("95 % interval"),
        Column("Of"),
        Column("Verdict", "left"),
        Column("Source", "left", "page"),
    )
    lines = tuple(
        Line(
            (
                expectation(row),
                percent(row.get("value")),
                percent_interval(row.get("interval")),
                count(row.get("n")),
                str(row.get("verdict") or "not measured"),
                str(row.get("source") or DASH),
            )
        )
        for row in rows(results, "predictions")
    )
    caption = "Held or failed where Wilson's interval lies on one side of what was expected, else unsure."
    return Table("Predictions", caption, columns, lines)


def expectation(row: Row) -> str:
    """A prediction in words.

    >>> expectation({"measure": "precision", "condition": "filtered", "above": 0.98})
    'precision of filtered above 98.0 %'
    """
    above = row.get("above")
    bound = f"above {percent(above)}" if above is not None else f"below {percent(row.get('below'))}"
    return f"{row.get('measure')} of {row.get('condition')} {bound}"


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
