"""The pre-flight in words: a table of checks, and one sentence that counts them."""

from __future__ import annotations

from noisy_student.report.numbers import DASH
from noisy_student.report.table import Column, Line, Table
from noisy_student.report.wording import Row, rows

OUTCOMES = ("pass", "warn", "fail", "unsure")


def preflight_table(results: Row) -> Table:
    """Every check with what was measured, where its threshold lies and what to do."""
    columns = (
        Column("Check", "left"),
        Column("Outcome", "left"),
        Column("Measured", "left"),
        Column("Threshold", "left", "wide"),
        Column("What to do", "left"),
        Column("Seen", "left", "page"),
    )
    lines = tuple(
        Line(
            (
                str(row.get("check")),
                str(row.get("outcome")),
                str(row.get("measured") or DASH),
                str(row.get("threshold") or DASH),
                str(row.get("remedy") or ""),
                str(row.get("detail") or ""),
            ),
            faint=row.get("outcome") == "pass",
        )
        for row in rows(results, "preflight")
    )
    caption = (
        "Before the run, on questions that no student is trained on, for the first seed. Unsure: the 95 % interval "
        "holds the threshold. A failed check withholds the rest; --set preflight=false does it anyway."
    )
    return Table("Pre-flight", caption, columns, lines)


def counted(results: Row) -> str | None:
    """How many checks passed, warned, failed and were unsure, the failed ones by name; None without checks.

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
    """Whether the checks are what a run has to say first: one failed, or there is nothing else."""
    checks = rows(results, "preflight")
    return bool(checks) and (any(row.get("outcome") == "fail" for row in checks) or not rows(results, "conditions"))
