"""Which student a run names as its best."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from noisy_student.cli.run import best_model
from noisy_student.study.run import Run


def row(name: str, accuracy: float, *learned: str, **more: Any) -> dict[str, Any]:
    found = {"name": name, "seed": 1, "accuracy": accuracy, "status": "done", "learns_from": list(learned)}
    return {**found, "graded_on": "test", **more}


def best(*conditions: dict[str, Any]) -> str | None:
    made = Run(folder=Path("runs/x"), results={"conditions": list(conditions)}, curves={})
    said = best_model(made)
    return said[0].removeprefix("Best model: ").split(",")[0] if said else None


def test_a_student_on_its_way_is_no_candidate_and_the_last_of_its_chain_is() -> None:
    first = row("fresh-1", 0.9, "gold", "labels.fresh-1", graded_on="dev")
    last = row("fresh", 0.6, "gold", "labels.fresh-1", method="last")
    assert best(first, last, row("baseline", 0.5, "gold")) == "fresh"
    assert best(first, row("baseline", 0.5, "gold")) == "baseline"
    assert best(first) is None


@pytest.mark.parametrize(
    "other",
    [
        row("oracle", 0.9, "gold", "revealed"),
        row("base", 0.9),
        row("skipped", 0.9, "gold", status="skipped"),
    ],
)
def test_nor_is_who_knows_the_truth_learns_nothing_or_was_skipped(other: dict[str, Any]) -> None:
    assert best(other, row("baseline", 0.5, "gold")) == "baseline"


def test_a_run_of_before_there_were_rounds_has_its_best() -> None:
    old = row("baseline", 0.5, "gold")
    del old["graded_on"]
    assert best(old) == "baseline"
