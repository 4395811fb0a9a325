"""Tables of findings, conditions and labels, made from a results document.

Each number is formatted here once, so terminal and page cannot disagree.
"""

from __future__ import annotations

from collections.abc import Sequence

from noisy_student.report.numbers import (
    DASH,
    count,
    duration,
    p_value,
    percent,
    percent_interval,
    points,
    points_interval,
    short_count,
    size,
)
from noisy_student.report.table import Column, Line, Table
from noisy_student.report.wording import Row, comparison, rows, unit_words, verdict_words

CHECKPOINT_INTERVALS = "Intervals are 95 % Wilson intervals of one checkpoint."


def findings_in_order(results: Row) -> list[Row]:
    """Return the findings, primary ones first."""
    return sorted(rows(results, "findings"), key=lambda finding: not finding.get("primary"))


def findings_table(results: Row) -> Table:
    """Return all findings, primary ones first, exploratory ones greyed."""
    conditions = rows(results, "conditions")
    ordered = findings_in_order(results)
    columns = (
        Column("Comparison", "left"),
        Column("Points"),
        Column("95 % interval"),
        Column("p", place="wide"),
        Column("p adjusted"),
        Column("MDE"),
        Column("Verdict", "left"),
        Column("Scope", "left", "page"),
    )
    lines = tuple(Line(_finding(finding, conditions), not finding.get("primary")) for finding in ordered)
    caption = (
        "Points: first minus second condition, in percentage points. Intervals are unadjusted; p is Holm-adjusted over "
        "the primary findings."
    )
    if any(line.faint for line in lines):
        caption += " Exploratory findings have no verdict; their p is adjusted by Benjamini-Hochberg."
    return Table("Findings", caption, columns, lines)


def methods_table(results: Row) -> Table:
    """Return the statistical test of each finding, its seeds, questions and equivalence margin."""
    columns = (
        Column("Finding", "left"),
        Column("Comparison", "left"),
        Column("Family", "left"),
        Column("Test", "left"),
        Column("Seeds"),
        Column("Questions"),
        Column("Margin"),
    )
    lines = tuple(
        Line(
            (
                str(finding.get("name")),
                comparison(finding),
                str(finding.get("family") or DASH),
                str(finding.get("method") or DASH),
                count(finding.get("seeds")),
                count(finding.get("n")),
                size(finding.get("margin")),
            ),
            not finding.get("primary"),
        )
        for finding in rows(results, "findings")
    )
    return Table("Statistical tests", "Margin: the equivalence margin in points.", columns, lines)


def conditions_table(results: Row) -> Table:
    """Return one line per condition with means over seeds; remarks name why a condition or seed did not run."""
    groups = by_name(rows(results, "conditions"))
    several = any(len(group) > 1 for group in groups.values())
    columns = (
        Column("Condition", "left"),
        Column("Accuracy"),
        Column("By seed, %" if several else "95 % interval"),
        Column("Strict"),
        Column("Stopped"),
        Column("Trained on"),
        Column("Label acc."),
        Column("Steps", place="wide"),
        Column("Tokens", place="wide"),
        Column("Sampled", place="wide"),
        Column("Method", "left", "page"),
        Column("Time", place="page"),
    )
    lines = tuple(_condition(name, group) for name, group in groups.items())
    caption = "Accuracy is the mean over seeds." if several else CHECKPOINT_INTERVALS
    if any(row.get("graded_on") == "dev" for row in rows(results, "conditions")):
        caption += " Greyed rows are intermediate models, evaluated on dev only."
    caption += " Strict: the answer follows ####. Stopped: ended by the model. Label acc.: accuracy of pseudo-labels."
    remarks = tuple(remark for name, group in groups.items() for remark in _remarks(name, group))
    return Table("Conditions", caption, columns, lines, remarks)


def runs_table(results: Row) -> Table:
    """Return one line per condition and seed."""
    columns = (
        Column("Condition", "left"),
        Column("Seed"),
        Column("Accuracy"),
        Column("95 % interval"),
        Column("Correct"),
        Column("n"),
        Column("Strict"),
        Column("Stopped"),
        Column("Steps"),
        Column("Tokens"),
        Column("Time"),
        Column("Status", "left"),
    )
    lines = tuple(
        Line(
            (
                str(row.get("name")),
                count(row.get("seed")),
                percent(row.get("accuracy")),
                percent_interval(row.get("interval")),
                count(row.get("correct")),
                count(row.get("n")),
                percent(row.get("strict_accuracy")),
                percent(row.get("stop_rate")),
                count(row.get("steps")),
                short_count(row.get("trained_tokens")),
                duration(row.get("seconds")),
                _status(row),
            ),
            row.get("status") != "done",
        )
        for row in rows(results, "conditions")
    )
    return Table("By seed", CHECKPOINT_INTERVALS, columns, lines)


