"""Rows of probes: the outcome of each, the numbers before and after, and the settings that the last one recommends."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from noisy_student.pipeline.node import Node
from noisy_student.study.results.view import LOGGED, ROLLOUTS, RunView
from noisy_student.study.settings.checks import probes_before
from noisy_student.study.settings.study import Settings
from noisy_student.training.specs.grpo import GrpoSpec

LAST = 10
"""Steps whose mean is shown; one step of a few groups says little."""
TRAINER = ("reward_std", "frac_reward_zero_std", "loss", "kl", "clipped_ratio", "mean_terminated_length")
"""Numbers that TRL logs, named as in the plan's own table."""
MEASURED = ("spread", "right", "readable", "stopped", "looped", "kl")
"""Numbers that are measured here; kl also where TRL has none."""
TRIED = ("held", "failed", "stopped")
"""Statuses of a rung that was tried; ``stopped`` is one whose training ended for its health."""
OF_A_PROBE = frozenset({"probe", "match", "steps", "most_steps", "drift_every"})
"""Settings of a probe that a whole training has otherwise."""


def probe_rows(view: RunView) -> Iterator[dict[str, Any]]:
    """Yield a row a seed of a study with probes: its rungs in order, and the arguments that the one that held implies.

    ``held`` and ``recommended`` are None where none held; the arguments are empty where the run's own settings held.
    """
    settings = view.settings
    probes = [name for name, condition in settings.conditions.items() if "probe" in condition.overrides]
    # The first rung stands first, wherever the study's file has it.
    probes.sort(key=lambda name: len(probes_before(name, settings.conditions)))
    if not probes:
        return
    for seed in settings.seeds:
        nodes = {item.name: item.train for item in view.plan.conditions if item.seed == seed}
        rungs = [_rung(name, view.trained(nodes[name]) or nodes[name], view) for name in probes]
        tried = [rung["name"] for rung in rungs if rung["status"] in TRIED]
        held = next((rung["name"] for rung in rungs if rung["status"] == "held"), None)
        last = held or (tried[-1] if tried else None)
        yield {
            "seed": seed,
            "rungs": rungs,
            "before": tried[0] if tried else None,
            "after": None if last in tried[:1] else last,
            "held": held,
            "recommended": None if held is None else recommended(settings, held),
        }


def _rung(name: str, node: Node | None, view: RunView) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name, "status": "left", "reason": None, "steps": None, "criteria": [], "metrics": {}}
    outcome = view.outcome(node)
    if node is None or outcome is None:
        return row
    if outcome == "skipped":
        reason = view.reason(node)
        # Its gates are done where it was needed, so its own training gave up.
        if all(view.outcome(gate) == "done" for gate in node.inputs.get("gate", ())):
            return {**row, "status": "stopped", "metrics": _metrics(node, view), "reason": reason}
        return {**row, "status": "skipped", "reason": reason}
    shown = (view.summary(node) or {})["probe"]
    found = {"status": "held" if shown["held"] else "failed", "steps": shown["steps"], "criteria": shown["criteria"]}
    return {**row, **found, "metrics": _metrics(node, view)}


def _metrics(node: Node, view: RunView) -> dict[str, float | None]:
    logged = _means(view.curve(node, LOGGED), TRAINER)
    measured = _means(view.curve(node, ROLLOUTS), MEASURED)
    return {**measured, **logged, "kl": measured["kl"] if logged["kl"] is None else logged["kl"]}


def _means(rows: Sequence[Mapping[str, Any]] | None, names: Sequence[str]) -> dict[str, float | None]:
    last = (rows or [])[-LAST:]
    known = {name: [float(row[name]) for row in last if row.get(name) is not None] for name in names}
    return {name: statistics.fmean(values) if values else None for name, values in known.items()}


def recommended(settings: Settings, name: str) -> list[str]:
    """Return the arguments that give a whole run the settings of a probe, where they differ from its own."""
    usual = settings.grpo.model_dump(mode="json")
    wanted = GrpoSpec.model_validate({**usual, **settings.conditions[name].overrides}).model_dump(mode="json")
    own = {field: value for field, value in wanted.items() if field not in OF_A_PROBE}
    return [f"--set {field}={value}" for field, value in _changed("grpo", usual, own)]


def _changed(where: str, usual: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Dotted fields whose wanted value is not the usual one, as ``--set`` reads them."""
    for field, value in wanted.items():
        before = usual.get(field)
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            yield from _changed(f"{where}.{field}", before, value)
        elif value != before and value is not None:
            yield f"{where}.{field}", str(value).lower() if isinstance(value, bool) else value
