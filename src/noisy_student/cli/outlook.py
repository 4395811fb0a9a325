"""An outlook as it is printed: what was drawn, the rules one by one, the advice."""

from __future__ import annotations

from typing import Any

from rich.text import Text

from noisy_student.cli.console import output, table
from noisy_student.report.numbers import DASH, percent, percent_interval


def show_outlook(seen: dict[str, Any]) -> None:
    """Print an outlook as ``study/outlook.py`` makes it."""
    console = output()
    console.print()
    who = f"{seen['k']} samples of {seen['teacher']} to {seen['unlabeled']} unlabeled questions"
    console.print(Text(f"Outlook: {who} and {seen['known']} whose answer is known (labeled and dev).", "bold"))
    if seen["note"]:
        console.print(Text(seen["note"]))
    one, any_right, vote = (percent(seen[name]) for name in ("pass_at_1", "pass_at_k", "vote"))
    console.print(Text(f"Right: one sample {one}, the vote {vote}, any of {seen['k']} {any_right}."))
    console.print(
        Text(f"Groups of {seen['group']} with right and wrong answers, from which GRPO learns: {_mixed(seen)}")
    )
    console.print()
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
    table(console, heads, lines, right=heads[1:])
    console.print(Text("Precision: by vote count on the known questions, weighed as the unlabeled ones vote.", "dim"))
    console.print()
    rules = [
        [row["name"], _number(row["value"]), _number(row["bound"]), "holds" if row["holds"] else row["advice"]]
        for row in seen["rules"]
    ]
    table(console, ["Rule", "Here", "Bound", ""], rules, right=["Here", "Bound"])
    console.print()
    console.print(Text(f"Advice: {seen['advice']}: {seen['reason']}", "bold"))


def _mixed(seen: dict[str, Any]) -> str:
    return f"{percent(seen['mixed'])} (at the temperature of the votes)."


def _number(value: float | None) -> str:
    return DASH if value is None else f"{value:.2f}"
