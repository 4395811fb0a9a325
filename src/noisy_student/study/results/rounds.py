"""The rounds of a run as rows: how each was held against the one before, and how its labels changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from noisy_student.pipeline.store import Store
from noisy_student.study.plan.nodes import ConditionNodes
from noisy_student.study.plan.plan import Plan


def round_rows(plan: Plan, store: Store) -> Iterator[dict[str, Any]]:
    """A row a condition and seed that has to be accepted; ``status`` is accepted, turned down, skipped or left."""
    for nodes in plan.conditions:
        accept = plan.settings.conditions[nodes.name].accept
        if accept is None or nodes.review is None:
            continue
        manifest = store.manifest(nodes.review)
        row: dict[str, Any] = {"condition": nodes.name, "seed": nodes.seed, "against": accept.against}
        if manifest is None or manifest.outcome != "done":
            status = "left" if manifest is None else "skipped"
            yield {**row, "status": status, "reason": None if manifest is None else manifest.reason}
            continue
        found = manifest.summary
        yield {
            **row,
            "status": "accepted" if found["accepted"] else "turned down",
            "reason": found["reason"],
            "p_worse": found["p_worse"],
            "level": found["level"],
            "alarms": found["alarms"],
            "questions": found["questions"],
            "before": found["before"],
            "now": found["now"],
            "selected": _selected(nodes, store),
            "lineage": None if nodes.lineage is None else store.summary(nodes.lineage),
        }


def _selected(nodes: ConditionNodes, store: Store) -> int | None:
    """The questions whose labels a round learned from; None where it has no single set of them."""
    learned = [] if nodes.learned is None else nodes.learned.inputs.get("labels", ())
    summary = store.summary(learned[0]) if len(learned) == 1 else None
    return None if summary is None else int(summary["questions"])
