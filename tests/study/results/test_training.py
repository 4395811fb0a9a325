"""Curves: a point of a trainer with the facts of the answers before that step."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from noisy_student import files
from noisy_student.study.results.training import curves
from noisy_student.training.specs.health import FILE


def joined(
    tmp_path: Any,
    points: list[dict[str, Any]],
    facts: list[dict[str, Any]] | None,
    looks: list[dict[str, Any]] | None = None,
    each: int = 1,
) -> list[dict[str, Any]]:
    (tmp_path / "curves").mkdir()
    files.write_jsonl(tmp_path / "curves" / "training.jsonl", points)
    if facts is not None:
        files.write_jsonl(tmp_path / "curves" / "rollouts.jsonl", facts)
    if looks is not None:
        files.write_jsonl(tmp_path / "curves" / FILE, looks)
    condition = SimpleNamespace(
        name="grpo",
        seed=1,
        train=SimpleNamespace(stage="train-grpo", forwards=None, spec={"grpo": {"num_iterations": each}}),
    )
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
    assert [row["n"] for row in joined(tmp_path, points, [{"n": 0}, {"n": 1}], each=2)] == [0, 0, 1, 1]


def test_a_point_of_a_look_has_what_was_seen_there(tmp_path: Any) -> None:
    points = [{"step": step, "loss": 0.5} for step in (1, 2, 3, 4)]
    looks = [
        {"step": 0, "dev": [True, False], "diagnoses": []},
        {"step": 2, "moved": 0.1, "dev": [True] * 4, "diagnoses": [{"name": "collapse"}, {"name": "no spread"}]},
        {"step": 4, "moved": 0.1, "dev": [], "diagnoses": []},
    ]
    assert joined(tmp_path, points, None, looks) == [
        {"step": 1, "loss": 0.5, "dev": 0.5, "found": []},  # the start model's, which has no point of its own
        {"step": 2, "loss": 0.5, "dev": 1.0, "found": ["collapse", "no spread"]},
        {"step": 3, "loss": 0.5},
        {"step": 4, "loss": 0.5, "dev": None, "found": []},
    ]


def test_a_look_at_the_first_step_goes_before_the_one_at_the_start(tmp_path: Any) -> None:
    looks = [
        {"step": 0, "dev": [False], "diagnoses": []},
        {"step": 1, "moved": 0.1, "dev": [True], "diagnoses": [{"name": "collapse"}]},
    ]
    assert joined(tmp_path, [{"step": 1}], None, looks) == [{"step": 1, "dev": 1.0, "found": ["collapse"]}]


def test_looks_stand_beside_the_facts_of_answers(tmp_path: Any) -> None:
    looks = [{"step": 2, "moved": 0.1, "diagnoses": [{"name": "collapse"}]}]  # of fine-tuning, which asks no dev
    found = joined(tmp_path, [{"step": 1}, {"step": 2}], [{"right": 1}, {"right": 0}], looks)
    assert found == [{"right": 1, "step": 1}, {"right": 0, "step": 2, "dev": None, "found": ["collapse"]}]
