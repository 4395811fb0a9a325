"""What is started first: the heaviest way to the end decides, and one worker keeps to the order of the study."""

from __future__ import annotations

from pathlib import Path

import pytest

from noisy_student.pipeline.node import Node, make
from noisy_student.pipeline.runner import Event, run_graph
from noisy_student.pipeline.schedule import urgency
from noisy_student.pipeline.store import Store
from noisy_student.pipeline.workers import local


def node(stage: str, *parents: Node, number: int = 0) -> Node:
    return make(stage, {"number": number}, inputs={"x": parents}, title=f"{stage} {number}")


def test_the_heaviest_way_to_the_end_counts() -> None:
    split = node("split")
    votes = node("sample", split)
    light, heavy = node("train-sft", votes), node("train-grpo", votes)
    graded = node("grade", light, heavy)
    found = urgency([split, votes, light, heavy, graded])
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
