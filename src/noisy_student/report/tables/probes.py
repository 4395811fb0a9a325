"""A ladder of probes in words: the rungs, the numbers before and after, the arguments to go on with."""

from __future__ import annotations

from collections.abc import Iterator

from noisy_student.report.numbers import DASH, count
from noisy_student.report.table import Column, Line, Table
from noisy_student.report.tables.preflight import counted, decides
from noisy_student.report.wording import Row, headline, primary_findings, rows
from noisy_student.study.results.probes import TRIED

METRICS = (
    ("reward_std", "reward_std (whole batch)"),
    ("spread", "reward deviation within groups"),
    ("frac_reward_zero_std", "frac_reward_zero_std"),
    ("kl", "kl, nats a token"),
    ("loss", "loss (near 0 by construction)"),
    ("clipped_ratio", "completions/clipped_ratio"),
    ("mean_terminated_length", "completions/mean_terminated_length"),
    ("stopped", "answers that end"),
    ("readable", "answers that can be read"),
    ("looped", "answers in a circle"),
    ("right", "right answers"),
)


def rungs_table(results: Row) -> Table:
    """Every probe with its criteria; those after one that held were not tried."""
    columns = (
        Column("Rung", "left"),
        Column("Seed", place="wide"),
        Column("Outcome", "left"),
        Column("Steps"),
        Column("Rewards differ in groups", "left"),
        Column("The model moves (kl slope)", "left"),
        Column("Answers end", "left"),
    )
    lines = []
    for row in rows(results, "ladder"):
        for rung in row["rungs"]:
            tried = rung["status"] in TRIED
            cells = [_criterion(item) for item in rung["criteria"]] or [DASH] * 3
            status = str(rung["status"]) if tried else "not tried" if rung["status"] == "skipped" else "not reached"
            lines.append(Line((str(rung["name"]), count(row["seed"]), status, count(rung["steps"]), *cells), not tried))
    caption = (
        "A probe ends at the first judgement at which all three criteria hold, from step 30 on; the next one is tried "
        "only where it does not. Numbers are of the last ten steps."
    )
    return Table("Rungs", caption, columns, tuple(lines))


def before_after_table(results: Row) -> Table:
    """The plan's table: what a trainer logs and what is measured, of the first rung and of the last that was tried."""
    ladders = [row for row in rows(results, "ladder") if row.get("before")]
    columns = [Column("Metric", "left")]
    shown: list[Row] = []
    for row in ladders:
        for which in ("before", "after"):
            rung = next((rung for rung in row["rungs"] if rung["name"] == row[which]), None)
            if rung is not None:
                seed = f" (seed {row['seed']})" if len(ladders) > 1 else ""
                columns.append(Column(f"{which}: {rung['name']}{seed}"))
                shown.append(rung["metrics"])
    lines = tuple(Line((words, *(_number(metrics.get(name)) for metrics in shown))) for name, words in METRICS)
    caption = (
        "Means of the last ten steps. Where TRL logs no kl, at beta 0, it is the one that is measured here. Where "
        "no answer ended, the length of those that did is 0."
    )
    return Table("Before and after", caption, tuple(columns), lines if shown else ())


def recommendations(results: Row) -> Iterator[str]:
    """A sentence a seed: which rung held and what to go on with, or which criterion none reached."""
    for row in rows(results, "ladder"):
        seed = f" (seed {row['seed']})" if len(rows(results, "ladder")) > 1 else ""
        tried = [rung for rung in row["rungs"] if rung["status"] in TRIED]
        if row["held"] is not None:
            words = " ".join(row["recommended"]) or "the settings as they are"
            first = " at once" if row["held"] == row["before"] else ""
            steps = next(rung["steps"] for rung in tried if rung["name"] == row["held"])
            model = f" ({results['model']})" if results.get("model") else ""
            yield f"{row['held']} held its criteria{first} at step {steps}{seed}. Go on{model} with: {words}"
        elif tried and all(rung["status"] != "left" for rung in row["rungs"]):
            missed = [str(item["name"]) for item in tried[-1]["criteria"] if not item["held"]]
            yield f"No rung held its criteria{seed}; the last one lacked: {', '.join(missed)}."


def answer(results: Row) -> str:
    """The run in one sentence: its headline, what its ladder found where it compares nothing, or its pre-flight.

    The pre-flight speaks first where a check failed.
    """
    if decides(results):
        told = counted(results)
        assert told is not None
        return told
    found = [] if primary_findings(results) else list(recommendations(results))
    return found[0] if found else headline(results)


def _criterion(item: Row) -> str:
    value = _number(item.get("value"))
    if item.get("waived"):
        return f"{value}, waived: {item['waived']}"
    return f"{value}, {'held' if item['held'] else 'not held'}"


def _number(value: object) -> str:
    return DASH if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
