"""Tables of findings, conditions and labels, made from a results document.

Each number is formatted here once, so terminal and page cannot disagree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from noisy_student.report.numbers import (
    DASH,
    count,
    duration,
    p_value,
    percent,
    percent_interval,
    points,
    points_interval,
    rounded,
    short_count,
    size,
    words,
)
from noisy_student.report.table import Cell, Column, Table, field, tabulate
from noisy_student.report.wording import Row, comparison, rows, unit_words, verdict_words

CHECKPOINT_INTERVALS = "Intervals are 95 % Wilson intervals of one checkpoint."


def findings_in_order(results: Row) -> list[Row]:
    """Return the findings, primary ones first."""
    return sorted(rows(results, "findings"), key=_exploratory)


def _exploratory(finding: Row) -> bool:
    return not finding.get("primary")


def findings_table(results: Row) -> Table:
    """Return all findings, primary ones first, exploratory ones greyed."""
    conditions = rows(results, "conditions")
    columns = (
        Column("Comparison", "left", cell=comparison),
        Column("Points", cell=field("difference", points)),
        Column("95 % interval", cell=field("interval", points_interval)),
        Column("p", place="wide", cell=field("p_value", p_value)),
        Column("p adjusted", cell=field("p_adjusted", p_value)),
        Column("MDE", cell=field("mde", size)),
        Column("Verdict", "left", cell=lambda row: verdict_words(row, conditions)),
        Column("Scope", "left", "page", lambda row: words(row.get("difference") is not None and unit_words(row))),
    )
    ordered = findings_in_order(results)
    caption = (
        "Points: first minus second condition, in percentage points. Intervals are unadjusted; p is Holm-adjusted over "
        "the primary findings."
    )
    if any(map(_exploratory, ordered)):
        caption += " Exploratory findings have no verdict; their p is adjusted by Benjamini-Hochberg."
    return Table("Findings", caption, *tabulate(columns, ordered, faint=_exploratory))


def methods_table(results: Row) -> Table:
    """Return the statistical test of each finding, its seeds, questions and equivalence margin."""
    columns = (
        Column("Finding", "left", cell=field("name")),
        Column("Comparison", "left", cell=comparison),
        Column("Family", "left", cell=field("family", words)),
        Column("Test", "left", cell=field("method", words)),
        Column("Seeds", cell=field("seeds", count)),
        Column("Questions", cell=field("n", count)),
        Column("Margin", cell=field("margin", size)),
    )
    caption = "Margin: the equivalence margin in points."
    return Table("Statistical tests", caption, *tabulate(columns, rows(results, "findings"), faint=_exploratory))


def conditions_table(results: Row) -> Table:
    """Return one line per condition with means over seeds; remarks name why a condition or seed did not run."""
    groups = list(by_name(rows(results, "conditions")).values())
    several = any(len(group) > 1 for group in groups)
    columns = (
        Column("Condition", "left", cell=lambda group: str(group[0].get("name"))),
        Column("Accuracy", cell=_over_done("accuracy", percent)),
        Column("By seed, %" if several else "95 % interval", cell=_spread),
        Column("Strict", cell=_over_done("strict_accuracy", percent)),
        Column("Stopped", cell=_over_done("stop_rate", percent)),
        Column("Trained on", cell=_over_done("trained_on", rounded)),
        *([Column("Left out", cell=_gold_left_out)] if any(map(_left_out, rows(results, "conditions"))) else ()),
        Column("Label acc.", cell=_over_done("label_accuracy", percent)),
        Column("Steps", place="wide", cell=_over_done("steps", rounded)),
        Column("Tokens", place="wide", cell=_over_done("trained_tokens", short_count)),
        Column("Sampled", place="wide", cell=_over_done("sampled_tokens", short_count)),
        Column("Method", "left", "page", lambda group: words(group[0].get("method"))),
        Column("Time", place="page", cell=_over_done("seconds", duration)),
    )
    caption = "Accuracy is the mean over seeds." if several else CHECKPOINT_INTERVALS
    if any(row.get("graded_on") == "dev" for row in rows(results, "conditions")):
        caption += " Greyed rows are intermediate models, evaluated on dev only."
    caption += " Strict: the answer follows ####. Stopped: ended by the model. Label acc.: accuracy of pseudo-labels."
    if any(map(_left_out, rows(results, "conditions"))):
        caption += " Left out: gold examples that training left out, see the notes."
    lines = tabulate(columns, groups, faint=lambda group: not _done(group) or group[0].get("graded_on") == "dev")
    return Table("Conditions", caption, *lines, tuple(remark for group in groups for remark in _remarks(group)))


def runs_table(results: Row) -> Table:
    """Return one line per condition and seed."""
    columns = (
        Column("Condition", "left", cell=field("name")),
        Column("Seed", cell=field("seed", count)),
        Column("Accuracy", cell=field("accuracy", percent)),
        Column("95 % interval", cell=field("interval", percent_interval)),
        Column("Correct", cell=field("correct", count)),
        Column("n", cell=field("n", count)),
        Column("Strict", cell=field("strict_accuracy", percent)),
        Column("Stopped", cell=field("stop_rate", percent)),
        Column("Steps", cell=field("steps", count)),
        Column("Tokens", cell=field("trained_tokens", short_count)),
        Column("Time", cell=field("seconds", duration)),
        Column("Status", "left", cell=_status),
    )
    lines = tabulate(columns, rows(results, "conditions"), faint=lambda row: row.get("status") != "done")
    return Table("By seed", CHECKPOINT_INTERVALS, *lines)


def labels_table(results: Row) -> Table:
    """Return one line per set of votes and seed; accuracies are a dash if gold answers are unknown."""
    columns = (
        Column("Labels", "left", cell=field("name")),
        Column("Teacher", "left", cell=field("teacher", words)),
        Column("Seed", cell=field("seed", count)),
        Column("K", cell=field("k", count)),
        Column("Questions", cell=field("questions", count)),
        Column("Single sample", cell=field("single_accuracy", percent)),
        Column("Vote", cell=field("accuracy", percent)),
        Column("Precision", place="wide", cell=field("precision", percent)),
        Column("Coverage", place="wide", cell=field("coverage", percent)),
        Column("Ties", place="wide", cell=field("tie_rate", percent)),
    )
    caption = "Single sample, Vote: accuracy over all questions. Precision: vote accuracy over questions with a label."
    remarks = tuple(_on_dev(row) for row in rows(results, "labels") if row.get("on_dev"))
    return Table("Labels", caption, *tabulate(columns, rows(results, "labels")), remarks)


def gap_table(results: Row) -> Table:
    """Return the share of the gap between baseline and oracle that each student recovered."""
    columns = (
        Column("Condition", "left", cell=field("condition")),
        Column("Gap recovered", cell=field("estimate", percent)),
        Column("95 % interval", cell=field("interval", percent_interval)),
    )
    caption = "(student - baseline) / (oracle - baseline); shown only if the interval of oracle - baseline excludes 0."
    return Table("Gap recovered", caption, *tabulate(columns, rows(results, "gap_recovered")))


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


def over(name: str, words: Cell) -> Cell:
    """Return the cell function of a group of rows: ``words`` of the mean of a field over the rows that know it."""
    return lambda group: words(mean([row.get(name) for row in group]))


def _done(group: Sequence[Row]) -> list[Row]:
    return [row for row in group if row.get("status") == "done"]


def _over_done(name: str, words: Cell) -> Cell:
    return lambda group: over(name, words)(_done(group))


def _left_out(row: Row) -> int:
    return int((row.get("gold") or {}).get("left_out") or 0)


def _gold_left_out(group: Sequence[Row]) -> str:
    """Return the gold examples left out, of how many; over seeds the largest number."""
    most = max(group, key=_left_out)
    return f"{_left_out(most)} of {most['gold']['questions']}" if _left_out(most) else DASH


def _spread(group: Sequence[Row]) -> str:
    if not _done(group):
        return DASH
    if len(group) > 1:
        return " ".join(size(row.get("accuracy")) for row in group)
    return percent_interval(group[0].get("interval"))


def _on_dev(row: Row) -> str:
    """Return a remark with the vote accuracy on dev for unlabeled questions without gold answers."""
    dev = row["on_dev"]
    return (
        f"{row.get('name')}, seed {count(row.get('seed'))}: the unlabeled questions have no gold answers; on"
        f" {count(dev['questions'])} dev questions, votes of {row.get('teacher')} are {percent(dev['accuracy'])}"
        f" correct {percent_interval(dev['interval'])}, single samples {percent(dev['single_accuracy'])}."
    )


def _status(row: Row) -> str:
    status, reason = words(row.get("status")), row.get("reason")
    return f"{status}: {reason}" if reason else status


def _remarks(group: Sequence[Row]) -> Iterator[str]:
    """Yield why seeds of a condition did not run, one remark per reason."""
    name = group[0].get("name")
    for reason, some in by_name([{**row, "why": _status(row)} for row in group], "why").items():
        seeds = [str(row.get("seed")) for row in some if row.get("status") != "done"]
        if len(seeds) == len(group):
            yield f"{name} {reason}"
        elif seeds:
            yield f"{name}, seed {', '.join(seeds)}, {reason}"
