"""Tables of selected pseudo-labels, accuracy by number of samples, cost and forecast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from noisy_student.report.numbers import (
    DASH,
    count,
    duration,
    percent,
    scientific,
    short_count,
)
from noisy_student.report.table import Column, Line, Table
from noisy_student.report.tables.findings import by_name, over, whole
from noisy_student.report.wording import Row, rows


def selections_table(results: Row) -> Table:
    """Return source, number, quality and cost of each condition's pseudo-labels, as means over seeds."""
    groups = by_name(rows(results, "selections"), "condition")
    columns = (
        Column("Condition", "left"),
        Column("Votes", "left", "wide"),
        Column("K"),
        Column("Stopping", "left", "page"),
        Column("Samples"),
        Column("Selected"),
        Column("Coverage"),
        Column("Precision"),
        Column("Samples per label"),
        Column("Tokens per label", place="wide"),
        Column("Time", place="page"),
    )
    lines = tuple(Line(_selection(name, group)) for name, group in groups.items())
    caption = (
        "Samples: drawn for the votes. Coverage: selected share of the questions with votes. Precision: accuracy of "
        "the selected labels. Samples shared by several conditions count in full for each."
    )
    return Table("Selected labels and their cost", caption, columns, lines)


def curves_table(results: Row) -> Table:
    """Return vote accuracy by number of samples, and the number from which it saturates."""
    known = [row for row in rows(results, "labels") if row.get("curve")]
    ks = sorted({int(k) for row in known for k, _ in row["curve"]})
    columns = (
        Column("Votes", "left"),
        Column("Seed"),
        *(Column(f"k = {k}") for k in ks),
        Column("Saturates at"),
    )
    lines = []
    for row in known:
        found = {int(k): accuracy for k, accuracy in row["curve"]}
        cells = tuple(percent(found.get(k)) for k in ks)
        lines.append(Line((str(row.get("name")), count(row.get("seed")), *cells, count(row.get("enough")))))
    caption = (
        "Vote accuracy over all questions for k samples: the mean over all subsets. Saturates at: the k from which "
        "doubling gains less than the minimum detectable effect between two students; a dash if all gain more."
    )
    return Table("Vote accuracy by number of samples", caption, columns, tuple(lines))


def costs_table(results: Row) -> Table:
    """Return the cost of each stage and their sum."""
    cost = results.get("costs") or {}
    stages: Sequence[Row] = cost.get("stages") or ()
    columns = (
        Column("Stage", "left"),
        Column("Parts"),
        Column("Prompt tokens"),
        Column("Sampled tokens"),
        Column("Trained tokens"),
        Column("FLOPs"),
        Column("Time"),
        *([Column("USD")] if any(row.get("usd") is not None for row in stages) else []),
    )
    lines = [_cost(str(row.get("stage")), row, len(columns)) for row in stages]
    if lines:
        total = {**cost["totals"], "nodes": sum(row.get("nodes") or 0 for row in stages)}
        lines.append(_cost("all", total, len(columns)))
    caption = (
        "FLOPs: 2 per parameter and sampled or prompt token, 6 per trained token. Time is summed over processes, which "
        "may run in parallel; cached steps count with the time they took when they ran."
    )
    return Table("Cost by stage", caption, columns, tuple(lines))


def cost_words(results: Row) -> str | None:
    """Return the cost of a run in one sentence; None if nothing was counted."""
    totals = (results.get("costs") or {}).get("totals") or {}
    words = [
        f"{short_count(totals[name])} tokens {what}"
        for name, what in (("sampled_tokens", "sampled"), ("trained_tokens", "trained on"))
        if totals.get(name) is not None
    ]
    words += [f"{scientific(totals['flops'])} FLOPs"] if totals.get("flops") is not None else []
    words += [f"{duration(totals['seconds'])} of compute time"] if totals.get("seconds") is not None else []
    words += [f"{totals['usd']:.2f} USD"] if totals.get("usd") is not None else []
    return f"Cost: {', '.join(words)}." if words else None


def _selection(name: str, group: Sequence[Row]) -> tuple[str, ...]:
    first = group[0]
    return (
        name,
        str(first.get("labels")),
        count(first.get("k")),
        str(first.get("stopping") or DASH),
        short_count(over(group, "samples")),
        count(whole(group, "accepted")),
        percent(over(group, "coverage")),
        percent(over(group, "precision")),
        short_count(over(group, "samples_per_label")),
        short_count(over(group, "tokens_per_label")),
        duration(over(group, "seconds")),
    )


