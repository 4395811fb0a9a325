"""Blocks about the questions that the plan left open, and primary findings of any study that has results."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from noisy_student.report.wording import verdict_words

RESULTS = Path(__file__).parent.parent / "results"
ANSWERS = RESULTS / "answers.toml"


def answers() -> str:
    """A row a question: its answer in one sentence, the intervals that it stands on, where it would not hold."""
    told = tomllib.loads(ANSWERS.read_text(encoding="utf-8"))
    lines = ["| study | question | answer | 95 % intervals, points | where it would not hold |", f"|{' --- |' * 5}"]
    for study, row in told.items():
        run = results_of(study)
        found = {finding["name"]: finding for finding in run["findings"]}
        shown = "<br>".join(_difference(found[name]) for name in row["findings"])
        link = f"[`{study}`]({study}/report.html)"
        lines.append(f"| {link} | {row['question']} | {row['answer']} | {shown} | {row['limits']} |")
    return "\n".join(lines)


def primary(study: str) -> str:
    """The primary findings of a study and the accuracies of its conditions, means over seeds."""
    run = results_of(study)
    lines = ["| comparison | points | 95 % interval | p adjusted | verdict |", f"|{' --- |' * 5}"]
    for row in run["findings"]:
        if row["primary"] and row["difference"] is not None:
            low, high = (100 * bound for bound in row["interval"])
            p_value = "<0.0001" if row["p_adjusted"] < 1e-4 else f"{row['p_adjusted']:.2g}"
            cells = [f"{row['a']} - {row['b']}", f"{100 * row['difference']:+.1f}", f"[{low:+.1f}, {high:+.1f}]"]
            lines.append(f"| {' | '.join([*cells, p_value, verdict_words(row, run['conditions'])])} |")
    lines += ["", "| condition | accuracy by seed, % | learned from | labels right |", f"|{' --- |' * 4}"]
    for name in dict.fromkeys(row["name"] for row in run["conditions"]):
        rows = [row for row in run["conditions"] if row["name"] == name and row.get("graded_on", "test") == "test"]
        if rows:
            lines.append(f"| {name} | {_each(rows, 'accuracy')} | {_mean(rows, 'trained_on')} | {_share(rows)} |")
    return "\n".join(lines)


def results_of(study: str) -> dict[str, Any]:
    """A study's kept results."""
    found: dict[str, Any] = json.loads((RESULTS / study / "results.json").read_text(encoding="utf-8"))
    return found


def _difference(finding: dict[str, Any]) -> str:
    low, high = (100 * bound for bound in finding["interval"])
    return f"{finding['a']} - {finding['b']} {100 * finding['difference']:+.1f} [{low:+.1f}, {high:+.1f}]"


def _each(rows: list[dict[str, Any]], field: str) -> str:
    return " ".join("\N{EN DASH}" if row[field] is None else f"{100 * row[field]:.1f}" for row in rows)


def _mean(rows: list[dict[str, Any]], field: str) -> str:
    known = [row[field] for row in rows if row[field] is not None]
    return f"{sum(known) / len(known):,.0f}" if known else ""


def _share(rows: list[dict[str, Any]]) -> str:
    known = [row["label_accuracy"] for row in rows if row["label_accuracy"] is not None]
    return f"{100 * sum(known) / len(known):.1f} %" if known else ""


def sisters() -> str:
    """What the lab's three models do untrained and after fine-tuning on gold, means over the seeds of study teacher."""
    run = results_of("teacher")
    lines = ["| model | greedy | one sample | vote of 8 | after gold, greedy |", f"|{' --- |' * 5}"]
    models = {"lab-s": ("base-small", "small", None), "lab-m": ("base", "own", "baseline")}
    models["lab-l"] = ("base-large", "large", "baseline-large")
    for model, (base, labels, trained) in models.items():
        voted = [row for row in run["labels"] if row["name"] == labels]
        cells = [_over(run["conditions"], base, "accuracy"), _over(voted, labels, "single_accuracy")]
        cells += [_over(voted, labels, "accuracy")]
        cells += ["not run" if trained is None else _over(run["conditions"], trained, "accuracy")]
        lines.append(f"| `{model}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def _over(rows: list[dict[str, Any]], name: str, field: str) -> str:
    known = [row[field] for row in rows if row["name"] == name and row[field] is not None]
    return f"{100 * sum(known) / len(known):.1f} %"
