"""What each condition's pseudo-labels were selected from and what they cost: samples, tokens and seconds a label."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from noisy_student.study.node import Node
from noisy_student.study.plan import Plan
from noisy_student.study.seed_nodes import ConditionNodes
from noisy_student.study.store import Store


def selections(plan: Plan, store: Store) -> Iterator[dict[str, Any]]:
    """A row for each condition and seed that learns from one set of votes, once its labels are there.

    ``right`` and ``precision`` are None where the truth is not known. Seconds and tokens are those of the samples that
    were voted on, whichever study drew them.
    """
    for nodes in plan.conditions:
        names = plan.settings.conditions[nodes.name].label_names
        label = _label_node(nodes)
        if len(names) != 1 or label is None or "votes" not in label.inputs:
            continue
        (votes,) = label.inputs["votes"]
        voted, made = store.summary(votes), store.summary(label)
        if voted is None or made is None:
            continue
        settings = plan.settings.labels[names[0]]
        judged = (store.summary(nodes.quality) or {}).get("labels")
        accepted, right = made["questions"], None if judged is None else judged["right"]
        yield {
            "condition": nodes.name,
            "seed": nodes.seed,
            "labels": names[0],
            "k": settings.K,
            "stopping": settings.stopping if settings.stops_early else "fixed",
            "questions": voted["questions"],
            "samples": voted["samples"],
            "tokens": voted["tokens"],
            "seconds": _seconds(store, votes, voted["samples"]),
            "accepted": accepted,
            "right": right,
            "coverage": accepted / voted["questions"],
            "precision": None if right is None or not accepted else right / accepted,
            "samples_per_label": voted["samples"] / accepted if accepted else None,
            "tokens_per_label": voted["tokens"] / accepted if accepted else None,
        }


def _label_node(nodes: ConditionNodes) -> Node | None:
    learned = [] if nodes.learned is None else nodes.learned.inputs.get("labels", ())
    return next((node for node in learned if node.stage == "label"), None)


def _seconds(store: Store, votes: Node, samples: int) -> float | None:
    """The seconds of drawing ``samples``: of nodes that drew more, their share."""
    drawn, seconds = 0, 0.0
    for node in votes.inputs["samples"]:
        manifest = store.manifest(node)
        if manifest is None or manifest.outcome != "done":
            return None
        drawn += manifest.summary["samples"]
        seconds += manifest.provenance["seconds"]
    return seconds * samples / drawn if drawn else None
