"""Curves: a point of a trainer with the facts of the answers before that step."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from noisy_student import files
from noisy_student.study.curves import curves


def joined(tmp_path: Any, points: list[dict[str, Any]], facts: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    (tmp_path / "curves").mkdir()
    files.write_jsonl(tmp_path / "curves" / "training.jsonl", points)
    if facts is not None:
        files.write_jsonl(tmp_path / "curves" / "rollouts.jsonl", facts)
    condition = SimpleNamespace(name="grpo", seed=1, train=SimpleNamespace(stage="train-grpo"))
    plan: Any = SimpleNamespace(conditions=[condition])
    store: Any = SimpleNamespace(folder=lambda node: tmp_path)
    return curves(plan, store)["grpo-1"]


def test_a_divergence_that_only_the_rollouts_have_is_shown(tmp_path: Any) -> None:
    facts = [{"kl": 0.5, "right": 1}, {"right": 0}]
    found = joined(tmp_path, [{"step": 1, "kl": None}, {"step": 2, "kl": None}], facts)
    assert [(row.get("kl"), row["right"]) for row in found] == [(0.5, 1), (None, 0)]


def test_the_trainers_own_divergence_goes_first(tmp_path: Any) -> None:
    assert joined(tmp_path, [{"step": 1, "kl": 0.25}], [{"kl": 0.5}])[0]["kl"] == 0.25


def test_without_rollouts_points_stay_as_they_are(tmp_path: Any) -> None:
    assert joined(tmp_path, [{"step": 1, "loss": 2.0}], None) == [{"step": 1, "loss": 2.0}]


def test_several_steps_may_share_their_answers(tmp_path: Any) -> None:
    points = [{"step": step} for step in (1, 2, 3, 4)]
    assert [row["n"] for row in joined(tmp_path, points, [{"n": 0}, {"n": 1}])] == [0, 0, 1, 1]
