"""Noise and controls of a condition: what a stage is told of them, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from study.plan.test_specs import told

from noisy_student.errors import UserError
from noisy_student.pipeline.node import Node, parents_first
from noisy_student.study.plan.plan import plan
from noisy_student.study.settings.files import Request, resolve


def nodes(**conditions: dict[str, Any]) -> dict[str, Node]:
    """The nodes of the packaged study by title, with these fields of its conditions otherwise."""
    overrides = {
        f"conditions.{name}.{field}": value for name, item in conditions.items() for field, value in item.items()
    }
    made = plan(resolve(Request("student-noise", overrides=overrides)))
    return {node.title: node for node in parents_first(made.targets)}


def refused(**condition: Any) -> str:
    with pytest.raises(UserError) as raised:
        nodes(filtered=condition)
    return str(raised.value)


def test_each_noise_is_told_where_it_is_and_nowhere_else() -> None:
    made = nodes()
    plain = told(made["train filtered"].spec)
    dropout = told(made["train dropout"].spec)
    assert dropout["sft"].pop("dropout") == 0.1
    assert plain["sft"].pop("dropout") == 0.0 and dropout == plain
    plain = told(made["train filtered"].spec)
    view = told(made["train paraphrase"].spec)
    assert (view.pop("view"), plain.pop("view")) == ("paraphrase", None) and view == plain
    # They learn from the same examples.
    shared = {name: made[f"train {name}"].inputs["examples"] for name in ("filtered", "dropout", "paraphrase")}
    assert len(set(shared.values())) == 1
    every = parents_first(plan(resolve(Request("student-noise"))).targets)
    drawn = {(node.spec["part"], node.spec["shots"]) for node in every if node.stage == "sample"}
    assert drawn == {("unlabeled", 0), ("unlabeled", 4), ("test", 0)}
    assert made["train noisy"].inputs["examples"] == made["train few-shot"].inputs["examples"]
    assert made["examples other-rationales"].spec == {"shuffle": "rationale", "truncated": None}
    assert made["examples filtered"].spec == {"shuffle": None, "truncated": None}
    assert made["split"].spec["data"]["views"] is True


def test_a_size_matched_condition_reveals_as_many_as_the_other_selects() -> None:
    made = plan(resolve(Request("student-noise")))
    (few,) = [item for item in made.conditions if item.name == "any-gold"]
    (filtered,) = [item for item in made.conditions if item.name == "filtered"]
    assert few.learned is not None and filtered.learned is not None
    (revealed,) = few.learned.inputs["labels"]
    assert revealed.stage == "reveal" and revealed.inputs["like"] == filtered.learned.inputs["labels"]


def test_a_condition_has_sft_settings_of_its_own() -> None:
    made = nodes(dropout={"sft": {"dropout": 0.3, "epochs": 2.0}})
    spec = made["train dropout"].spec["sft"]
    assert (spec["dropout"], spec["epochs"], made["train filtered"].spec["sft"]["epochs"]) == (0.3, 2.0, 1.0)
    assert 'no field "conditions.filtered.sft.dropot"' in refused(sft={"dropot": 0.1})
    assert "conditions.filtered.sft.dropout is 1.0" in refused(sft={"dropout": 1.0})
    assert "has sft settings and the method grpo" in refused(method="grpo", sft={"dropout": 0.1})


def test_what_would_change_nothing_is_refused() -> None:
    assert 'view = "paraphrase" and the method grpo' in refused(method="grpo", view="paraphrase")
    assert 'shuffle = "rationale" and the method grpo' in refused(method="grpo", shuffle="rationale")
    assert 'shuffle = "labels" and the method sft' in refused(shuffle="labels")
    assert "learns from gold alone" in refused(shuffle="rationale", train=["gold"], select={"all": True})
    grpo = {"method": "grpo", "shuffle": "labels", "grpo": {"online_votes": True}}
    assert "votes online" in refused(**grpo)
    assert "the most agreed of no labels" in refused(train=["revealed"], select={"agreed_like": "few-shot"})
    with pytest.raises(UserError, match=r"data\.views is false"):
        resolve(Request("student-noise", overrides={"data.views": False}))
    with pytest.raises(UserError, match="have shots = 2"):
        resolve(Request("v1", overrides={"labels.votes.shots": 2, "labels.votes.samples": "a.jsonl"}))


def test_controls_of_reinforcement_are_told() -> None:
    plain = {"method": "grpo", "sft": {}, "view": None}
    made = nodes(
        filtered=plain,
        dropout={**plain, "grpo": {"rewards": {"kind": "random", "gamma": 0.3}}},
        paraphrase={**plain, "shuffle": "labels"},
        **{"other-rationales": {"shuffle": None}},
    )
    spec = told(made["train filtered"].spec)
    rewards = spec["grpo"]["rewards"]
    assert (rewards.pop("kind"), rewards.pop("gamma"), spec.pop("shuffle")) == ("label", 0.5, None)
    random = told(made["train dropout"].spec)
    assert (random["grpo"]["rewards"].pop("kind"), random["grpo"]["rewards"].pop("gamma")) == ("random", 0.3)
    assert random.pop("shuffle") is None
    shuffled = told(made["train paraphrase"].spec)
    assert shuffled.pop("shuffle") == "labels"
    assert (shuffled["grpo"]["rewards"].pop("kind"), shuffled["grpo"]["rewards"].pop("gamma")) == ("label", 0.5)
    assert random == shuffled == spec