def _cost(name: str, row: Row, width: int) -> Line:
    usd = row.get("usd")
    cells = (
        name,
        count(row.get("nodes")),
        short_count(row.get("prompt_tokens")),
        short_count(row.get("sampled_tokens")),
        short_count(row.get("trained_tokens")),
        scientific(row.get("flops")),
        duration(row.get("seconds")),
        DASH if usd is None else f"{usd:.2f}",
    )
    return Line(cells[:width])


@dataclass(frozen=True, slots=True)
class VoteLevel:
    """Questions whose leading answer has ``votes`` votes; ``accuracy`` is None if gold answers are unknown."""

    votes: int
    questions: int
    accuracy: float | None


@dataclass(frozen=True, slots=True)
class Histogram:
    """Vote levels of one set of labels, summed over seeds."""

    name: str
    k: int
    seeds: int
    levels: tuple[VoteLevel, ...]


def histograms(labels: Sequence[Row]) -> list[Histogram]:
    """Return one histogram for each name and K with levels, in the order of their first row."""
    groups: dict[tuple[str, int], list[Row]] = {}
    for row in labels:
        if row.get("by_level") and row.get("k"):
            groups.setdefault((str(row.get("name")), int(row["k"])), []).append(row)
    return [Histogram(name, k, len(group), _levels(group)) for (name, k), group in groups.items()]


def _levels(group: Sequence[Row]) -> tuple[VoteLevel, ...]:
    parts: dict[int, list[Row]] = {}
    for row in group:
        for level in row["by_level"]:
            parts.setdefault(int(level["votes"]), []).append(level)
    return tuple(_sum(votes, parts[votes]) for votes in sorted(parts))


def _sum(votes: int, parts: Sequence[Row]) -> VoteLevel:
    questions = sum(part.get("questions") or 0 for part in parts)
    weighted = [(part["accuracy"], part["questions"]) for part in parts if part.get("questions")]
    if not weighted or any(accuracy is None for accuracy, _ in weighted):
        return VoteLevel(votes, questions, None)
    return VoteLevel(votes, questions, sum(accuracy * number for accuracy, number in weighted) / questions)


def forecast_table(results: Row) -> Table:
    """Return forecast and actual CPU time by stage; no lines without a forecast."""
    kept = results.get("forecast") or {}
    columns = (
        Column("Stage", "left"),
        Column("Parts"),
        Column("Forecast"),
        Column("Actual"),
        Column("Actual / forecast"),
        Column("Based on", "left"),
    )
    lines = [_line(str(row.get("stage")), row, row.get("nodes")) for row in kept.get("stages") or ()]
    if lines:
        lines.append(_line("all", kept, sum(row.get("nodes") or 0 for row in kept["stages"])))
    unknown = kept.get("without_estimate")
    remarks = (f"{unknown} steps had no forecast, because no comparable step had run.",) if unknown else ()
    caption = (
        "CPU time of all processes. The forecast was made at the start of the run, from comparable steps in this store "
        "or else from a calibration (noisy-student plan --calibrate)."
    )
    return Table("Forecast and actual time", caption, columns, tuple(lines), remarks)


def forecast_words(results: Row) -> str | None:
    """Return forecast and actual CPU time in one sentence; None without a forecast."""
    kept = results.get("forecast") or {}
    if not kept.get("cpu_seconds") or kept.get("ratio") is None:
        return None
    said, took = duration(kept["cpu_seconds"]), duration(kept.get("actual_cpu_seconds"))
    unknown = kept.get("without_estimate")
    apart = f" {count(unknown)} more steps had no forecast, because no comparable step had run." if unknown else ""
    return f"Forecast: {said} of CPU time; actual: {took}, {kept['ratio']:.2f} of the forecast.{apart}"


def _line(name: str, row: Row, nodes: object) -> Line:
    ratio = row.get("ratio")
    return Line(
        (
            name,
            count(nodes),
            duration(row.get("cpu_seconds")),
            duration(row.get("actual_cpu_seconds")),
            DASH if ratio is None else f"{ratio:.2f}",
            str(row.get("source") or ""),
        )
    )
