"""Curves and health of a run's students, from the files that their trainers kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from noisy_student.pipeline.node import Node
from noisy_student.study.results.view import LOGGED, ROLLOUTS, RunView, StoreView
from noisy_student.study.settings.methods import of_stage
from noisy_student.training.health.window import first_seen
from noisy_student.training.specs.health import FILE


def curves(view: RunView) -> dict[str, list[dict[str, Any]]]:
    """Return the logged points by ``condition-seed``; those of GRPO hold the facts of the answers before that step."""
    found: dict[str, list[dict[str, Any]]] = {}
    for nodes in view.plan.conditions:
        training = view.trained(nodes.train)
        points = None if training is None else view.curve(training, LOGGED)
        if training is None or points is None:
            continue
        rollouts = view.curve(training, ROLLOUTS)
        if rollouts:
            # Several optimiser steps may share a batch of answers.
            method = of_stage(training.stage)
            each = 1 if method is None else int(training.spec.get(method[0], {}).get("num_iterations", 1))
            points = [_joined(rollouts[min((point["step"] - 1) // each, len(rollouts) - 1)], point) for point in points]
        found[f"{nodes.name}-{nodes.seed}"] = _with_checks(points, health_checks(training, view))
    return found


def health(training: Node | None, view: StoreView, *, name: str, own: Collection[str] = ()) -> dict[str, Any] | None:
    """Return the steps of a training's health checks and each diagnosis once; None without checks.

    A remedy names a setting of the run, or of the condition ``name`` where that has ``own`` settings of its method.
    """
    if training is None:
        return None
    rows = [row for row in health_checks(training, view) if "moved" in row]
    if not rows:
        return None
    method = of_stage(training.stage)
    assert method is not None, "only trainings have health checks"
    return {
        "looks": [row["step"] for row in rows],
        "found": [_shown(found, method[0], name, own) for found in first_seen(rows)],
        "misleading": list(rows[-1].get("misleading") or ()),
    }


def health_checks(training: Node, view: StoreView) -> list[dict[str, Any]]:
    """Return the rows of a training's health checks; empty where there were none or its curves were dropped."""
    return view.curve(training, FILE) or []


def _shown(found: Mapping[str, Any], method: str, name: str, own: Collection[str]) -> dict[str, Any]:
    texts = {field: found.get(field) or "" for field in ("evidence", "cause", "remedy")}
    return {**found, **texts, "remedy": _named(texts["remedy"], method, name, own)}


def _named(remedy: str, method: str, name: str, own: Collection[str]) -> str:
    for field in own:
        # A field may be a table, of which the remedy names a part.
        for end in ("=", "."):
            remedy = remedy.replace(f"--set {method}.{field}{end}", f"--set conditions.{name}.{method}.{field}{end}")
    return remedy


def _with_checks(points: list[dict[str, Any]], rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The points; one at a health check holds the share of right dev questions and the conditions found there."""
    at = {row["step"]: row for row in rows}
    # The check before the first step is shown at the first.
    at |= {1: {**at[0], **at.get(1, {})}} if 0 in at else {}
    for point in points:
        row = at.get(point["step"])
        if row is not None:
            dev = row.get("dev")
            point |= {"dev": sum(dev) / len(dev) if dev else None, "found": [item["name"] for item in row["diagnoses"]]}
    return points


def _joined(rollout: dict[str, Any], point: dict[str, Any]) -> dict[str, Any]:
    """A point with the facts of its answers; a trainer that logs no divergence does not hide the measured one."""
    return {**rollout, **{name: value for name, value in point.items() if value is not None or name not in rollout}}
