"""The tables of what labels cost and bring: selections, more samples, and the cost of every stage."""

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
from noisy_student.report.tables.findings import mean
from noisy_student.report.wording import Row, rows


def selections_table(results: Row) -> Table:
    """What each condition's pseudo-labels were selected from and cost; over several seeds the means."""
    groups: dict[str, list[Row]] = {}
    for row in rows(results, "selections"):
        groups.setdefault(str(row.get("condition")), []).append(row)
    columns = (
        Column("Condition", "left"),
        Column("Votes", "left", "wide"),
        Column("K"),
        Column("Stopping", "left", "page"),
        Column("Samples"),
        Column("Selected"),
        Column("Coverage"),
        Column("Precision"),
        Column("Samples a label"),
        Column("Tokens a label", place="wide"),
        Column("Time", place="page"),
    )
    lines = tuple(Line(_selection(name, group)) for name, group in groups.items())
    caption = (
        "Samples: drawn for the votes. Coverage: selected of the questions voted on. Precision: right of those "
        "selected. What was drawn for one condition counts in full for each that uses it."
    )
    return Table("Selected labels and their cost", caption, columns, lines)


def curves_table(results: Row) -> Table:
    """How often the vote is right over k samples, and the k from which twice as many gain less than can be seen."""
    known = [row for row in rows(results, "labels") if row.get("curve")]
    ks = sorted({int(k) for row in known for k, _ in row["curve"]})
    columns = (
        Column("Votes", "left"),
        Column("Seed"),
        *(Column(f"k = {k}") for k in ks),
        Column("Enough"),
    )
    lines = []
    for row in known:
        found = {int(k): accuracy for k, accuracy in row["curve"]}
        cells = tuple(percent(found.get(k)) for k in ks)
        lines.append(Line((str(row.get("name")), count(row.get("seed")), *cells, count(row.get("enough")))))
    caption = (
        "Right votes of all questions, had only k samples been drawn: the mean over all subsets. Enough: the k from "
        "which twice as many gain less than this test can see between two students; a dash where every step gains more."
    )
    return Table("What more samples bring", caption, columns, tuple(lines))


def costs_table(results: Row) -> Table:
    """What every stage cost, and all together."""
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
        "FLOPs: 2 a parameter and token sampled or read as a prompt, 6 trained on. Time is that of the processes, of "
        "which several may run at once; what an earlier run had made counts as what it took then."
    )
    return Table("What it cost", caption, columns, tuple(lines))


def cost_words(results: Row) -> str | None:
    """The cost of a run in one sentence; None where nothing was counted."""
    totals = (results.get("costs") or {}).get("totals") or {}
    words = [
        f"{short_count(totals[name])} tokens {what}"
        for name, what in (("sampled_tokens", "sampled"), ("trained_tokens", "trained on"))
        if totals.get(name) is not None
    ]
    words += [f"{scientific(totals['flops'])} FLOPs"] if totals.get("flops") is not None else []
    words += [f"{duration(totals['seconds'])} of computing"] if totals.get("seconds") is not None else []
    words += [f"{totals['usd']:.2f} USD"] if totals.get("usd") is not None else []
    return f"Cost: {', '.join(words)}." if words else None


def _selection(name: str, group: Sequence[Row]) -> tuple[str, ...]:
    def over(field: str) -> float | None:
        return mean([row.get(field) for row in group])

    def whole(field: str) -> int | None:
        value = over(field)
        return None if value is None else round(value)

    first = group[0]
    return (
        name,
        str(first.get("labels")),
        count(first.get("k")),
        str(first.get("stopping") or DASH),
        short_count(over("samples")),
        count(whole("accepted")),
        percent(over("coverage")),
        percent(over("precision")),
        short_count(over("samples_per_label")),
        short_count(over("tokens_per_label")),
        duration(over("seconds")),
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
class Level:
    """The questions whose leading answer has ``votes`` votes; ``accuracy`` is None where the truth is unknown."""

    votes: int
    questions: int
    accuracy: float | None


@dataclass(frozen=True, slots=True)
class Histogram:
    """The levels of one set of labels, its seeds added up."""

    name: str
    k: int
    seeds: int
    levels: tuple[Level, ...]


def histograms(labels: Sequence[Row]) -> list[Histogram]:
    """One histogram for each name and K that has levels, in the order of their first row."""
    groups: dict[tuple[str, int], list[Row]] = {}
    for row in labels:
        if row.get("by_level") and row.get("k"):
            groups.setdefault((str(row.get("name")), int(row["k"])), []).append(row)
    return [Histogram(name, k, len(group), _levels(group)) for (name, k), group in groups.items()]


def _levels(group: Sequence[Row]) -> tuple[Level, ...]:
    parts: dict[int, list[Row]] = {}
    for row in group:
        for level in row["by_level"]:
            parts.setdefault(int(level["votes"]), []).append(level)
    return tuple(_sum(votes, parts[votes]) for votes in sorted(parts))


def _sum(votes: int, parts: Sequence[Row]) -> Level:
    questions = sum(part.get("questions") or 0 for part in parts)
    weighted = [(part["accuracy"], part["questions"]) for part in parts if part.get("questions")]
    if not weighted or any(accuracy is None for accuracy, _ in weighted):
        return Level(votes, questions, None)
    return Level(votes, questions, sum(accuracy * number for accuracy, number in weighted) / questions)


def forecast_table(results: Row) -> Table:
    """Forecast and actual CPU time by stage; no lines where there was no forecast."""
    kept = results.get("forecast") or {}
    columns = (
        Column("Stage", "left"),
        Column("Parts"),
        Column("Forecast"),
        Column("Took"),
        Column("Took / forecast"),
        Column("Known from", "left"),
    )
    lines = [_line(str(row.get("stage")), row, row.get("nodes")) for row in kept.get("stages") or ()]
    if lines:
        lines.append(_line("all", kept, sum(row.get("nodes") or 0 for row in kept["stages"])))
    unknown = kept.get("without_estimate")
    remarks = (f"{unknown} steps were unlike all that had been done, and had no forecast.",) if unknown else ()
    caption = (
        "CPU time of the processes. The forecast was made when the run began: from what like steps took in this store, "
        "else from a calibration (noisy-student plan --calibrate)."
    )
    return Table("Forecast and cost", caption, columns, tuple(lines), remarks)


def forecast_words(results: Row) -> str | None:
    """The same in one sentence; None where there was no forecast."""
    kept = results.get("forecast") or {}
    if not kept.get("cpu_seconds") or kept.get("ratio") is None:
        return None
    said, took = duration(kept["cpu_seconds"]), duration(kept.get("actual_cpu_seconds"))
    unknown = kept.get("without_estimate")
    apart = f" {count(unknown)} more steps were unlike all that had been done, and had no forecast." if unknown else ""
    return f"Forecast: {said} of CPU time; it took {took}, {kept['ratio']:.2f} of that.{apart}"


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
