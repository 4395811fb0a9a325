"""Training methods as rows of a table: built-in ones, and one that another package registers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import pytest
from pydantic import Field
from refusals import refused

from noisy_student.errors import UserError
from noisy_student.strict import Strict
from noisy_student.study.forecast.forecast import Rates, timed
from noisy_student.study.forecast.history import Made, Observation, lane
from noisy_student.study.forecast.workload import Expectation
from noisy_student.study.plan.specs import training
from noisy_student.study.settings.conditions import LabelCondition, TrainedCondition
from noisy_student.study.settings.files import check
from noisy_student.study.settings.methods import METHODS, RESERVED, Method, Work, of_stage
from noisy_student.study.settings.study import Settings

FIELDS: dict[str, Any] = {
    "name": "toy",
    "scale": "lab",
    "protocol": "default",
    "question": "?",
    "model": {"id": "some/model"},
    "labels": {"votes": {}},
}
BASELINE: dict[str, Any] = {"train": ["gold"]}


class DpoSpec(Strict):
    """Settings of the method from outside."""

    beta: float = 0.1


class DpoCondition(LabelCondition):
    """A condition of the method from outside."""

    method: Literal["dpo"] = "dpo"
    dpo: Mapping[str, Any] = Field(default_factory=dict)


@pytest.fixture
def dpo(monkeypatch: pytest.MonkeyPatch) -> Method:
    """A method that this module registers, as another package would."""
    for table in ("_rows", "_origins"):
        monkeypatch.setattr(METHODS, table, dict(getattr(METHODS, table)))
    work = Work(("read_tokens",), ("read_tokens",), steps=lambda spec, n: 1, visits=lambda spec, steps, n: 1.0)
    row = Method(DpoCondition, stage="train-dpo", spec=DpoSpec, work=work)
    METHODS.register("dpo", row)
    return row


def made(**conditions: Any) -> Any:
    return check({**FIELDS, "conditions": {"baseline": BASELINE, **conditions}})


def test_a_condition_is_of_the_class_of_its_method() -> None:
    settings = made(
        base={"method": "none"}, last={"method": "last", "last_of": ["baseline"]}, grpo={**BASELINE, "method": "grpo"}
    )
    assert {name: type(item) for name, item in settings.conditions.items()} == {
        name: METHODS.get(method).condition
        for name, method in (("baseline", "sft"), ("base", "none"), ("last", "last"), ("grpo", "grpo"))
    }


def test_fields_that_only_trained_conditions_have_are_neutral_elsewhere() -> None:
    settings = made(base={"method": "none"}, last={"method": "last", "last_of": ["baseline"]})
    for condition in settings.conditions.values():
        assert condition.overrides == {} and condition.label_names == () and condition.accept is None
        assert bool(condition.train) == (condition.method == "sft")
        assert bool(condition.last_of) == (condition.method == "last")
    assert "train" not in settings.model_dump()["conditions"]["base"]


def test_rows_know_their_stage() -> None:
    for name in ("sft", "grpo"):
        found = of_stage(f"train-{name}")
        assert found == (name, METHODS.get(name)) and found[1].spec is not None and found[1].work is not None
        assert found[1].reads_texts == (name == "sft") and found[1].samples == (name == "grpo")
    assert of_stage("sample") is None
    assert METHODS.get("none").stage is METHODS.get("last").stage is None


def test_work_of_fine_tuning_is_visits_of_examples() -> None:
    work = METHODS.get("sft").work
    assert work is not None
    by_epochs, by_steps = {"epochs": 1.5, "batch": 4, "steps": None}, {"epochs": 1.5, "batch": 4, "steps": 10}
    assert (work.steps(by_epochs, 9), work.steps(by_epochs, None), work.steps(by_steps, None)) == (4, None, 10)
    assert (work.visits(by_epochs, 4, 9), work.visits(by_steps, 10, 9)) == (13.5, 40.0)


def test_work_of_grpo_is_sampled_answers() -> None:
    row = METHODS.get("grpo")
    assert row.spec is not None and row.work is not None
    spec = row.spec.model_validate({"prompts": 2, "generations": 4, "epochs": 1.0}).model_dump(mode="json")
    assert (row.work.steps(spec, 9.0), row.work.steps(spec, None)) == (5, None)
    assert row.work.visits(spec, 5, 9.0) == 40.0


def test_a_registered_method_is_read_checked_and_shown(dpo: Method) -> None:
    fields = {"method": "dpo", "train": ["gold", "labels.votes"], "dpo": {"beta": 0.5}}
    settings = made(dpo=fields)
    condition = settings.conditions["dpo"]
    assert isinstance(condition, DpoCondition) and settings.training_spec(condition, "dpo") == DpoSpec(beta=0.5)
    assert settings.training_spec(DpoCondition(train=("gold",))) == DpoSpec()
    shown = settings.model_dump(mode="json")
    assert shown["conditions"]["dpo"]["dpo"] == {"beta": 0.5} and check(shown) == settings
    assert of_stage("train-dpo") == ("dpo", dpo)
    with refused("unknown-field", "conditions.dpo.dpo.bta", 'Did you mean "beta"'):
        made(dpo={**fields, "dpo": {"bta": 0.5}})
    with refused("unknown-field", "conditions.dpo.view", '"dpo"', "sft"):
        made(dpo={**fields, "view": "paraphrase"})
    with refused("unknown-name", '"other"'):
        made(dpo={**fields, "train": ["labels.other"]})


def test_a_method_that_nobody_registered_is_unknown() -> None:
    with pytest.raises(UserError) as caught:
        made(dpo={"method": "dpo", "train": ["gold"]})
    assert caught.value.code == "unknown-method"


def test_a_registered_method_is_forecast(dpo: Method) -> None:
    """From one observed training: 30 tokens a visit, in 3 seconds that grow with them."""
    split = Made("split", {"data": {"labeled": 20, "unlabeled": 20, "test": 20, "source": {"kind": "procedural"}}}, {})
    step = Made("train-dpo", {"dpo": {"beta": 0.1}, "model": {"id": "m"}}, {"split": (split,), "gold": (split,)})
    summary = {"steps": 1, "read_tokens": 30, "examples": 20, "parameters": 7}
    past = [Observation(step, summary, 3.0, 3.0, True, None, False)]
    planned = Made("train-dpo", {"dpo": {"beta": 0.2}, "model": {"id": "m"}}, step.inputs)
    expected = Expectation(past).summary(planned)
    assert expected == {"steps": 1, "read_tokens": 30, "parameters": 7}
    rate = Rates(past).rate(planned, "seconds")
    assert rate is not None and rate.of(planned, expected, imported=True) == pytest.approx(3.0, rel=0.01)
    assert timed("train-dpo") == ("read_tokens",)


def test_names_that_a_study_or_a_spec_of_a_training_has_are_refused(dpo: Method) -> None:
    settings = made(grpo={**BASELINE, "method": "grpo"})
    specs = {
        field
        for name, condition in settings.conditions.items()
        if isinstance(condition, TrainedCondition)
        for field in training(settings, name, condition)
    }
    assert {*Settings.model_fields, *specs, "model"} - {"sft", "grpo"} == RESERVED
    for name in RESERVED:
        with refused("plugin-name-reserved", f'"{name}"'):
            METHODS.register(name, replace(dpo, stage="train-other"))


def test_a_stage_of_another_method_is_refused(dpo: Method) -> None:
    with refused("method-stage-taken", '"dpo"', '"dpo-two"', '"train-dpo"'):
        METHODS.register("dpo-two", dpo)
    METHODS.register("nothing", METHODS.get("none"))


class PricedSpec(Strict):
    """Settings with rewards of its own kind."""

    rewards: Mapping[str, float] = Field(default_factory=dict)


def test_rewards_of_another_type_are_no_reward_of_the_table(dpo: Method) -> None:
    METHODS._rows["dpo"] = replace(dpo, spec=PricedSpec)
    settings = made(dpo={"method": "dpo", "train": ["gold", "labels.votes"], "dpo": {"rewards": {"length": 0.5}}})
    condition = settings.conditions["dpo"]
    assert isinstance(condition, TrainedCondition)
    spec = training(settings, "dpo", condition)
    assert spec["reward"] == {} and spec["dpo"] == {"rewards": {"length": 0.5}}


def test_a_stored_training_without_the_settings_of_its_method_has_a_lane(dpo: Method) -> None:
    assert lane(Made("train-dpo", {}, {})) != lane(Made("train-dpo", {"dpo": {"threads": 2}}, {}))
