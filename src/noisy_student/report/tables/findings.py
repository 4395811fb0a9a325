"""The tables of a run as rows of words, for terminal and page alike: a results document in, ``Table`` records out.

Every number a reader sees is worded here once, so terminal and page cannot disagree.
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


def findings_table(results: Row) -> Table:
    """The findings, primary ones first, exploratory ones below and marked."""
    conditions = rows(results, "conditions")
    ordered = sorted(rows(results, "findings"), key=lambda finding: not finding.get("primary"))
    columns = (
        Column("Comparison", "left"),
        Column("Points"),
        Column("95 % interval"),
        Column("p", place="wide"),
        Column("p adjusted"),
        Column("MDE"),
        Column("Verdict", "left"),
        Column("Speaks of", "left", "page"),
    )
    lines = tuple(Line(_finding(finding, conditions), not finding.get("primary")) for finding in ordered)
    caption = (
        "Points: the first minus the second, in percentage points. Intervals are unadjusted; p is adjusted by Holm "
        "over the primary findings."
    )
    if any(line.faint for line in lines):
        caption += " Exploratory findings decide nothing; theirs is adjusted by Benjamini-Hochberg."
    return Table("Findings", caption, columns, lines)


def methods_table(results: Row) -> Table:
    """How each finding was tested: by what, over how many seeds and questions, against which margin."""
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
    return Table("How each was tested", "Margin in points: a smaller difference counts as none.", columns, lines)


def conditions_table(results: Row) -> Table:
    """One line a condition: over several seeds the mean, and beside it the value of each seed.

    Why a condition or seed did not run stands in the remarks.
    """
    groups = by_name(rows(results, "conditions"))
    several = any(len(group) > 1 for group in groups.values())
    columns = (
        Column("Condition", "left"),
        Column("Accuracy"),
        Column("By seed, %" if several else "95 % interval"),
        Column("Strict"),
        Column("Stopped"),
        Column("Trained on"),
        Column("Labels right"),
        Column("Steps", place="wide"),
        Column("Tokens", place="wide"),
        Column("Sampled", place="wide"),
        Column("Method", "left", "page"),
        Column("Time", place="page"),
    )
    lines = tuple(_condition(name, group) for name, group in groups.items())
    caption = "Accuracy is the mean over seeds." if several else "Intervals are Wilson's, for one checkpoint."
    if any(row.get("graded_on") == "dev" for row in rows(results, "conditions")):
        caption += " Those in grey were tested on dev, on the way to one that is tested."
    caption += " Strict: the answer stood after ####. Stopped: ended by itself. Labels right: of the pseudo-labels."
    remarks = tuple(remark for name, group in groups.items() for remark in _remarks(name, group))
    return Table("Conditions", caption, columns, lines, remarks)


def runs_table(results: Row) -> Table:
    """One line a condition and seed, with Wilson's interval of each."""
    columns = (
        Column("Condition", "left"),
        Column("Seed"),
        Column("Accuracy"),
        Column("95 % interval"),
        Column("Right"),
        Column("Of"),
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
    return Table("Every seed", "Intervals are Wilson's 95 %, for one checkpoint.", columns, lines)


def labels_table(results: Row) -> Table:
    """One line a set of votes and seed; what only the truth could tell is a dash where the truth is unknown."""
    columns = (
        Column("Labels", "left"),
        Column("Teacher", "left"),
        Column("Seed"),
        Column("K"),
        Column("Questions"),
        Column("One sample"),
        Column("Vote"),
        Column("Precision", place="wide"),
        Column("Coverage", place="wide"),
        Column("Ties", place="wide"),
        Column("Selected", place="wide"),
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
                count(row.get("selected")),
            )
        )
        for row in rows(results, "labels")
    )
    caption = "One sample, Vote: right of all questions. Precision: right of those labeled."
    remarks = tuple(_on_dev(row) for row in rows(results, "labels") if row.get("on_dev"))
    return Table("Labels", caption, columns, lines, remarks)


def gap_table(results: Row) -> Table:
    """How much of the way from baseline to oracle each student went, where the oracle's gap is certain."""
    lines = tuple(
        Line((str(row.get("condition")), percent(row.get("estimate")), percent_interval(row.get("interval"))))
        for row in rows(results, "gap_recovered")
    )
    columns = (Column("Condition", "left"), Column("Gap recovered"), Column("95 % interval"))
    caption = "(student - baseline) / (oracle - baseline); shown only where the oracle's own gap excludes 0."
    return Table("Gap recovered", caption, columns, lines)


def by_name(conditions: Sequence[Row]) -> dict[str, list[Row]]:
    """The rows of each name, names in the order of their first row."""
    groups: dict[str, list[Row]] = {}
    for row in conditions:
        groups.setdefault(str(row.get("name")), []).append(row)
    return groups


def mean(values: Sequence[float | None]) -> float | None:
    """The mean of what is known; None where nothing is.

    >>> mean([0.2, None, 0.4]), mean([None])
    (0.30000000000000004, None)
    """
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


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

    def over(field: str) -> float | None:
        return mean([row.get(field) for row in done])

    def whole(field: str) -> int | None:
        value = over(field)
        return None if value is None else round(value)

    if not done:
        spread = DASH
    elif len(group) > 1:
        spread = " ".join(size(row.get("accuracy")) for row in group)
    else:
        spread = percent_interval(group[0].get("interval"))
    cells = (
        name,
        percent(over("accuracy")),
        spread,
        percent(over("strict_accuracy")),
        percent(over("stop_rate")),
        count(whole("trained_on")),
        percent(over("label_accuracy")),
        count(whole("steps")),
        short_count(over("trained_tokens")),
        short_count(over("sampled_tokens")),
        str(group[0].get("method") or DASH),
        duration(over("seconds")),
    )
    return Line(cells, not done or group[0].get("graded_on") == "dev")


def _on_dev(row: Row) -> str:
    """What dev says in place of the truth that is not known."""
    dev = row["on_dev"]
    return (
        f"{row.get('name')}, seed {count(row.get('seed'))}: the unlabeled questions have no answers; of the votes of"
        f" {row.get('teacher')} on the {count(dev['questions'])} dev questions {percent(dev['accuracy'])} are right"
        f" {percent_interval(dev['interval'])}, of its single samples {percent(dev['single_accuracy'])}."
    )


def _status(row: Row) -> str:
    status, reason = str(row.get("status") or DASH), row.get("reason")
    return f"{status}: {reason}" if reason else status


def _remarks(name: str, group: Sequence[Row]) -> list[str]:
    """Why seeds of a condition did not run, said once where the reason is the same."""
    reasons: dict[str, list[str]] = {}
    for row in group:
        if row.get("status") != "done":
            reasons.setdefault(_status(row), []).append(str(row.get("seed")))
    if len(reasons) == 1 and len(next(iter(reasons.values()))) == len(group):
        return [f"{name} {next(iter(reasons))}"]
    return [f"{name}, seed {', '.join(seeds)}, {reason}" for reason, seeds in reasons.items()]