def labels_table(results: Row) -> Table:
    """Return one line per set of votes and seed; accuracies are a dash if gold answers are unknown."""
    columns = (
        Column("Labels", "left"),
        Column("Teacher", "left"),
        Column("Seed"),
        Column("K"),
        Column("Questions"),
        Column("Single sample"),
        Column("Vote"),
        Column("Precision", place="wide"),
        Column("Coverage", place="wide"),
        Column("Ties", place="wide"),
    )
    lines = tuple(
        Line(
            (
                str(row.get("name")),
                str(row.get("teacher") or DASH),
                count(row.get("seed")),
                count(row.get("k")),
                count(row.get("questions")),
                percent(row.get("single_accuracy")),
                percent(row.get("accuracy")),
                percent(row.get("precision")),
                percent(row.get("coverage")),
                percent(row.get("tie_rate")),
            )
        )
        for row in rows(results, "labels")
    )
    caption = "Single sample, Vote: accuracy over all questions. Precision: vote accuracy over questions with a label."
    remarks = tuple(_on_dev(row) for row in rows(results, "labels") if row.get("on_dev"))
    return Table("Labels", caption, columns, lines, remarks)


def gap_table(results: Row) -> Table:
    """Return the share of the gap between baseline and oracle that each student recovered."""
    lines = tuple(
        Line((str(row.get("condition")), percent(row.get("estimate")), percent_interval(row.get("interval"))))
        for row in rows(results, "gap_recovered")
    )
    columns = (Column("Condition", "left"), Column("Gap recovered"), Column("95 % interval"))
    caption = "(student - baseline) / (oracle - baseline); shown only if the interval of oracle - baseline excludes 0."
    return Table("Gap recovered", caption, columns, lines)


def by_name(rows: Sequence[Row], field: str = "name") -> dict[str, list[Row]]:
    """Return the rows of each name, names in the order of their first row."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(str(row.get(field)), []).append(row)
    return groups


def mean(values: Sequence[float | None]) -> float | None:
    """Return the mean of the known values; None without any.

    >>> mean([0.2, None, 0.4]), mean([None])
    (0.30000000000000004, None)
    """
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def over(group: Sequence[Row], field: str) -> float | None:
    """Return the mean of a field over the rows that know it."""
    return mean([row.get(field) for row in group])


def whole(group: Sequence[Row], field: str) -> int | None:
    """Return the mean of a field, rounded to a whole number."""
    value = over(group, field)
    return None if value is None else round(value)


def _finding(finding: Row, conditions: Sequence[Row]) -> tuple[str, ...]:
    return (
        comparison(finding),
        points(finding.get("difference")),
        points_interval(finding.get("interval")),
        p_value(finding.get("p_value")),
        p_value(finding.get("p_adjusted")),
        size(finding.get("mde")),
        verdict_words(finding, conditions),
        DASH if finding.get("difference") is None else unit_words(finding) or DASH,
    )


def _condition(name: str, group: Sequence[Row]) -> Line:
    done = [row for row in group if row.get("status") == "done"]
    if not done:
        spread = DASH
    elif len(group) > 1:
        spread = " ".join(size(row.get("accuracy")) for row in group)
    else:
        spread = percent_interval(group[0].get("interval"))
    cells = (
        name,
        percent(over(done, "accuracy")),
        spread,
        percent(over(done, "strict_accuracy")),
        percent(over(done, "stop_rate")),
        count(whole(done, "trained_on")),
        percent(over(done, "label_accuracy")),
        count(whole(done, "steps")),
        short_count(over(done, "trained_tokens")),
        short_count(over(done, "sampled_tokens")),
        str(group[0].get("method") or DASH),
        duration(over(done, "seconds")),
    )
    return Line(cells, not done or group[0].get("graded_on") == "dev")


def _on_dev(row: Row) -> str:
    """Return a remark with the vote accuracy on dev for unlabeled questions without gold answers."""
    dev = row["on_dev"]
    return (
        f"{row.get('name')}, seed {count(row.get('seed'))}: the unlabeled questions have no gold answers; on"
        f" {count(dev['questions'])} dev questions, votes of {row.get('teacher')} are {percent(dev['accuracy'])}"
        f" correct {percent_interval(dev['interval'])}, single samples {percent(dev['single_accuracy'])}."
    )


def _status(row: Row) -> str:
    status, reason = str(row.get("status") or DASH), row.get("reason")
    return f"{status}: {reason}" if reason else status


def _remarks(name: str, group: Sequence[Row]) -> list[str]:
    """Return why seeds of a condition did not run, one remark per reason."""
    reasons: dict[str, list[str]] = {}
    for row in group:
        if row.get("status") != "done":
            reasons.setdefault(_status(row), []).append(str(row.get("seed")))
    if len(reasons) == 1 and len(next(iter(reasons.values()))) == len(group):
        return [f"{name} {next(iter(reasons))}"]
    return [f"{name}, seed {', '.join(seeds)}, {reason}" for reason, seeds in reasons.items()]
