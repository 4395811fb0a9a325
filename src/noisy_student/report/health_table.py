"""What was wrong with trainings, and what to do: a table for the page, lines for the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from noisy_student.report.numbers import count
from noisy_student.report.table import Column, Line, Table
from noisy_student.report.wording import Row, rows

HEALTHY = "healthy"


def health_table(results: Row) -> Table:
    """Every trained student that was looked at, with what was found first, or healthy."""
    columns = (
        Column("Condition", "left"),
        Column("Seed"),
        Column("Step"),
        Column("Found", "left"),
        Column("Seen", "left"),
        Column("Cause", "left"),
        Column("What to do", "left"),
    )
    lines = []
    for row in _looked_at(results):
        name, seed = str(row.get("name")), count(row.get("seed"))
        looks = row["health"]["looks"]
        for found in row["health"]["found"]:
            words = (str(found[part]) for part in ("name", "evidence", "cause", "remedy"))
            lines.append(Line((name, seed, count(found["step"]), *words)))
        if not row["health"]["found"]:
            seen = f"{len(looks)} look{'s' if len(looks) > 1 else ''}"
            lines.append(Line((name, seed, count(looks[-1]), HEALTHY, seen, "", ""), faint=True))
    caption = (
        "Looks at a training by rules with fixed thresholds; of a chain of conditions the cause is named. Healthy "
        "means that none of the rules found anything up to this step, no more."
    )
    return Table("Health", caption, columns, tuple(lines))


def health_lines(results: Row) -> Iterator[str]:
    """A sentence for every condition that was found."""
    for row in _looked_at(results):
        for found in row["health"]["found"]:
            yield (
                f"Unhealthy: {row.get('name')} (seed {row.get('seed')}), step {found['step']}: {found['name']}. "
                f"{found['evidence']} {found['cause']} Do: {found['remedy']}"
            )


def misleading(results: Row) -> list[str]:
    """What looks wrong in the curves and is not, once for all students whose numbers say it."""
    said = (f"{row.get('name')}: {text}" for row in _looked_at(results) for text in row["health"]["misleading"])
    return list(dict.fromkeys(said))


def _looked_at(results: Row) -> list[Row]:
    return [row for row in rows(results, "conditions") if row.get("health")]
