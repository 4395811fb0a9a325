"""Tables of a plan: the minimum detectable effect of each primary comparison, and the outlook."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from noisy_student.cli.console import Row, note, table
from noisy_student.cli.runs import STRANGE, past_runs
from noisy_student.data.parts import sizes_of
from noisy_student.evaluation.contrast import RECIPE_SEEDS
from noisy_student.report.numbers import DASH, percent, percent_interval, size
from noisy_student.statistics.power import DISCORDANCE, paired_mde, seeds_mde
from noisy_student.study.forecast.ledger import FinishedRun
from noisy_student.study.settings.study import Settings

SEED_SD = 0.01
"""Assumed standard deviation of an accuracy over training seeds, where no past run shows it."""


def comparisons(settings: Settings, runs: Path) -> list[Row]:
    """Return the minimum detectable effect (80 % power) of each primary comparison.

    One or two seeds: over their questions. More: in a t test over seeds, with the standard deviation of the newest past
    run of the study under ``runs`` with at least three seeds, else one assumed from ``DISCORDANCE`` and ``SEED_SD``.
    """
    tested, count = sizes_of(settings.data).test, len(settings.seeds)
    past = past_runs(runs) if settings.primary and count >= RECIPE_SEEDS else []
    rows = []
    for name, item in settings.primary.items():
        sd = seed_sd = None
        # The variance of a difference of two differences is the sum of both variances.
        pairs = 1 if item.beyond is None else 2
        if count < RECIPE_SEEDS:
            # Generated test questions differ between seeds; those of a file may be the same.
            mde = paired_mde(DISCORDANCE * pairs, tested * (count if settings.data.source.kind == "procedural" else 1))
        else:
            sd = _seen_sd(settings, item.a, item.b, past) if item.beyond is None else None
            if sd is None:
                seed_sd = SEED_SD
                sd = math.sqrt(pairs * (DISCORDANCE / tested + 2 * SEED_SD**2))
            mde = seeds_mde(sd, count)
        rows.append(
            {
                "name": name,
                "a": item.a if item.beyond is None else f"({item.a} - {item.b})",
                "b": item.b if item.beyond is None else f"({item.beyond.a} - {item.beyond.b})",
                "n": tested,
                "seeds": count,
                "discordance": DISCORDANCE * pairs,
                "difference_sd": sd,
                "assumed_seed_sd": seed_sd,
                "mde": mde,
                "margin": item.margin,
                "underpowered": mde > item.margin,
            }
        )
    return rows


def show_comparisons(compared: Sequence[Row]) -> None:
    """Print the comparisons and their assumptions; print nothing without comparisons."""
    if not compared:
        return
    note()
    names = ["Comparison", "Minimum detectable effect", "Margin", ""]
    lines = [
        [f"{row['a']} - {row['b']}", size(row["mde"]), size(row["margin"]), "underpowered" * row["underpowered"]]
        for row in compared
    ]
    table(names, lines, right=names[1:3])
    first = compared[0]
    of_seeds = "one seed" if first["seeds"] == 1 else f"each of {first['seeds']} seeds"
    said = f"In points, with 80 % power, on {first['n']} test questions of {of_seeds}"
    assumed = f"if only one of the two answers {DISCORDANCE:.0%} of them right (assumed)"
    if first["seeds"] < RECIPE_SEEDS:
        said = f"{said}, {assumed}."
    elif any(row["assumed_seed_sd"] is not None for row in compared):
        said = f"{said}, {assumed} and seeds shift an accuracy by {100 * SEED_SD:g} point (assumed)."
    else:
        said = f"{said}, if differences vary over seeds as in a past run."
    note(said)


def _seen_sd(settings: Settings, a: str, b: str, every: Sequence[FinishedRun]) -> float | None:
    """Return the standard deviation of a - b over the seeds of the newest fitting past run; None without one."""
    for past in reversed(every):
        try:
            found = past.results or {}
            if (found.get("study"), found.get("scale")) != (settings.name, settings.scale):
                continue
            if found["data"]["counts"]["test"] != sizes_of(settings.data).test:
                continue
            of_a, of_b = _by_seed(found, a), _by_seed(found, b)
        except STRANGE:
            continue
        shared = sorted(of_a.keys() & of_b.keys())
        if len(shared) >= RECIPE_SEEDS:
            return statistics.stdev(of_a[seed] - of_b[seed] for seed in shared)
    return None


def _by_seed(results: Mapping[str, Any], condition: str) -> dict[int, float]:
    rows = [row for row in results["conditions"] if row["name"] == condition and row["accuracy"] is not None]
    return {int(row["seed"]): float(row["accuracy"]) for row in rows}


def show_outlook(seen: Row) -> None:
    """Print an outlook of ``study/forecast/outlook.py``: accuracies, filters, rules, advice."""
    note()
    who = f"{seen['k']} samples of {seen['teacher']} for {seen['unlabeled']} unlabeled questions"
    note(f"Outlook: {who} and {seen['known']} with known answers (labeled and dev).", "bold")
    if seen["note"]:
        note(seen["note"], "")
    one, any_right, vote, mixed = (percent(seen[name]) for name in ("pass_at_1", "pass_at_k", "vote", "mixed"))
    note(f"Right: one sample {one}, the vote {vote}, any of {seen['k']} {any_right}.", "")
    note(f"Cut off at the cap: {percent(seen['cut'])} of the samples.", "")
    groups = f"Groups of {seen['group']} with right and wrong answers, from which GRPO learns"
    note(f"{groups}: {mixed} (at the temperature of the votes).", "")
    note()
    lines = [
        [
            "all" if row["min_agreement"] is None else f"{row['min_agreement']:g}",
            percent(row["coverage"]),
            percent_interval(row["coverage_interval"]),
            percent(row["precision"]),
            DASH if row["se"] is None else f"± {100 * row['se']:.1f}",
            f"{row['labels']:.0f}",
        ]
        for row in seen["filters"]
    ]
    heads = ["Agreement", "Coverage", "95 % interval", "Precision", "SE", "Labels"]
    table(heads, lines, right=heads[1:])
    note("Precision: per vote count on known questions, weighted by the vote counts of unlabeled ones.")
    note()
    rules = [
        [row["name"], _number(row["value"]), _number(row["bound"]), "holds" if row["holds"] else row["advice"]]
        for row in seen["rules"]
    ]
    table(["Rule", "Here", "Bound", ""], rules, right=["Here", "Bound"])
    note()
    note(f"Advice: {seen['advice']}: {seen['reason']}", "bold")


def _number(value: float | None) -> str:
    return DASH if value is None else f"{value:.2f}"
