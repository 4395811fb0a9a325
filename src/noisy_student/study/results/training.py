"""The curves of a run's students: what their trainers logged, with what rollouts were like where there are any."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from noisy_student import files
from noisy_student.pipeline.node import Node
from noisy_student.pipeline.store import Store
from noisy_student.study.plan.nodes import trained_by
from noisy_student.study.plan.plan import Plan
from noisy_student.training.health.window import first_seen
from noisy_student.training.specs.health import FILE


def looks(training: Node, store: Store) -> list[Mapping[str, Any]]:
    """The rows of a training's looks; none where it was not looked at, or where its curves were dropped."""
    path = store.folder(training) / "curves" / FILE
    return list(files.read_jsonl(path)) if path.is_file() else []


def health(training: Node | None, store: Store, *, name: str, own: Collection[str] = ()) -> dict[str, Any] | None:
    """The steps after which a training was looked at, every condition found once, and what misleads; None without.

    A remedy names a setting of the run; where the condition ``name`` has ``own`` GRPO settings, it names those.
    """
    rows = [] if training is None else [row for row in looks(training, store) if "moved" in row]
    if not rows:
        return None
    return {
        "looks": [row["step"] for row in rows],
        "found": [{**found, "remedy": _named(found["remedy"], name, own)} for found in first_seen(rows)],
        "misleading": list(rows[-1]["misleading"]),
    }


def _named(remedy: str, name: str, own: Collection[str]) -> str:
    for field in own:
        # A field may be a table, of which the remedy names a part.
        for end in ("=", "."):
            remedy = remedy.replace(f"--set grpo.{field}{end}", f"--set conditions.{name}.grpo.{field}{end}")
    return remedy


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
