"""Views of stored results: what is read once, what a missing node has, and who trained what is forwarded."""

from __future__ import annotations

from pathlib import Path

import pytest

from noisy_student.errors import DamagedArtifact
from noisy_student.pipeline.attempt import Outcome
from noisy_student.pipeline.manifest import NAME
from noisy_student.pipeline.node import Node, make
from noisy_student.pipeline.runner import Result
from noisy_student.pipeline.store import Store
from noisy_student.study.plan.plan import Plan, plan
from noisy_student.study.results.view import RunView, StoreView
from noisy_student.study.settings.files import Request, resolve


def commit(store: Store, node: Node, *, skipped: str | None = None) -> None:
    with store.hold(node, lambda: None):
        store.open_work(node)
        store.commit(node, summary={"questions": 3}, provenance={"seconds": 2.0}, skipped=skipped)


@pytest.fixture(scope="module")
def rounds() -> Plan:
    return plan(resolve(Request("v6", overrides={"rounds.fresh.rounds": 2, "rounds.continued.rounds": 2})))


def train(made: Plan, name: str) -> Node:
    (node,) = (item.train for item in made.conditions if item.name == name)
    assert node is not None
    return node


def test_a_done_a_skipped_and_a_missing_node(tmp_path: Path) -> None:
    store = Store(tmp_path)
    done, skipped, missing = (make("split", {"data": {}}, seed=seed) for seed in (1, 2, 3))
    commit(store, done)
    commit(store, skipped, skipped="no votes")
    view = StoreView(store)
    assert [view.outcome(node) for node in (done, skipped, missing, None)] == ["done", "skipped", None, None]
    assert [view.reason(node) for node in (done, skipped, missing, None)] == [None, "no votes", None, None]
    assert [view.summary(node) for node in (done, skipped, missing, None)] == [{"questions": 3}, None, None, None]
    assert [dict(view.provenance(node)) for node in (done, missing)] == [{"seconds": 2.0}, {}]
    assert (view.curve(done, "training.jsonl"), view.curve(missing, "training.jsonl")) == (None, None)
    with pytest.raises(DamagedArtifact):
        view.labels(missing)


def test_a_manifest_is_read_once_and_a_new_result_is_found(tmp_path: Path) -> None:
    store, node = Store(tmp_path), make("split", {"data": {}}, seed=1)
    view = StoreView(store)
    assert view.outcome(node) is None
    commit(store, node)
    assert view.outcome(node) == "done"
    (store.folder(node) / NAME).unlink()
    assert view.summary(node) == {"questions": 3}


def test_the_first_failure_above_a_node_is_named(tmp_path: Path, rounds: Plan) -> None:
    grade = rounds.conditions[0].grade
    failed = grade.parents[0]
    outcomes = {failed.key: Outcome("failed", "no memory"), grade.key: Outcome("left")}
    view = RunView(rounds, Store(tmp_path), Result({}, outcomes))
    assert view.failure(grade) == view.failure(failed) == f"{failed.title}: no memory"
    assert RunView(rounds, Store(tmp_path)).failure(grade) is None
    assert view.nodes[-1] in rounds.targets


def test_a_forwarded_student_is_followed_to_its_training_once_it_is_chosen(rounds: Plan, tmp_path: Path) -> None:
    view = StoreView(Store(tmp_path))
    assert view.trained(train(rounds, "fresh")) is None
    assert view.trained(train(rounds, "fresh-2")) == train(rounds, "fresh-2")
    (gate,) = train(rounds, "continued-2").inputs["start"]
    assert view.trained(gate) == train(rounds, "continued-1")
    assert view.trained(None) is None
