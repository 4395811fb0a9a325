"""Order of nodes on several workers, and the time at which a run would end."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence

from noisy_student.pipeline.node import Node


def priority(nodes: Sequence[Node]) -> dict[str, float]:
    """Return by key the weight of the heaviest path from each node to the end, itself included.

    ``nodes`` are inputs first.
    """
    found: dict[str, float] = {}
    for node in reversed(nodes):
        found[node.key] = found.get(node.key, 0.0) + node.weight
        for parent in node.parents:
            found[parent.key] = max(found.get(parent.key, 0.0), found[node.key])
    return found


def makespan(nodes: Sequence[Node], seconds: Mapping[str, float], *, workers: int) -> float:
    """Return the seconds from the first start to the last end, in the order of ``run_graph``.

    ``nodes`` are inputs first; ``seconds`` is by key; inputs outside ``nodes`` count as done.
    """
    priorities = priority(nodes) if workers > 1 else {}
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
        ready.sort(key=lambda node: -priorities.get(node.key, 0.0))
        for node in ready[: workers - len(running)]:
            heapq.heappush(running, (now + seconds[node.key], node.key))
            del waiting[node.key]
        now, key = heapq.heappop(running)
        done.add(key)
    return now
