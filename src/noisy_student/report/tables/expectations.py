"""Tables of a study's criteria, predictions and decision: each expectation beside its result."""

from __future__ import annotations

from noisy_student.report.numbers import DASH, count, percent, percent_interval, points, points_interval, size
from noisy_student.report.table import Column, Line, Table
from noisy_student.report.wording import Row, comparison, rows, verdict_words

EXPECTED = {"helps": "better", "hurts": "worse", "no-difference": "equivalent"}


def criteria_table(results: Row) -> Table:
    """Return the study's success criteria with the expected and the measured difference."""
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
        "Better and worse hold if the verdict says so. Within a margin is a test of equivalence: it holds if the 90 % "
        "interval lies within the margin and fails if the 95 % interval lies outside it."
    )
    return Table("Success criteria", caption, columns, lines)


def _expected(row: Row) -> str:
    kind, margin = str(row.get("expected")), row.get("margin")
    words = EXPECTED.get(kind, kind)
    return f"within \N{PLUS-MINUS SIGN}{size(margin)}" if kind == "no-difference" and margin is not None else words


def predictions_table(results: Row) -> Table:
    """Return the predictions made before the run with the measured values."""
    columns = (
        Column("Expected", "left"),
        Column("Found"),
        Column("95 % interval"),
        Column("n"),
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
    caption = "Held or failed if the Wilson interval lies on one side of the expected bound, otherwise unsure."
    return Table("Predictions", caption, columns, lines)


def expectation(row: Row) -> str:
    """Return a prediction in words.

    >>> expectation({"measure": "precision", "condition": "filtered", "above": 0.98})
    'precision of filtered above 98.0 %'
    """
    above = row.get("above")
    bound = f"above {percent(above)}" if above is not None else f"below {percent(row.get('below'))}"
    return f"{row.get('measure')} of {row.get('condition')} {bound}"


def decision_table(results: Row) -> Table:
    """Return the rules of the decision up to the one that was taken."""
    columns = (
        Column("If", "left"),
        Column("Value", "left"),
        Column("Holds", "left"),
        Column("Then", "left"),
        Column("Reason", "left", "page"),
    )
    lines = tuple(
        Line(
            (
                str(row["if"]),
                _found(row.get("value")),
                "unknown" if row.get("holds") is None else "yes" if row["holds"] else "no",
                str(row["then"]),
                str(row.get("because") or DASH),
            ),
            faint=not row.get("holds"),
        )
        for row in (results.get("decision") or {}).get("rows", ())
    )
    caption = "Rules are evaluated from the top; the first that holds is taken, and an unknown one ends the evaluation."
    return Table("Decision", caption, columns, lines)


def next_step(results: Row) -> str | None:
    """Return the decision as a sentence; None if the study has no decision rules."""
    decision = results.get("decision")
    if not decision:
        return None
    if decision.get("taken") is None:
        last = f" (last evaluated: {decision['rows'][-1]['if']})" if decision.get("rows") else ""
        return f"Next: undecided, no rule holds{last}."
    because = f": {decision['because']}" if decision.get("because") else ""
    return f"Next: {decision['taken']}{because}."


def _found(value: object) -> str:
    return DASH if value is None else percent(value) if isinstance(value, float) else str(value)
