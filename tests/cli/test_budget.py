"""Money into time, and the plan's prices."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from noisy_student.cli.budget import budget_deadline
from noisy_student.cli.main import main
from noisy_student.errors import UserError
from noisy_student.pipeline.node import parents_first
from noisy_student.study.plan.plan import plan
from noisy_student.study.settings.files import Request, resolve


def test_a_budget_is_the_time_that_it_buys() -> None:
    assert budget_deadline(0.5, usd_per_hour=2.0, now=100.0) == 100.0 + 900


@pytest.mark.parametrize("usd", [0.0, -1.0, math.nan, math.inf])
def test_an_amount_is_above_nothing(usd: float) -> None:
    with pytest.raises(UserError, match="--budget is"):
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
