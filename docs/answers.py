"""Blocks about studies: the primary findings of one, the answers to the open questions, and the lab's sister models."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from noisy_student.report.wording import verdict_words

RESULTS = Path(__file__).parent.parent / "results"
ANSWERS = RESULTS / "answers.toml"
Row = dict[str, Any]


def load(name: str) -> Any:
    """Return the content of a JSON file in ``results/``."""
    return json.loads((RESULTS / name).read_text(encoding="utf-8"))


def results_of(study: str) -> Row:
    """Return the published results of a study."""
    found: Row = load(f"{study}/results.json")
    return found


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    return "\n".join(f"| {' | '.join(cells)} |" if cells else f"|{' --- |' * len(head)}" for cells in (head, (), *rows))


def points(finding: Row) -> str:
    """Return difference and interval in percentage points.

    >>> points({"difference": 0.051, "interval": [0.026, 0.076]})
    '+5.1 [+2.6, +7.6]'
    """
    low, high = (100 * bound for bound in finding["interval"])
    return f"{100 * finding['difference']:+.1f} [{low:+.1f}, {high:+.1f}]"


def named(run: Row, a: str, b: str, unit: str = "checkpoints") -> Row:
    """Return the finding a - b of a run."""
    return next(row for row in run["findings"] if (row["a"], row["b"], row["unit"]) == (a, b, unit))


def answers() -> str:
    """Return one row per open question: answer, intervals it stands on, where it would not hold."""
    rows = []
    for study, said in tomllib.loads(ANSWERS.read_text(encoding="utf-8")).items():
        found = {finding["name"]: finding for finding in results_of(study)["findings"]}
        shown = "<br>".join(f"{row['a']} - {row['b']} {points(row)}" for row in map(found.get, said["findings"]) if row)
        rows.append((f"[`{study}`]({study}/report.html)", said["question"], said["answer"], shown, said["limits"]))
    return table(("study", "question", "answer", "95 % intervals, points", "where it would not hold"), rows)


def findings(study: str) -> str:
    """Return the primary findings of a study, their comparisons with controls, and the plan's expectations."""
    run = results_of(study)
    primary = [row for row in run["findings"] if row["primary"]]
    claimed, unit = {row["a"] for row in primary}, primary[0]["unit"]
    controls = {row["name"] for row in run["conditions"] if row["control_of"] in claimed}
    rows = [
        (f"{row['a']} - {row['b']}", points(row), verdict_words(row, run["conditions"]))
        for row in run["findings"]
        if row["difference"] is not None
        and (row["primary"] or (row["a"] in claimed and row["b"] in controls and row["unit"] == unit))
    ]
    seeds = f"{len(run['seeds'])} seed{'s' * (len(run['seeds']) > 1)}"
    lines = [table((f"comparison ({seeds})", "points, 95 % interval", "verdict"), rows)]
    expected = [*(run.get("criteria") or ()), *(run.get("predictions") or ())]
    lines += ["", *map(_expected, expected)] if expected else []
    lines += _votes_by_k(run) if study == "v2" else []
    return "\n".join(lines)


def _expected(row: Row) -> str:
    """Return one expectation of the plan with what came of it."""
    if "measure" not in row:
        return f"- Expected: {row['source']}. Found {points(row)}: **{row['answer']}**."
    low, high = (100 * bound for bound in row["interval"])
    bound = f"above {100 * row['above']:.0f} %" if row["above"] is not None else f"below {100 * row['below']:.0f} %"
    found = f"{100 * row['value']:.1f} % [{low:.1f}, {high:.1f}]"
    return f"- Expected: {row['measure']} of {row['condition']} {bound}. Found {found}: **{row['verdict']}**."


def _votes_by_k(run: Row) -> list[str]:
    most = max((row for row in run["labels"] if row.get("curve")), key=lambda row: (row["k"], row["questions"]))
    curve = ", ".join(f"k = {k}: {100 * share:.1f} %" for k, share in most["curve"])
    return [f"- Right votes over k of {most['k']} samples: {curve}. Enough: k = {most['enough']}."]


def sisters() -> str:
    """Return the accuracies of the lab's three models, untrained and after gold, over the seeds of study teacher."""
    run = results_of("teacher")
    models = {"lab-s": ("base-small", "small", None), "lab-m": ("base", "own", "baseline")}
    models["lab-l"] = ("base-large", "large", "baseline-large")
    rows = []
    for model, (base, labels, trained) in models.items():
        cells = [_over(run["conditions"], base, "accuracy"), _over(run["labels"], labels, "single_accuracy")]
        cells += [_over(run["labels"], labels, "accuracy")]
        cells += ["not run" if trained is None else _over(run["conditions"], trained, "accuracy")]
        rows.append((f"`{model}`", *cells))
    return table(("model", "greedy", "one sample", "vote of 8", "after gold, greedy"), rows)


def _over(rows: list[Row], name: str, field: str) -> str:
    known = [row[field] for row in rows if row["name"] == name and row[field] is not None]
    return f"{100 * sum(known) / len(known):.1f} %"
