"""Tables of probe runs: criteria of each probe, metrics before and after, recommended settings."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from noisy_student.report.numbers import DASH, count
from noisy_student.report.table import Column, Table, field, tabulate
from noisy_student.report.tables.preflight import counted, decides
from noisy_student.report.wording import Row, headline, primary_findings, rows
from noisy_student.study.results.probes import TRIED

METRICS = (
    ("reward_std", "reward_std (whole batch)"),
    ("spread", "reward_std within groups"),
    ("frac_reward_zero_std", "frac_reward_zero_std"),
    ("kl", "kl, nats per token"),
    ("loss", "loss (near 0 by construction)"),
    ("clipped_ratio", "completions/clipped_ratio"),
    ("mean_terminated_length", "completions/mean_terminated_length"),
    ("stopped", "completions that end"),
    ("readable", "parsable answers"),
    ("looped", "looping completions"),
    ("right", "correct answers"),
)


def rungs_table(results: Row) -> Table:
    """Return every probe with its criteria; probes after the first success are not tried."""
    criteria = ("Rewards vary within groups", "Policy changes (kl slope)", "Completions end")
    columns = (
        Column("Probe", "left", cell=field("name")),
        Column("Seed", place="wide", cell=field("seed", count)),
        Column("Outcome", "left", cell=field("status", _outcome)),
        Column("Steps", cell=field("steps", count)),
        *(Column(name, "left", cell=field(f"criteria.{number}", _criterion)) for number, name in enumerate(criteria)),
    )
    rungs = [
        {**rung, "seed": row["seed"], "criteria": {str(number): item for number, item in enumerate(rung["criteria"])}}
        for row in rows(results, "ladder")
        for rung in row["rungs"]
    ]
    caption = (
        "A probe ends at the first check, from step 30 on, at which all three criteria hold; otherwise the next probe "
        "is tried. Values are means of the last ten steps."
    )
    return Table("Probes", caption, *tabulate(columns, rungs, faint=lambda row: row["status"] not in TRIED))


def before_after_table(results: Row) -> Table:
    """Return logged and measured metrics of the first probe and of the last one tried."""
    ladders = [row for row in rows(results, "ladder") if row.get("before")]
    columns = [Column("Metric", "left", cell=lambda metric: str(metric[1]))]
    for row in ladders:
        for which in ("before", "after"):
            rung = next((rung for rung in row["rungs"] if rung["name"] == row[which]), None)
            if rung is not None:
                seed = f" (seed {row['seed']})" if len(ladders) > 1 else ""
                cell = partial(_metric, rung["metrics"])
                columns.append(Column(f"{which}: {rung['name']}{seed}", cell=cell))
    caption = (
        "Means of the last ten steps. If TRL logs no kl (beta 0), it is measured separately. The terminated length "
        "is 0 if no completion ended."
    )
    return Table("Before and after", caption, *tabulate(columns, METRICS if len(columns) > 1 else ()))


def recommendations(results: Row) -> Iterator[str]:
    """Yield a sentence per seed: the probe that met its criteria and the settings to use, or the criteria missed."""
    for row in rows(results, "ladder"):
        seed = f" (seed {row['seed']})" if len(rows(results, "ladder")) > 1 else ""
        tried = [rung for rung in row["rungs"] if rung["status"] in TRIED]
        if row["held"] is not None:
            words = " ".join(row["recommended"]) or "unchanged settings"
            first = " as the first probe" if row["held"] == row["before"] else ""
            steps = next(rung["steps"] for rung in tried if rung["name"] == row["held"])
            model = f" ({results['model']})" if results.get("model") else ""
            yield f"{row['held']} met its criteria{first} at step {steps}{seed}. Continue{model} with: {words}"
        elif tried and all(rung["status"] != "left" for rung in row["rungs"]):
            missed = [str(item["name"]) for item in tried[-1]["criteria"] if not item["held"]]
            yield f"No probe met its criteria{seed}; the last one missed: {', '.join(missed)}."


def answer(results: Row) -> str:
    """Return the answer of a run in one sentence: a failed pre-flight, else its first primary finding or its probes."""
    if decides(results):
        return str(counted(results))
    found = [] if primary_findings(results) else list(recommendations(results))
    return found[0] if found else headline(results)


def _criterion(item: Row | None) -> str:
    if item is None:
        return DASH
    value = _number(item.get("value"))
    if item.get("waived"):
        return f"{value}, waived: {item['waived']}"
    return f"{value}, {'held' if item['held'] else 'not held'}"


def _metric(metrics: Row, metric: tuple[str, str]) -> str:
    return _number(metrics.get(metric[0]))


def _outcome(status: str) -> str:
    return status if status in TRIED else "not tried" if status == "skipped" else "not reached"


def _number(value: object) -> str:
    return DASH if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
