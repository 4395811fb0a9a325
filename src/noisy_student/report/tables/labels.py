"""Tables of selected pseudo-labels, accuracy by number of samples, cost and forecast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from noisy_student.report.numbers import (
    count,
    duration,
    percent,
    rounded,
    scientific,
    short_count,
    two_decimals,
    words,
)
from noisy_student.report.table import Column, Table, field, tabulate
from noisy_student.report.tables.findings import by_name, over
from noisy_student.report.wording import Row, rows


def selections_table(results: Row) -> Table:
    """Return source, number, quality and cost of each condition's pseudo-labels, as means over seeds."""
    groups = by_name(rows(results, "selections"), "condition")
    columns = (
        Column("Condition", "left", cell=lambda group: str(group[0].get("condition"))),
        Column("Votes", "left", "wide", lambda group: str(group[0].get("labels"))),
        Column("K", cell=lambda group: count(group[0].get("k"))),
        Column("Stopping", "left", "page", lambda group: words(group[0].get("stopping"))),
        Column("Samples", cell=over("samples", short_count)),
        Column("Selected", cell=over("accepted", rounded)),
        Column("Coverage", cell=over("coverage", percent)),
        Column("Precision", cell=over("precision", percent)),
        Column("Samples per label", cell=over("samples_per_label", short_count)),
        Column("Tokens per label", place="wide", cell=over("tokens_per_label", short_count)),
        Column("Time", place="page", cell=over("seconds", duration)),
    )
    caption = (
        "Samples: drawn for the votes. Coverage: selected share of the questions with votes. Precision: accuracy of "
        "the selected labels. Samples shared by several conditions count in full for each."
    )
    return Table("Selected labels and their cost", caption, *tabulate(columns, groups.values()))


def curves_table(results: Row) -> Table:
    """Return vote accuracy by number of samples, and the number from which it saturates."""
    known = [
        {**row, "at": {str(int(k)): share for k, share in row["curve"]}}
        for row in rows(results, "labels")
        if row.get("curve")
    ]
    columns = (
        Column("Votes", "left", cell=field("name")),
        Column("Seed", cell=field("seed", count)),
        *(
            Column(f"k = {k}", cell=field(f"at.{k}", percent))
            for k in sorted({int(k) for row in known for k in row["at"]})
        ),
        Column("Saturates at", cell=field("enough", count)),
    )
    caption = (
        "Vote accuracy over all questions for k samples: the mean over all subsets, ties as in the study. Saturates "
        "at: the k from which doubling gains less than the minimum detectable effect between two students; a dash if "
        "all gain more."
    )
    return Table("Vote accuracy by number of samples", caption, *tabulate(columns, known))


def costs_table(results: Row) -> Table:
    """Return the cost of each stage and their sum."""
    cost = results.get("costs") or {}
    stages: list[Row] = list(cost.get("stages") or ())
    columns = (
        Column("Stage", "left", cell=field("stage")),
        Column("Parts", cell=field("nodes", count)),
        Column("Prompt tokens", cell=field("prompt_tokens", short_count)),
        Column("Sampled tokens", cell=field("sampled_tokens", short_count)),
        Column("Trained tokens", cell=field("trained_tokens", short_count)),
        Column("FLOPs", cell=field("flops", scientific)),
        Column("Stage time", cell=field("seconds", duration)),
        *(
            [Column("USD", cell=field("usd", two_decimals))]
            if any(row.get("usd") is not None for row in stages)
            else []
        ),
    )
    if stages:
        stages.append({**cost["totals"], "stage": "all", "nodes": sum(row.get("nodes") or 0 for row in stages)})
    caption = (
        "FLOPs: 2 per parameter and sampled or prompt token, 6 per trained token. Stage time is summed over "
        "processes, which may run in parallel; stored steps count with the time they took when they ran. USD is the "
        "price of the wall time of this run's calls, divided among the stages by their time; steps of other runs add "
        "an estimate."
    )
    return Table("Cost by stage", caption, *tabulate(columns, stages))


def cost_words(results: Row) -> str | None:
    """Return the cost of a run in one sentence; None if nothing was counted."""
    totals = (results.get("costs") or {}).get("totals") or {}
    parts = (
        ("sampled_tokens", short_count, " tokens sampled"),
        ("trained_tokens", short_count, " tokens trained on"),
        ("flops", scientific, " FLOPs"),
        ("seconds", duration, " of stage time"),
        ("wall_seconds", duration, " of wall time"),
        ("usd", two_decimals, " USD"),
    )
    known = [f"{form(totals[name])}{unit}" for name, form, unit in parts if totals.get(name) is not None]
    return f"Cost: {', '.join(known)}." if known else None


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
        Column("Stage", "left", cell=field("stage")),
        Column("Parts", cell=field("nodes", count)),
        Column("Forecast", cell=field("cpu_seconds", duration)),
        Column("Actual", cell=field("actual_cpu_seconds", duration)),
        Column("Actual / forecast", cell=field("ratio", two_decimals)),
        Column("Based on", "left", cell=lambda row: str(row.get("source") or "")),
    )
    stages = list(kept.get("stages") or ())
    if stages:
        stages.append({**kept, "stage": "all", "nodes": sum(row.get("nodes") or 0 for row in stages)})
    unknown = kept.get("without_estimate")
    remarks = (f"{unknown} steps had no forecast, because no comparable step had run.",) if unknown else ()
    caption = (
        "CPU time of all processes. The forecast was made at the start of the run, from comparable steps in this store "
        "or else from a timing of this machine (plan --calibrate)."
    )
    return Table("Forecast and actual time", caption, *tabulate(columns, stages), remarks)


def forecast_words(results: Row) -> str | None:
    """Return forecast and actual CPU time in one sentence; None without a forecast."""
    kept = results.get("forecast") or {}
    if not kept.get("cpu_seconds") or kept.get("ratio") is None:
        return None
    said, took = duration(kept["cpu_seconds"]), duration(kept.get("actual_cpu_seconds"))
    unknown = kept.get("without_estimate")
    apart = f" {count(unknown)} more steps had no forecast, because no comparable step had run." if unknown else ""
    return f"Forecast: {said} of CPU time; actual: {took}, {kept['ratio']:.2f} of the forecast.{apart}"
