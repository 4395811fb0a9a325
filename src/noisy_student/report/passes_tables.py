"""Sharpened or learned, in tables: what a model can do in k tries, and what a student gained at one try and at many."""

from __future__ import annotations

from noisy_student.report.numbers import DASH, count, p_value, percent, points, points_interval
from noisy_student.report.table import Column, Line, Table
from noisy_student.report.wording import Row

WORDS = {
    "learned": "learned: does in all tries what the other does in none",
    "sharpened": "sharpened: surer of what the other could do",
    "narrowed": "narrowed: surer, and no longer of all that the other could do",
    "worse": "worse",
    "unclear": "unclear at this size",
}


def passes_table(results: Row) -> Table:
    """A line a condition and seed: pass@k and maj@k for every k."""
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
    asked = f"{curves[0]['questions']} test questions, {curves[0]['k']} samples of each. " if curves else ""
    caption = (
        f"{asked}pass@k: at least one of k samples is right; maj@k: their vote is. Both are unbiased, over all subsets."
    )
    return Table("What k tries can do", caption, columns, tuple(lines))


def gains_table(results: Row) -> Table:
    """A line a pair: gains of one try and of all, and of the greedy answer by reasoning and by format."""
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
        Column("So it", "left"),
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
        "In points, exploratory; adjusted by Benjamini-Hochberg. Reasoning: what greedy answers gained by any way of "
        "reading; Format: what the strict reading (after ####) gained beyond that."
    )
    return Table("Sharpened or learned", caption, columns, lines)
