"""Healthy runs of different seeds: nothing is found, at the first check and at a later one."""

from __future__ import annotations

from pathlib import Path

import pytest
from training.health.lab_run import Fault, found, run

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("seed", range(1, 21))
def test_nothing_is_found_in_a_healthy_run(seed: int, tmp_path: Path) -> None:
    result = run(tmp_path, seed=seed)
    assert found(result) == set()
    assert result.steps == 30


@pytest.mark.parametrize(
    "fault",
    [Fault(lora=True, grpo={"learning_rate": 3e-3}), Fault(grpo={"steps": 63, "beta": 0.04})],
    ids=["lora", "long"],
)
def test_nor_with_an_adapter_or_an_anchor(fault: Fault, tmp_path: Path) -> None:
    assert found(run(tmp_path, fault)) == set()
