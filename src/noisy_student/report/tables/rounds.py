"""Tables of self-training rounds and of pass@k."""

from __future__ import annotations

from noisy_student.report.numbers import count, p_value, percent, points, points_interval
from noisy_student.report.table import Column, Line, Table, field, tabulate
from noisy_student.report.wording import Row, comparison, rows

STARTED = ("condition", "seed", "status")


def rounds_table(results: Row) -> Table:
    """Return one line per round and seed."""
    columns = (
        Column("Round", "left", cell=field("condition")),
        Column("Seed", place="wide", cell=field("seed", count)),
        Column("Dev accuracy", cell=field("now.accuracy", percent)),
        Column("Previous", cell=field("before.accuracy", percent)),
        Column("p worse", place="wide", cell=field("p_worse", p_value)),
        Column("Agreement", place="wide", cell=field("now.agreement", percent)),
        Column("Selected", cell=field("selected", count)),
        Column("New", place="wide", cell=field("lineage.added", count)),
        Column("Flipped", place="wide", cell=field("lineage.flipped", count)),
        Column("Corrected", place="wide", cell=field("lineage.mended", count)),
        Column("Corrupted", place="wide", cell=field("lineage.spoiled", count)),
        Column("Outcome", "left", cell=field("status")),
    )
    caption = (
        "Dev accuracy, Previous: greedy accuracy of this round's student and of its predecessor. Selected, New, "
        "Flipped: labels of this round, labels not selected in the previous round, votes whose answer changed. "
        "Corrected, Corrupted: flips to and from the correct answer. A student that is significantly worse, or the "
        "second in a row with an alarm, is rejected, and the chain ends."
    )
    # A round without a measured student shows dashes for its labels too.
    measured = [row if "now" in row else {name: row.get(name) for name in STARTED} for row in rows(results, "rounds")]
    lines = tabulate(columns, measured, faint=lambda row: "now" not in row or row.get("status") != "accepted")
    return Table("Rounds", caption, *lines, tuple(_remarks(results)))


def _remarks(results: Row) -> list[str]:
    said = []
    for row in rows(results, "rounds"):
        where = f"{row.get('condition')}, seed {count(row.get('seed'))}"
        if "now" in row and row.get("status") != "accepted":
            said.append(f"{where}, {row.get('status')}: {row.get('reason')}.")
        said += [
            f"{where}, alarm: {alarm['name']} ({alarm['before']:.3g} to {alarm['now']:.3g})."
            for alarm in row.get("alarms") or ()
        ]
    return said


WORDS = {
    "learned": "learned: higher pass@K",
    "sharpened": "sharpened: higher pass@1, pass@K not higher",
    "narrowed": "narrowed: higher pass@1, lower pass@K",
    "worse": "worse",
    "unclear": "unclear at this size",
}


def passes_table(results: Row) -> Table:
    """Return pass@k and maj@k by condition, seed and k."""
    curves = list((results.get("passes") or {}).get("curves") or ())
    ks = [point["k"] for point in curves[0]["points"]] if curves else []
    columns = (
        Column("Condition", "left"),
        Column("Seed", place="wide"),
        Column("Measure", "left"),
        *(Column(f"k = {k}") for k in ks),
    )
    lines = []
    for curve in curves:
        for measure, words in (("pass", "pass@k"), ("maj", "maj@k")):
            values = [percent(point[measure]) for point in curve["points"]]
            lines.append(Line((str(curve["condition"]), count(curve["seed"]), words, *values), measure == "maj"))
    asked = f"{curves[0]['questions']} test questions, {curves[0]['k']} samples each. " if curves else ""
    caption = (
        f"{asked}pass@k: at least one of k samples is correct; maj@k: their majority vote is. Both are unbiased means "
        "over all subsets."
    )
    return Table("pass@k and maj@k", caption, columns, tuple(lines))


def gains_table(results: Row) -> Table:
    """Return gains in pass@1, pass@K and greedy accuracy by pair of conditions."""
    gains = list((results.get("passes") or {}).get("gains") or ())
    many = str(gains[0]["many"]["name"]) if gains else "pass@K"
    columns = (
        Column("Student - other", "left", cell=comparison),
        Column("pass@1", cell=field("one.difference", points)),
        Column("95 % interval", place="wide", cell=field("one.interval", points_interval)),
        Column(many, cell=field("many.difference", points)),
        Column("95 % interval", place="wide", cell=field("many.interval", points_interval)),
        Column("p adjusted", place="wide", cell=field("many.p_adjusted", p_value)),
        Column("Reasoning", place="page", cell=field("reasoning", points)),
        Column("Format", place="page", cell=field("format", points)),
        Column("Conclusion", "left", cell=field("kind", WORDS.__getitem__)),
    )
    caption = (
        "In points, exploratory; p is adjusted by Benjamini-Hochberg. Reasoning: gain in greedy accuracy with any "
        "answer format; Format: additional gain with the strict format (after ####)."
    )
    return Table("Sharpened or learned", caption, *tabulate(columns, gains))
