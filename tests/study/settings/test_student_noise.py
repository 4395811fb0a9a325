"""Noise and controls of a condition: the specs of its stages, and refusals."""

from __future__ import annotations

from typing import Any

import pytest
from refusals import refused
from study.plan.test_specs import told

from noisy_student.pipeline.node import Node, parents_first
from noisy_student.study.plan.plan import plan
from noisy_student.study.settings.files import Request, resolve

GOLD_OF: dict[str | None, dict[str, Any]] = {None: {"train": ["gold"]}, "grpo": {"train": ["gold"]}, "none": {}}


def nodes(**conditions: dict[str, Any]) -> dict[str, Node]:
    """The nodes of the packaged study by title, with these fields of its conditions otherwise."""
    overrides = {
        f"conditions.{name}.{field}": value for name, item in conditions.items() for field, value in item.items()
    }
    made = plan(resolve(Request("student-noise", overrides=overrides)))
    return {node.title: node for node in parents_first(made.targets)}


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
    with refused("unknown-field", "conditions.filtered.sft.dropot"):
        nodes(filtered={"sft": {"dropot": 0.1}})
    with refused("field-invalid", '"conditions.filtered.sft.dropout" is 1.0'):
        nodes(filtered={"sft": {"dropout": 1.0}})


@pytest.mark.parametrize(
    ("condition", "field"),
    [
        ({"method": "grpo", "sft": {"dropout": 0.1}}, "sft"),
        ({"method": "grpo", "view": "paraphrase"}, "view"),
        ({"grpo": {"refill": 1}}, "grpo"),
        ({"method": "none", "lora": {"rank": 2}}, "lora"),
    ],
)
def test_fields_of_another_method_are_unknown(condition: dict[str, Any], field: str) -> None:
    with refused("unknown-field", f"conditions.extra.{field}", condition.get("method", "sft")):
        resolve(
            Request("student-noise", overrides={"conditions.extra": {**GOLD_OF[condition.get("method")], **condition}})
        )


def test_fields_without_effect_are_refused() -> None:
    for method, shuffle in (("grpo", "rationale"), ("sft", "labels")):
        with refused("field-invalid", "conditions.filtered.shuffle", shuffle):
            nodes(filtered={"method": method, "shuffle": shuffle})
    with refused("field-without-effect", "gold alone"):
        nodes(filtered={"shuffle": "rationale", "train": ["gold"], "select": {"all": True}})
    with refused("field-without-effect", "votes online"):
        nodes(filtered={"method": "grpo", "shuffle": "labels", "grpo": {"online_votes": True}})
    with refused("selection-without-votes", "agreed_like"):
        nodes(filtered={"train": ["revealed"], "select": {"agreed_like": "few-shot"}})
    with refused("views-missing", "data.views"):
        resolve(Request("student-noise", overrides={"data.views": False}))
    with refused("field-without-effect", "shots = 2"):
        resolve(Request("v1", overrides={"labels.votes.shots": 2, "labels.votes.samples": "a.jsonl"}))


def test_controls_of_reinforcement_are_told() -> None:
    plain = {"method": "grpo", "train": ["gold", "labels.votes"], "select": {"min_agreement": 0.75}}
    controls = {
        "conditions.filtered": plain,
        "conditions.dropout": {**plain, "grpo": {"rewards": {"kind": "random", "gamma": 0.3}}},
        "conditions.paraphrase": {**plain, "shuffle": "labels"},
        "conditions.other-rationales.shuffle": None,
    }
    planned = plan(resolve(Request("student-noise", overrides=controls)))
    made = {node.title: node for node in parents_first(planned.targets)}
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
