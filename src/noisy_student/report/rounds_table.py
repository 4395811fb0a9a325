"""The rounds of self-training in a table: dev accuracy, agreement, what became of the labels, who was turned down."""

from __future__ import annotations

from noisy_student.report.numbers import DASH, count, p_value, percent
from noisy_student.report.table import Column, Line, Table
from noisy_student.report.wording import Row, rows


def rounds_table(results: Row) -> Table:
    """A line a round and seed."""
    columns = (
        Column("Round", "left"),
        Column("Seed", place="wide"),
        Column("On dev"),
        Column("Before"),
        Column("p worse", place="wide"),
        Column("Agreement", place="wide"),
        Column("Selected"),
        Column("New", place="wide"),
        Column("Flipped", place="wide"),
        Column("Mended", place="wide"),
        Column("Spoiled", place="wide"),
        Column("Outcome", "left"),
    )
    lines = tuple(_line(row) for row in rows(results, "rounds"))
    caption = (
        "On dev, Before: greedy accuracy of this round's student and of the one before. Selected, New, Flipped: "
        "labels of this round, those not selected in the round before, votes whose answer changed; mended and spoiled "
        "are flips to and from the right answer. A student that is surely worse, or the second one in a row with an "
        "alarm, is turned down, and the chain ends there."
    )
    return Table("Rounds", caption, columns, lines, tuple(_remarks(results)))


def _line(row: Row) -> Line:
    name, seed, status = str(row.get("condition")), count(row.get("seed")), str(row.get("status"))
    if "now" not in row:
        return Line((name, seed, *[DASH] * 9, status), faint=True)
    changed = row.get("lineage") or {}
    return Line(
        (
            name,
            seed,
            percent(row["now"]["accuracy"]),
            percent(row["before"]["accuracy"]),
            p_value(row.get("p_worse")),
            percent(row["now"]["agreement"]),
            count(row.get("selected")),
            count(changed.get("added")),
            count(changed.get("flipped")),
            count(changed.get("mended")),
            count(changed.get("spoiled")),
            status,
        ),
        faint=status != "accepted",
    )


def _remarks(results: Row) -> list[str]:
    said = []
    for row in rows(results, "rounds"):
        where = f"{row.get('condition')}, seed {count(row.get('seed'))}"
        if row.get("status") == "turned down":
            said.append(f"{where} was turned down: {row.get('reason')}.")
        said += [
            f"{where}, alarm: {alarm['name']} ({alarm['before']:.3g} to {alarm['now']:.3g})."
            for alarm in row.get("alarms") or ()
        ]
    return said
