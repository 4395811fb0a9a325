"""Nodes of rounds: teachers, reviews, gates and the last student, and the measurements that read the key."""

from __future__ import annotations

from pathlib import Path

import pytest

from noisy_student.pipeline.node import Node, parents_first
from noisy_student.study.plan.nodes import ConditionNodes, first_trained, is_adapter
from noisy_student.study.plan.plan import Plan, plan
from noisy_student.study.settings.files import Request, resolve


@pytest.fixture(scope="module")
def made() -> Plan:
    """Three rounds afresh and three that go on, at the lab's scale."""
    return plan(resolve(Request("v6", overrides={"rounds.fresh.rounds": 3, "rounds.continued.rounds": 3})))


def nodes(made: Plan, name: str) -> ConditionNodes:
    return next(item for item in made.conditions if item.name == name)


def train(made: Plan, name: str) -> Node:
    found = nodes(made, name).train
    assert found is not None
    return found


def above(node: Node, stage: str) -> list[Node]:
    return [parent for parent in parents_first([node]) if parent.stage == stage and parent != node]


def test_a_student_votes_for_the_next_round_behind_its_gate_only(made: Plan) -> None:
    third = train(made, "fresh-3")
    assert [node.title for node in above(third, "gate")] == ["accept fresh-1", "accept fresh-2"]
    for before, this in (("fresh-1", "fresh-2"), ("fresh-2", "fresh-3")):
        (votes,) = [item.votes for item in made.labels if item.name == this]
        drawn = {model for node in votes.inputs["samples"] for model in node.inputs["model"]}
        assert [node.title for node in drawn] == [f"accept {before}"]
        assert drawn.pop().inputs["train"] == (train(made, before),)
    assert above(train(made, "fresh-1"), "gate") == []


def test_a_round_is_held_against_the_student_before_as_it_was_trained(made: Plan) -> None:
    review = nodes(made, "fresh-2").review
    assert review is not None
    for role, name in (("before-", "fresh-1"), ("", "fresh-2")):
        for kind, k in (("greedy", 1), ("drawn", 8)):
            asked = review.inputs[f"{role}{kind}"]
            assert {node.inputs["model"] for node in asked} == {(train(made, name),)}
            assert {node.spec["part"] for node in asked} == {"dev"}
            assert sum(node.spec["shard"]["end"] - node.spec["shard"]["first"] for node in asked) == k * len(
                {tuple(node.spec["block"]) for node in asked}
            )
    assert review.inputs["previous"] == (nodes(made, "fresh-1").review,)
    first = nodes(made, "fresh-1").review
    assert first is not None and "previous" not in first.inputs
    assert {node.inputs["model"] for node in first.inputs["before-greedy"]} == {(train(made, "baseline"),)}


def test_the_truth_of_test_questions_reaches_no_review_and_no_gate(made: Plan) -> None:
    chain = train(made, "fresh")
    behind = parents_first([chain])
    assert chain.stage == "choose" and "key" not in {node.stage for node in behind}
    assert {node.spec["part"] for node in behind if node.stage == "sample"} == {"dev", "unlabeled"}
    assert "lineage" not in {node.stage for node in behind}, "what knows the truth decides nothing"
    found = nodes(made, "fresh-2").lineage
    assert found is not None and "key" in {node.stage for node in found.parents}


def test_lineage_needs_votes_before_and_now(made: Plan) -> None:
    assert nodes(made, "fresh-1").lineage is None and nodes(made, "baseline").lineage is None
    found = nodes(made, "fresh-3").lineage
    assert found is not None
    votes = {item.name: item.votes for item in made.labels}
    assert (found.inputs["before-votes"], found.inputs["votes"]) == ((votes["fresh-2"],), (votes["fresh-3"],))


def test_chains_share_their_first_round_and_students_that_go_on_begin_at_the_one_before(made: Plan) -> None:
    assert train(made, "fresh-1") == train(made, "continued-1") == train(made, "once-1")
    one, other = train(made, "fresh-2"), train(made, "continued-2")
    assert "start" not in one.inputs and one.paths
    (begun,) = other.inputs["start"]
    assert begun.title == "accept continued-1" and not other.paths
    assert set(other.spec["model"]) == {"dtype", "attn", "pad"} < set(one.spec["model"])
    # The gates differ (the second chain may be another length), so do their votes; the specs of training do not.
    assert one.spec["sft"] == other.spec["sft"]


def test_a_round_is_graded_on_dev_and_the_last_on_test(made: Plan) -> None:
    parts = {
        item.name: {node.spec["part"] for node in item.grade.parents if node.stage == "sample"}
        for item in made.conditions
    }
    assert {name for name, found in parts.items() if found == {"dev"}} == {
        f"{chain}-{number}" for chain in ("fresh", "continued") for number in (1, 2, 3)
    } | {"once-1"}
    assert {name for name, found in parts.items() if found == {"test"}} == {
        "base", "baseline", "oracle", "fresh", "continued", "once",
    }  # fmt: skip
    assert "passes" in nodes(made, "fresh").grade.inputs and "passes" not in nodes(made, "continued").grade.inputs


def test_the_last_waits_for_no_student_that_was_turned_down(made: Plan) -> None:
    chain = train(made, "fresh")
    assert chain.required == ()
    assert [node.title for node in chain.parents] == ["train baseline", *(f"accept fresh-{n}" for n in (1, 2, 3))]
    assert nodes(made, "fresh").quality is None and nodes(made, "fresh").groups is None
    assert first_trained(chain) == train(made, "baseline") and not is_adapter(chain)


TWO = """
question = "?"
[models.small]
id = "lab-s"
thinking = "template"
max_new_tokens = 33
learning_rate = 0.125
[labels]
small = { K = 4, teacher = "base-small" }
middle = { K = 4, teacher = "base" }
[conditions]
base = { method = "none" }
base-small = { method = "none", model = "small" }
baseline = { train = ["gold"] }
up = { train = ["gold", "labels.small"] }
down = { model = "small", train = ["gold", "labels.middle"] }
"""


def test_a_condition_may_start_from_another_model_and_be_taught_by_a_third(tmp_path: Path) -> None:
    (tmp_path / "two.toml").write_text(TWO)
    made = plan(resolve(Request(str(tmp_path / "two.toml"))))
    up, down = train(made, "up"), train(made, "down")
    middle, small = train(made, "baseline").spec["model"], down.spec["model"]
    assert up.spec["model"] == middle != small and "lab-s" in str(down.paths)
    # Each learns from what the other's base drew, by the cap of whoever drew it.
    for student, teacher, cap in ((up, small, 33), (down, middle, 96)):
        drawn = above(student, "sample")
        assert drawn
        assert all((node.spec["model"], node.spec["decoding"]["max_new_tokens"]) == (teacher, cap) for node in drawn)
    assert (down.spec["sft"]["learning_rate"], up.spec["sft"]["learning_rate"]) == (0.125, 1e-3)
    for name, cap in (("up", 96), ("down", 33)):
        asked = [node for node in nodes(made, name).grade.parents if node.stage == "sample"]
        assert {node.spec["decoding"]["max_new_tokens"] for node in asked} == {cap}
