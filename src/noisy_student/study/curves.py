"""The curves of a run's students: what their trainers logged, with what rollouts were like where there are any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from noisy_student import files
from noisy_student.study.handed import trained_by
from noisy_student.study.health import looks
from noisy_student.study.plan import Plan
from noisy_student.study.store import Store


def curves(plan: Plan, store: Store) -> dict[str, list[dict[str, Any]]]:
    """The points by ``condition-seed``; those of GRPO also say what the answers before that step were like."""
    found: dict[str, list[dict[str, Any]]] = {}
    for nodes in plan.conditions:
        training = trained_by(nodes.train, store)
        if training is None:
            continue
        folder = store.folder(training) / "curves"
        if not (folder / "training.jsonl").is_file():
            continue
        points = list(files.read_jsonl(folder / "training.jsonl"))
        if (folder / "rollouts.jsonl").is_file():
            rollouts = list(files.read_jsonl(folder / "rollouts.jsonl"))
            # Several optimiser steps may share a batch of answers.
            each = int(training.spec["grpo"]["num_iterations"])
            points = [_joined(rollouts[min((point["step"] - 1) // each, len(rollouts) - 1)], point) for point in points]
        found[f"{nodes.name}-{nodes.seed}"] = _looked_at(points, looks(training, store))
    return found


def _looked_at(points: list[dict[str, Any]], rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The points, those of a look with the share of right dev questions and the names of what was found."""
    at = {row["step"]: row for row in rows}
    # The look before the first step is shown at the first.
    at |= {1: {**at[0], **at.get(1, {})}} if 0 in at else {}
    for point in points:
        row = at.get(point["step"])
        if row is not None:
            dev = row.get("dev")
            point |= {"dev": sum(dev) / len(dev) if dev else None, "found": [item["name"] for item in row["diagnoses"]]}
    return points


def _joined(rollout: dict[str, Any], point: dict[str, Any]) -> dict[str, Any]:
    """A point with its rollouts' facts; a trainer that has no divergence does not hide the one that was measured."""
    return {**rollout, **{name: value for name, value in point.items() if value is not None or name not in rollout}}
