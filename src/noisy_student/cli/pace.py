"""How long the nodes of a run are likely to take: as forecast before it began, then as like nodes took in it.

Sampling is counted in samples, every other stage in runs. Of what was neither forecast nor done the time is None.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from noisy_student.pipeline.node import Node
from noisy_student.study.forecast.forecast import Expected
from noisy_student.study.forecast.history import lane


class Pace:
    """Expected seconds by node; where there is no forecast, the mean of the nodes of its lane that were done."""

    def __init__(self) -> None:
        self._forecast: dict[str, float] = {}
        self._learned: dict[str, tuple[float, float]] = {}

    def expect(self, rows: Iterable[Expected]) -> None:
        """Take in a forecast."""
        self._forecast |= {row.node.key: row.seconds for row in rows if row.seconds is not None}

    def learn(self, node: Node, seconds: float) -> None:
        """Take in how long a node has just taken."""
        units_before, seconds_before = self._learned.get(lane(node), (0.0, 0.0))
        self._learned[lane(node)] = units_before + units(node.stage, node.spec), seconds_before + seconds

    def seconds(self, node: Node) -> float | None:
        """The seconds that a node is likely to take."""
        if node.key in self._forecast:
            return self._forecast[node.key]
        count, seconds = self._learned.get(lane(node), (0.0, 0.0))
        return seconds / count * units(node.stage, node.spec) if count else None


def units(stage: str, spec: Mapping[str, Any]) -> float:
    """The size of a node's work: samples for sampling, else 1."""
    if stage != "sample" or "block" not in spec:
        return 1.0
    first, end = spec["block"]
    return float((end - first) * (spec["shard"]["end"] - spec["shard"]["first"]))
