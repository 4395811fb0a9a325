"""Tables of a study's criteria, predictions and decision: each expectation beside its result."""

from __future__ import annotations

from noisy_student.report.numbers import DASH, count, percent, percent_interval, points, points_interval, size, words
from noisy_student.report.table import Column, Table, field, tabulate
from noisy_student.report.wording import Row, comparison, rows, verdict_words

EXPECTED = {"helps": "better", "hurts": "worse", "no-difference": "equivalent"}


def criteria_table(results: Row) -> Table:
    """Return the study's success criteria with the expected and the measured difference."""
    conditions = rows(results, "conditions")
    columns = (
        Column("Criterion", "left", cell=comparison),
        Column("Expected", "left", cell=_expected),
        Column("Points", cell=field("difference", points)),
        Column("95 % interval", cell=field("interval", points_interval)),
        Column(
            "Verdict",
            "left",
            cell=lambda row: words(row.get("verdict") and verdict_words({**row, "primary": True}, conditions)),
        ),
        Column("Answer", "left", cell=field("answer", _measured)),
        Column("Source", "left", "page", field("source", words)),
    )
    caption = (
        "Better and worse hold if the verdict says so. Within a margin is a test of equivalence: it holds if the 90 % "
        "interval lies within the margin and fails if the 95 % interval lies outside it."
    )
    return Table("Success criteria", caption, *tabulate(columns, rows(results, "criteria")))


def _measured(value: object) -> str:
    return str(value or "not measured")


def _expected(row: Row) -> str:
    kind, margin = str(row.get("expected")), row.get("margin")
    words = EXPECTED.get(kind, kind)
    return f"within \N{PLUS-MINUS SIGN}{size(margin)}" if kind == "no-difference" and margin is not None else words


def predictions_table(results: Row) -> Table:
    """Return the predictions made before the run with the measured values."""
    columns = (
        Column("Expected", "left", cell=expectation),
        Column("Found", cell=field("value", percent)),
        Column("95 % interval", cell=field("interval", percent_interval)),
        Column("n", cell=field("n", count)),
        Column("Verdict", "left", cell=field("verdict", _measured)),
        Column("Source", "left", "page", field("source", words)),
    )
    caption = "Held or failed if the Wilson interval lies on one side of the expected bound, otherwise unsure."
    return Table("Predictions", caption, *tabulate(columns, rows(results, "predictions")))


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
        Column("If", "left", cell=field("if")),
        Column("Value", "left", cell=field("value", _found)),
        Column("Holds", "left", cell=field("holds", {None: "unknown", True: "yes", False: "no"}.__getitem__)),
        Column("Then", "left", cell=field("then")),
        Column("Reason", "left", "page", field("because", words)),
    )
    taken = (results.get("decision") or {}).get("rows", ())
    caption = "Rules are evaluated from the top; the first that holds is taken, and an unknown one ends the evaluation."
    return Table("Decision", caption, *tabulate(columns, taken, faint=lambda row: not row.get("holds")))


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
