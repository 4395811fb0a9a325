"""The best model that a run names; ``--deadline`` and ``--budget``: durations, times of day, amounts of money."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from refusals import refused

from noisy_student.cli.main import main
from noisy_student.cli.run import best_model, budget_deadline, parse_deadline
from noisy_student.pipeline.node import parents_first
from noisy_student.study.plan.plan import plan
from noisy_student.study.run import Run
from noisy_student.study.settings.files import Request, resolve

NOON = datetime(2026, 3, 10, 12, 0, 0).timestamp()


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
        row("teacher", 0.9),
        row("random-subset", 0.9, "gold", control_of="filtered"),
        row("skipped", 0.9, "gold", status="skipped"),
    ],
)
def test_nor_is_who_knows_the_truth_learns_nothing_or_was_skipped(other: dict[str, Any]) -> None:
    assert best(other, row("baseline", 0.5, "gold")) == "baseline"


@pytest.mark.parametrize(("accuracy", "name"), [(0.49, "baseline"), (0.5, "base"), (0.9, "base")])
def test_the_base_model_is_best_unless_a_student_is_better(accuracy: float, name: str) -> None:
    assert best(row("base", accuracy), row("baseline", 0.5, "gold")) == name


def test_a_run_of_before_there_were_rounds_has_its_best() -> None:
    old = row("baseline", 0.5, "gold")
    del old["graded_on"]
    assert best(old) == "baseline"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10h", 36_000), ("90m", 5400), ("30s", 30), ("1h30m", 5400), ("1.5H", 5400), (" 2d ", 172_800)],
)
def test_lengths_count_from_now(text: str, seconds: float) -> None:
    assert parse_deadline(text, now=NOON) == NOON + seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("18:30", datetime(2026, 3, 10, 18, 30)),
        ("7:05", datetime(2026, 3, 11, 7, 5)),
        ("12:00", datetime(2026, 3, 11, 12, 0)),
    ],
)
def test_a_time_of_day_is_the_next_one(text: str, expected: datetime) -> None:
    assert parse_deadline(text, now=NOON) == expected.timestamp()


@pytest.mark.parametrize("text", ["", "10", "h", "25:00", "12:60", "tomorrow", "-1h", "10h 5"])
def test_anything_else_is_refused(text: str) -> None:
    with refused("deadline-malformed", f'"{text}"'):
        parse_deadline(text, now=NOON)


def test_a_budget_is_the_time_that_it_buys() -> None:
    assert budget_deadline(0.5, usd_per_hour=2.0, now=100.0) == 100.0 + 900


@pytest.mark.parametrize("usd", [0.0, -1.0, math.nan, math.inf])
def test_an_amount_is_above_nothing(usd: float) -> None:
    with refused("budget-invalid", f"{usd:g}"):
        budget_deadline(usd, usd_per_hour=2.0, now=0.0)


def test_without_a_price_there_is_no_budget(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run", "v1", "--budget", "5", "--store", str(tmp_path / "s"), "--runs", str(tmp_path / "r")]
    assert main(words) == 1
    assert "compute.usd_per_hour" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_price_is_in_no_key() -> None:
    priced = Request("v1", overrides={"compute": {"usd_per_hour": 2.5}})
    keys = [[node.key for node in parents_first(plan(resolve(request)).targets)] for request in (Request("v1"), priced)]
    assert keys[0] == keys[1]


@pytest.mark.slow
def test_a_failed_check_of_a_study_is_the_exit_code_of_its_preflight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["preflight", "v1", "--limit", "100", "--set", "compute.workers=1", "--set", "checks.rehearse=false"]
    words += ["--set", "checks.questions=12", "--set", "sampling.max_new_tokens=2"]
    assert main(words) == 1
    said = capsys.readouterr()
    assert "Failed checks: " in said.err and "Is everything in place for v1?" in said.out
    assert len(list(tmp_path.glob("runs/v1-preflight-*/report.html"))) == 1
