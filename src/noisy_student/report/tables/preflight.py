"""Table of the pre-flight checks, and the sentence that counts their outcomes."""

from __future__ import annotations

from noisy_student.report.numbers import words
from noisy_student.report.table import Column, Table, field, tabulate
from noisy_student.report.wording import Row, rows

OUTCOMES = ("pass", "warn", "fail", "unsure")


def preflight_table(results: Row) -> Table:
    """Return every check with its measured value, threshold and remedy."""
    columns = (
        Column("Check", "left", cell=field("check")),
        Column("Outcome", "left", cell=field("outcome")),
        Column("Measured", "left", cell=field("measured", words)),
        Column("Threshold", "left", "wide", field("threshold", words)),
        Column("What to do", "left", cell=lambda row: str(row.get("remedy") or "")),
        Column("Details", "left", "page", lambda row: str(row.get("detail") or "")),
    )
    lines = tabulate(columns, rows(results, "preflight"), faint=lambda row: row.get("outcome") == "pass")
    caption = (
        "Measured before the run, for the first seed, on questions that no student trains on. Unsure: the 95 % "
        "interval contains the threshold. A failed check stops the run; --set preflight=false runs it anyway."
    )
    return Table("Pre-flight", caption, *lines)


def counted(results: Row) -> str | None:
    """Return the number of checks by outcome, with the names of those that did not pass; None without checks.

    >>> counted({"preflight": [{"check": "dtype", "outcome": "fail"}, {"check": "disk", "outcome": "pass"}]})
    'Pre-flight: 1 pass, 0 warn, 1 fail (dtype), 0 unsure'
    """
    checks = rows(results, "preflight")
    if not checks:
        return None
    parts = []
    for outcome in OUTCOMES:
        names = [str(row.get("check")) for row in checks if row.get("outcome") == outcome]
        named = f" ({', '.join(names)})" if names and outcome != "pass" else ""
        parts.append(f"{len(names)} {outcome}{named}")
    return f"Pre-flight: {', '.join(parts)}"


def decides(results: Row) -> bool:
    """Return whether the pre-flight is the answer of a run: a check failed, or no condition was planned."""
    checks = rows(results, "preflight")
    return bool(checks) and (any(row.get("outcome") == "fail" for row in checks) or not rows(results, "conditions"))
