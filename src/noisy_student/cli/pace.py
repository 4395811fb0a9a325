"""How long a node is likely to take, from what nodes of the same stage and model took on this store.

Sampling is counted in samples, every other stage in runs. What was never done here has no estimate: None.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from noisy_student import identity
from noisy_student.study.stored import Stored, stored
from noisy_student.study.node import Node

Lane = tuple[str, str]
"""A stage and the model it computes with."""


class Pace:
    """Mean seconds and tokens by lane; it learns while a run goes on."""

    def __init__(self) -> None:
        self._seconds: dict[Lane, tuple[float, float]] = {}
        self._tokens: dict[Lane, tuple[float, float]] = {}

    @classmethod
    def of(cls, root: Path) -> Pace:
        """The pace of everything in a store."""
        pace, found = cls(), stored(root)
        for result in found.values():
            if result.outcome == "done":
                pace._add(result, found)
        return pace

    def learn(self, node: Node, seconds: float) -> None:
        """Take in how long a node has just taken."""
        _put(self._seconds, _lane(node), units(node.stage, node.spec), seconds)

    def seconds(self, node: Node) -> float | None:
        """The seconds that a node is likely to take."""
        return _expected(self._seconds, node)

    def tokens(self, node: Node) -> int | None:
        """The tokens that a node is likely to sample or train on."""
        found = _expected(self._tokens, node)
        return None if found is None else round(found)

    def _add(self, result: Stored, found: Mapping[str, Stored]) -> None:
        lane = result.stage, _model(result.facts, found)
        count = units(result.stage, result.facts["spec"])
        if "seconds" in result.provenance:
            _put(self._seconds, lane, count, result.provenance["seconds"])
        tokens = result.summary.get("tokens", result.summary.get("trained_tokens"))
        if tokens is not None:
            _put(self._tokens, lane, count, tokens)


def units(stage: str, spec: Mapping[str, Any]) -> float:
    """The size of a node's work: samples for sampling, else 1."""
    if stage != "sample" or "block" not in spec:
        return 1.0
    first, end = spec["block"]
    return float((end - first) * (spec["shard"]["end"] - spec["shard"]["first"]))


def _put(means: dict[Lane, tuple[float, float]], lane: Lane, count: float, amount: float) -> None:
    units_before, amount_before = means.get(lane, (0.0, 0.0))
    means[lane] = units_before + count, amount_before + amount


def _expected(means: Mapping[Lane, tuple[float, float]], node: Node) -> float | None:
    count, amount = means.get(_lane(node), (0.0, 0.0))
    return amount / count * units(node.stage, node.spec) if count else None


def _lane(node: Node) -> Lane:
    trained = node.inputs.get("model")
    model = (trained[0] if trained else node).spec.get("model")
    return node.stage, identity.canonical(model)


def _model(facts: Mapping[str, Any], found: Mapping[str, Stored]) -> str:
    """The model of a stored result; one that was trained here is known by the model it was trained from."""
    trained = [found[key] for key in facts["inputs"].get("model", ()) if key in found]
    return identity.canonical((trained[0].facts if trained else facts)["spec"].get("model"))
