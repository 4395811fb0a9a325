"""When a run would end."""

from __future__ import annotations

import pytest

from noisy_student.pipeline.node import Node, make
from noisy_student.pipeline.schedule import makespan


def _split(seed: int) -> Node:
    return make("split", {"data": {}}, seed=seed)


def _grade(*parents: Node) -> Node:
    return make("grade", {}, inputs={"samples": parents}, seed=1)


def test_steps_wait_for_their_inputs_and_share_the_processes() -> None:
    first, second = _split(1), _split(2)
    last = _grade(first, second)
    seconds = {first.key: 5.0, second.key: 3.0, last.key: 2.0}
    nodes = [first, second, last]
    assert makespan(nodes, seconds, workers=1) == pytest.approx(10.0)
    assert makespan(nodes, seconds, workers=2) == pytest.approx(7.0)
    assert makespan(nodes, seconds, workers=9) == pytest.approx(7.0)
    assert makespan([last], {last.key: 2.0}, workers=2) == pytest.approx(2.0), "its inputs are there"
    assert makespan([], {}, workers=2) == 0.0
