"""A ladder of probes: what each showed, the numbers before and after, and the settings that the last one recommends."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from noisy_student import files
from noisy_student.pipeline.node import Node
from noisy_student.pipeline.store import Store
from noisy_student.study.plan.nodes import trained_by
from noisy_student.study.plan.plan import Plan
from noisy_student.study.settings.checks import probes_before
from noisy_student.study.settings.study import Settings
from noisy_student.training.specs.grpo import GrpoSpec

LAST = 10
"""Steps whose mean is shown; one step of a few groups says little."""
LOGGED = ("reward_std", "frac_reward_zero_std", "loss", "kl", "clipped_ratio", "mean_terminated_length")
"""What TRL logs, in the words of the plan's own table."""
MEASURED = ("spread", "right", "readable", "stopped", "looped", "kl")
"""What is measured here; kl also where TRL has none."""
TRIED = ("held", "failed", "stopped")
"""What becomes of a rung that is tried; ``stopped`` is one that its own training could not go on with."""
OF_A_PROBE = frozenset({"probe", "match", "steps", "most_steps", "drift_every"})
"""Settings of a probe that a whole training has otherwise."""


def ladder(plan: Plan, store: Store) -> Iterator[dict[str, Any]]:
    """A row for each seed of a study with probes: its rungs in order, and what the one that held recommends.

    ``held`` is None where none did, ``recommended`` then too; it is empty where the first rung held as the run's own
    settings are.
    """
    settings = plan.settings
    probes = [name for name, condition in settings.conditions.items() if "probe" in condition.grpo]
    # The first rung stands first, wherever the study's file has it.
    probes.sort(key=lambda name: len(probes_before(name, settings.conditions)))
    if not probes:
        return
    for seed in settings.seeds:
        nodes = {item.name: item.train for item in plan.conditions if item.seed == seed}
        rungs = [_rung(name, trained_by(nodes[name], store) or nodes[name], store) for name in probes]
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


def _rung(name: str, node: Node | None, store: Store) -> dict[str, Any]:
    """What a probe showed; one that was skipped says why."""
    manifest = None if node is None else store.manifest(node)
    row: dict[str, Any] = {"name": name, "status": "left", "reason": None, "steps": None, "criteria": [], "metrics": {}}
    if node is None or manifest is None:
        return row
    if manifest.outcome == "skipped":
        needed = all(store.outcome(gate) == "done" for gate in node.inputs.get("gate", ()))
        stopped = {**row, "status": "stopped", "metrics": _metrics(store.folder(node) / "curves")}
        return {**(stopped if needed else {**row, "status": "skipped"}), "reason": manifest.reason}
    shown = manifest.summary["probe"]
    status = "held" if shown["held"] else "failed"
    found = {"status": status, "steps": shown["steps"], "criteria": shown["criteria"]}
    return {**row, **found, "metrics": _metrics(store.folder(node) / "curves")}


def _metrics(folder: Any) -> dict[str, float | None]:
    """Means over the last steps of what the trainer logged and of what was measured beside it."""
    logged = _means(folder / "training.jsonl", LOGGED)
    measured = _means(folder / "rollouts.jsonl", MEASURED)
    return {**measured, **logged, "kl": measured["kl"] if logged["kl"] is None else logged["kl"]}


def _means(path: Any, names: Sequence[str]) -> dict[str, float | None]:
    rows = list(files.read_jsonl(path))[-LAST:] if path.is_file() else []
    known = {name: [float(row[name]) for row in rows if row.get(name) is not None] for name in names}
    return {name: statistics.fmean(values) if values else None for name, values in known.items()}


def recommended(settings: Settings, name: str) -> list[str]:
    """The arguments that give a whole run the settings of a probe, where its own are others."""
    usual = settings.grpo.model_dump(mode="json")
    wanted = GrpoSpec.model_validate({**usual, **settings.conditions[name].grpo}).model_dump(mode="json")
    own = {field: value for field, value in wanted.items() if field not in OF_A_PROBE}
    return [f"--set {field}={value}" for field, value in _changed("grpo", usual, own)]


def _changed(where: str, usual: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Dotted fields with the values that are wanted and not usual, as ``--set`` reads them."""
    for field, value in wanted.items():
        before = usual.get(field)
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            yield from _changed(f"{where}.{field}", before, value)
        elif value != before and value is not None:
            yield f"{where}.{field}", str(value).lower() if isinstance(value, bool) else value
