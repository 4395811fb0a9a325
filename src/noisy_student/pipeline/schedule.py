"""When a run would end: the seconds of its steps laid out over the processes that compute at once."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence

from noisy_student.pipeline.node import Node


def urgency(nodes: Sequence[Node]) -> dict[str, float]:
    """The work on the heaviest way from each node to the end, its own included, by key; ``nodes`` are inputs first."""
    found: dict[str, float] = {}
    for node in reversed(nodes):
        found[node.key] = found.get(node.key, 0.0) + node.weight
        for parent in node.parents:
            found[parent.key] = max(found.get(parent.key, 0.0), found[node.key])
    return found


def makespan(nodes: Sequence[Node], seconds: Mapping[str, float], *, workers: int) -> float:
    """Seconds from the first start to the last end, with the order of ``run_graph``; ``nodes`` are inputs first.

    ``seconds`` is by key. Inputs that are not among ``nodes`` are there already.
    """
    urgent = urgency(nodes) if workers > 1 else {}
    waiting = {node.key: node for node in nodes}
    done: set[str] = set()
    running: list[tuple[float, str]] = []
    now = 0.0
    while waiting or running:
        ready = [
            node
            for node in waiting.values()
            if all(parent.key in done or parent.key not in seconds for parent in node.parents)
        ]
        ready.sort(key=lambda node: -urgent.get(node.key, 0.0))
        for node in ready[: workers - len(running)]:
            heapq.heappush(running, (now + seconds[node.key], node.key))
            del waiting[node.key]
        now, key = heapq.heappop(running)
        done.add(key)
    return now
