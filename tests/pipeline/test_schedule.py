"""Priorities of nodes, the order of starts on several workers, and the end of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

import noisy_student.study  # noqa: F401  # registers the stages
from noisy_student.pipeline.node import Node, make
from noisy_student.pipeline.runner import Event, run_graph
from noisy_student.pipeline.schedule import makespan, priority
from noisy_student.pipeline.store import Store
from noisy_student.pipeline.workers import local


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


def node(stage: str, *parents: Node, number: int = 0) -> Node:
    return make(stage, {"number": number}, inputs={"x": parents}, title=f"{stage} {number}")


def test_the_heaviest_way_to_the_end_counts() -> None:
    split = node("split")
    votes = node("sample", split)
    light, heavy = node("train-sft", votes), node("train-grpo", votes)
    graded = node("grade", light, heavy)
    found = priority([split, votes, light, heavy, graded])
    expected = {graded: 1, light: 11, heavy: 31, votes: 34, split: 35}
    assert found == {each.key: weight for each, weight in expected.items()}


@pytest.mark.parametrize("workers", [1, 2])
def test_several_workers_begin_with_what_most_work_waits_for(
    workers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    monkeypatch.setenv("TOY_CURE", str(tmp_path / "cure"))
    (tmp_path / "log").touch()
    toys = [make("toy_stage:toy", {"word": word}, inputs={"x": ()}, title=word) for word in ("one", "two", "three")]
    behind = make("toy_stage:toy", {"word": "behind"}, inputs={"x": toys[2:]}, title="behind")
    started: list[str] = []

    def listen(event: Event) -> None:
        if event.kind == "started":
            started.append(event.node.title)

    store = Store(tmp_path / "store")
    result = run_graph([*toys, behind], store, executor=local(store, workers=workers), on_event=listen)
    assert result.status == "done"
    assert started[0] == ("one" if workers == 1 else "three")
