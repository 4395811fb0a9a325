"""``--deadline`` and ``--budget``: durations, times of day, amounts of money."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path

import pytest
from refusals import refused

from noisy_student.cli.deadline import budget_deadline, parse_deadline
from noisy_student.cli.main import main
from noisy_student.pipeline.node import parents_first
from noisy_student.study.plan.plan import plan
from noisy_student.study.settings.files import Request, resolve

NOON = datetime(2026, 3, 10, 12, 0, 0).timestamp()


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
