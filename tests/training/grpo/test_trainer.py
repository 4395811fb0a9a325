"""Divergence of a student from its start: 0 at first, then TRL's value with an anchor too light to hold."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from training.grpo.test_train import SPEC, run

from noisy_student.training.grpo.trainer import divergence


def test_it_is_what_trl_logs_with_an_anchor(tmp_path: Path) -> None:
    spec = SPEC.model_copy(update={"drift_every": 1, "learning_rate": 1e-3})
    _, free = run(tmp_path / "free", spec)
    _, held = run(tmp_path / "held", spec.model_copy(update={"beta": 1e-12}))
    found = [fact["kl"] for fact in free.facts]
    assert abs(found[0]) < 1e-6 < found[1]
    assert found[1:] == pytest.approx([point.kl for point in held.curve][1:], rel=1e-3)
    assert not any("kl" in fact for fact in held.facts)


def test_micro_batches_find_the_same(tmp_path: Path) -> None:
    spec = SPEC.model_copy(update={"drift_every": 2, "learning_rate": 1e-3})
    _, whole = run(tmp_path / "whole", spec)
    _, parts = run(tmp_path / "parts", spec.model_copy(update={"micro_batch": 2}))
    assert ["kl" in fact for fact in whole.facts] == [True, False, True]
    assert parts.facts[2]["kl"] == pytest.approx(whole.facts[2]["kl"], rel=0.05)


def test_it_may_be_left_out(tmp_path: Path) -> None:
    _, result = run(tmp_path, SPEC.model_copy(update={"drift_every": None, "steps": 1}))
    assert "kl" not in result.facts[0]


def test_divergence_is_a_mean_over_tokens_that_count() -> None:
    reference, drawn = torch.tensor([[-1.0, -2.0, -9.0]]), torch.tensor([[-1.0, -3.0, -0.1]])
    expected = (torch.tensor(1.0).exp() - 1 - 1) / 2
    assert divergence(reference, drawn, torch.tensor([[1, 1, 0]])) == pytest.approx(float(expected))
