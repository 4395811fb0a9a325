"""Probes before a condition, and refusals of what may not come after one."""

from __future__ import annotations

from typing import Any

import pytest
from refusals import refused

from noisy_student.pipeline.node import parents_first
from noisy_student.study.plan.plan import plan
from noisy_student.study.settings.checks import probes_before
from noisy_student.study.settings.conditions import GrpoCondition
from noisy_student.study.settings.files import Request, resolve
from noisy_student.study.settings.study import Settings


def probe(after: str | None = None) -> GrpoCondition:
    return GrpoCondition(train=("gold",), grpo={"probe": {}}, after=after)


def ladder(**fields: Any) -> Settings:
    """The packaged ladder of probes with other fields."""
    return resolve(Request("v4-debug", overrides=fields))


def test_the_first_probe_comes_first() -> None:
    conditions = {"third": probe("second"), "first": probe(), "second": probe("first")}
    assert probes_before("first", conditions) == ()
    assert probes_before("second", conditions) == ("first",)
    assert probes_before("third", conditions) == ("first", "second")


@pytest.mark.parametrize(
    ("afters", "asked", "said"),
    [
        ({"a": "a"}, "a", "conditions.a comes after itself: a after a."),
        ({"a": "b", "b": "a"}, "a", "conditions.a comes after itself: a after b after a."),
        ({"a": "b", "b": "c", "c": "a"}, "b", "conditions.b comes after itself: b after c after a after b."),
        # The one that was asked for only hangs on the circle.
        ({"a": "b", "b": "c", "c": "b"}, "a", "conditions.b comes after itself: b after c after b."),
    ],
)
def test_a_circle_is_refused_and_shown(afters: dict[str, str], asked: str, said: str) -> None:
    conditions = {name: probe(after) for name, after in afters.items()}
    with refused("probe-circle", said):
        probes_before(asked, conditions)


def test_the_last_one_after_probes_need_not_be_a_probe() -> None:
    whole = {"method": "grpo", "train": ["gold"], "after": "rung-t"}
    assert "probe" not in ladder(**{"conditions.whole": whole}).conditions["whole"].overrides


@pytest.mark.parametrize("after", ["base", "plain", "behind"])
def test_conditions_without_criteria_cannot_fail(after: str) -> None:
    plain = {"method": "grpo", "train": ["gold"]}
    named = "plain" if after == "behind" else after
    with refused("probe-missing", f"comes after {named},", f"conditions.{named}.grpo.probe"):
        ladder(
            **{
                "conditions.plain": plain,
                "conditions.behind": {**plain, "grpo": {"probe": {}}, "after": "plain"},
                "conditions.rung-a.after": after,
            }
        )


def test_only_a_single_training_waits_for_a_probe() -> None:
    with refused("probe-before-rates", "conditions.rung-a", "rung-0"):
        ladder(**{"conditions.rung-a.rates": [0.5, 2.0]})


@pytest.mark.parametrize("fields", [{"train": ["gold"]}, {"method": "none"}])
def test_only_grpo_waits_for_a_probe(fields: dict[str, Any]) -> None:
    with refused("unknown-field", "conditions.late.after", fields.get("method", "sft"), "grpo"):
        ladder(**{"conditions.late": {**fields, "after": "rung-t"}})


def test_a_user_reads_of_a_circle() -> None:
    with refused("probe-circle", "rung-0 after rung-a after rung-0"):
        ladder(**{"conditions.rung-0.after": "rung-a"})


def test_a_user_reads_of_an_unknown_probe() -> None:
    with refused("unknown-name", 'conditions.rung-a names "rung-00"', 'Did you mean "rung-0"'):
        ladder(**{"conditions.rung-a.after": "rung-00"})


def test_every_rung_of_the_plan_waits_for_all_before_it() -> None:
    made = plan(resolve(Request("v4-debug")))
    trained = {item.name: item.train for item in made.conditions if item.train is not None}
    assert "gate" not in trained["rung-0"].inputs
    (gate,) = trained["rung-b"].inputs["gate"]
    assert gate.spec["probes"] == ["rung-0", "rung-a", "rung-a2"]
    assert [gate.inputs[f"probe-{n}"] for n in range(3)] == [(trained[name],) for name in gate.spec["probes"]]
    assert gate.required == ()
    assert "gate" not in {node.stage for node in parents_first([trained["rung-0"]])}
