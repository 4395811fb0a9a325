"""``compare RUN RUN``: the settings in which two runs differ, and their conditions paired by seed and question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from noisy_student.cli.console import emit, note, say, table
from noisy_student.cli.runs import differing, value_text
from noisy_student.errors import UserError
from noisy_student.evaluation.contrast import Outcomes, contrast
from noisy_student.report.numbers import count, p_value, percent, points, points_interval
from noisy_student.report.wording import primary_findings, sentence
from noisy_student.study.run import GRADES, Run, open_run

MEASURED = ("difference", "interval", "p_value", "n", "seeds", "unit", "method")
"""Fields of a finding that a row of ``--json`` holds."""


def compare_runs(a: Path, b: Path, *, margin: float | None, json: bool) -> None:
    """Print how run ``a`` differs from run ``b``: settings, findings of each, and A - B of every condition of both."""
    one, other = open_run(a), open_run(b)
    settings = differing([one.results.get("settings"), other.results.get("settings")])
    pairs = list(paired(one, other, margin=margin))
    if json:
        emit({"schema": 1, "a": str(a), "b": str(b), "settings": settings, "conditions": pairs})
        return
    say(f"A: {a}", f"B: {b}", "")
    if settings:
        table(["Setting", "A", "B"], [[name, *map(value_text, values)] for name, values in settings.items()])
    else:
        say("All settings are equal.")
    for name, run in (("A", one), ("B", other)):
        for finding in primary_findings(run.results):
            say(f"{name}: {sentence(finding, run.conditions)}")
    if not pairs:
        say("No condition was graded in both runs on the same questions of one seed, so none can be paired.")
        return
    columns = ["Condition", "A", "B", "A - B", "95 %", "p", "n"]
    lines = [
        [
            row["condition"],
            percent(row["accuracy_a"]),
            percent(row["accuracy_b"]),
            points(row["difference"]),
            points_interval(row["interval"]),
            p_value(row["p_value"]),
            count(row["n"]),
        ]
        for row in pairs
    ]
    say("")
    table(columns, lines, right=columns[1:])
    left = [f"{row['condition']}: {count(row['unpaired'])}" for row in pairs if row["unpaired"]]
    note(
        "A - B in points, paired by seed and question; p unadjusted."
        + (f" Answers to questions of one run only are left out ({', '.join(left)})." if left else "")
    )


def paired(a: Run, b: Run, *, margin: float | None) -> Iterator[dict[str, Any]]:
    """Yield A - B of each condition that both runs tested on shared questions of a shared seed."""
    first, second = outcomes(a), outcomes(b)
    tested = {row.get("name") for row in a.conditions if row.get("graded_on", "test") == "test"}
    for name in (name for name in first if name in second and name in tested):
        one, other = first[name], second[name]
        seeds = [seed for seed in one if one[seed].keys() & other.get(seed, {}).keys()]
        if not seeds:
            continue
        kept = [Outcomes(side, {seed: of[seed] for seed in seeds}) for side, of in (("A", one), ("B", other))]
        sides = kept[0].shared_with(kept[1]), kept[1].shared_with(kept[0])
        for finding in contrast(name, *sides, margin=margin, primary=True, family="runs"):
            measured = asdict(finding)
            yield {
                "condition": name if finding.unit == "checkpoints" else f"{name}, as a recipe",
                "accuracy_a": _mean(sides[0].by_seed),
                "accuracy_b": _mean(sides[1].by_seed),
                **{field: measured[field] for field in MEASURED},
                "unpaired": _size(one) + _size(other) - sum(_size(side.by_seed) for side in sides),
            }


def outcomes(run: Run) -> dict[str, dict[int, dict[str, float]]]:
    """Return condition -> seed -> question id -> right or not; raises UserError for a run without its grades."""
    if not (run.folder / GRADES).is_file():
        raise UserError(
            f"{run.folder} has no {GRADES}.",
            why="Runs are paired by the grade of every question.",
            do="Run the study again with its own command: stored results are only read.",
            code="grades-missing",
        )
    found: dict[str, dict[int, dict[str, float]]] = {}
    try:
        for row in run.grades():
            right = float(row["correct"])
            found.setdefault(row["condition"], {}).setdefault(row["seed"], {})[row["question_id"]] = right
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise UserError(
            f"{run.folder / GRADES} does not hold grades: {type(error).__name__}: {error}.",
            do="Remove the file and run the study again: stored results are only read.",
            code="grades-malformed",
        ) from error
    return found


def _size(by_seed: Mapping[int, Mapping[str, float]]) -> int:
    return sum(map(len, by_seed.values()))


def _mean(by_seed: Mapping[int, Mapping[str, float]]) -> float:
    return sum(sum(of_seed.values()) for of_seed in by_seed.values()) / _size(by_seed)
