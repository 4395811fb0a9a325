"""Tables of probe runs: criteria of each probe, metrics before and after, recommended settings."""

from __future__ import annotations

from collections.abc import Iterator

from noisy_student.report.numbers import DASH, count
from noisy_student.report.table import Column, Line, Table
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
    columns = (
        Column("Probe", "left"),
        Column("Seed", place="wide"),
        Column("Outcome", "left"),
        Column("Steps"),
        Column("Rewards vary within groups", "left"),
        Column("Policy changes (kl slope)", "left"),
        Column("Completions end", "left"),
    )
    lines = []
    for row in rows(results, "ladder"):
        for rung in row["rungs"]:
            tried = rung["status"] in TRIED
            cells = [_criterion(item) for item in rung["criteria"]] or [DASH] * 3
            status = str(rung["status"]) if tried else "not tried" if rung["status"] == "skipped" else "not reached"
            lines.append(Line((str(rung["name"]), count(row["seed"]), status, count(rung["steps"]), *cells), not tried))
    caption = (
        "A probe ends at the first check, from step 30 on, at which all three criteria hold; otherwise the next probe "
        "is tried. Values are means of the last ten steps."
    )
    return Table("Probes", caption, columns, tuple(lines))


def before_after_table(results: Row) -> Table:
    """Return logged and measured metrics of the first probe and of the last one tried."""
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
        "Means of the last ten steps. If TRL logs no kl (beta 0), it is measured separately. The terminated length "
        "is 0 if no completion ended."
    )
    return Table("Before and after", caption, tuple(columns), lines if shown else ())


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


def _criterion(item: Row) -> str:
    value = _number(item.get("value"))
    if item.get("waived"):
        return f"{value}, waived: {item['waived']}"
    return f"{value}, {'held' if item['held'] else 'not held'}"


def _number(value: object) -> str:
    return DASH if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
