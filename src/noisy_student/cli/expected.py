"""What each primary comparison of a plan could show: the smallest difference that is found four times in five."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.text import Text

from noisy_student.cli.console import output, table
from noisy_student.cli.runs import STRANGE, past_runs
from noisy_student.data.parts import sizes_of
from noisy_student.evaluation.contrast import RECIPE_SEEDS
from noisy_student.report.numbers import size
from noisy_student.statistics.power import DISCORDANCE, paired_mde, seeds_mde
from noisy_student.study.settings.study import Settings

SEED_SD = 0.01
"""The assumed standard deviation of an accuracy over training seeds, before any two were seen."""

Row = dict[str, Any]


def comparisons(settings: Settings, runs: Path) -> list[Row]:
    """What each primary comparison can see: of one or two seeds on their questions, of more in a t test over seeds.

    The standard deviation of the per-seed differences is that of past runs of the study under ``runs`` where one has
    three seeds or more. Else it is assumed: questions that only one condition answers right, and ``SEED_SD`` for each.
    """
    tested, count = sizes_of(settings.data).test, len(settings.seeds)
    rows = []
    for name, item in settings.primary.items():
        sd = seed_sd = None
        # A difference of two differences varies as both of them do.
        pairs = 1 if item.beyond is None else 2
        if count < RECIPE_SEEDS:
            # Generated test questions are new ones for each seed; those of a file may be the same.
            mde = paired_mde(DISCORDANCE * pairs, tested * (count if settings.data.source.kind == "procedural" else 1))
        else:
            sd = _seen_sd(settings, item.a, item.b, runs) if item.beyond is None else None
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
    """Print the comparisons and what they rest on; nothing where there are none."""
    if not compared:
        return
    console = output()
    console.print()
    names = ["Comparison", "Smallest difference seen", "Margin", ""]
    lines = [
        [f"{row['a']} - {row['b']}", size(row["mde"]), size(row["margin"]), "underpowered" * row["underpowered"]]
        for row in compared
    ]
    table(console, names, lines, right=names[1:3])
    first = compared[0]
    of_seeds = "one seed" if first["seeds"] == 1 else f"each of {first['seeds']} seeds"
    said = f"In points, with 80 % power, on {first['n']} test questions of {of_seeds}"
    assumed = f"if {DISCORDANCE:.0%} of them are answered right by only one of the two (assumed)"
    if first["seeds"] < RECIPE_SEEDS:
        said = f"{said}, {assumed}."
    elif any(row["assumed_seed_sd"] is not None for row in compared):
        said = f"{said}, {assumed} and seeds shift an accuracy by {100 * SEED_SD:g} point (assumed)."
    else:
        said = f"{said}, if differences vary over seeds as in past runs."
    console.print(Text(said, "dim"))


def _seen_sd(settings: Settings, a: str, b: str, runs: Path) -> float | None:
    """The standard deviation of a - b over the seeds of the newest past run of this study and scale that shows it."""
    for past in reversed(past_runs(runs)):
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
