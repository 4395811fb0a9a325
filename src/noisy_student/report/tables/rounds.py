"""Tables of self-training rounds and of pass@k."""

from __future__ import annotations

from noisy_student.report.numbers import DASH, count, p_value, percent, points, points_interval
from noisy_student.report.table import Column, Line, Table
from noisy_student.report.wording import Row, rows


def rounds_table(results: Row) -> Table:
    """Return one line per round and seed."""
    columns = (
        Column("Round", "left"),
        Column("Seed", place="wide"),
        Column("Dev accuracy"),
        Column("Previous"),
        Column("p worse", place="wide"),
        Column("Agreement", place="wide"),
        Column("Selected"),
        Column("New", place="wide"),
        Column("Flipped", place="wide"),
        Column("Corrected", place="wide"),
        Column("Corrupted", place="wide"),
        Column("Outcome", "left"),
    )
    lines = tuple(_line(row) for row in rows(results, "rounds"))
    caption = (
        "Dev accuracy, Previous: greedy accuracy of this round's student and of its predecessor. Selected, New, "
        "Flipped: labels of this round, labels not selected in the previous round, votes whose answer changed. "
        "Corrected, Corrupted: flips to and from the correct answer. A student that is significantly worse, or the "
        "second in a row with an alarm, is rejected, and the chain ends."
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
        Column("Student - other", "left"),
        Column("pass@1"),
        Column("95 % interval", place="wide"),
        Column(many),
        Column("95 % interval", place="wide"),
        Column("p adjusted", place="wide"),
        Column("Reasoning", place="page"),
        Column("Format", place="page"),
        Column("Conclusion", "left"),
    )
    lines = tuple(
        Line(
            (
                f"{row['a']} - {row['b']}",
                points(row["one"]["difference"]),
                points_interval(row["one"]["interval"]),
                points(row["many"]["difference"]),
                points_interval(row["many"]["interval"]),
                p_value(row["many"]["p_adjusted"]),
                points(row["reasoning"]) if row["reasoning"] is not None else DASH,
                points(row["format"]) if row["format"] is not None else DASH,
                WORDS[row["kind"]],
            )
        )
        for row in gains
    )
    caption = (
        "In points, exploratory; p is adjusted by Benjamini-Hochberg. Reasoning: gain in greedy accuracy with any "
        "answer format; Format: additional gain with the strict format (after ####)."
    )
    return Table("Sharpened or learned", caption, columns, lines)
