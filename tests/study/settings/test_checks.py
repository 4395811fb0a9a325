"""Which probes come before a condition, and what may not come after one."""

from __future__ import annotations

from typing import Any

import pytest

from noisy_student.errors import UserError
from noisy_student.pipeline.node import parents_first
from noisy_student.study.plan.plan import plan
from noisy_student.study.settings.checks import check_after, probes_before
from noisy_student.study.settings.conditions import ConditionSettings
from noisy_student.study.settings.files import Request, resolve


def probe(after: str | None = None, **more: Any) -> ConditionSettings:
    return ConditionSettings(**{"method": "grpo", "train": ("gold",), "grpo": {"probe": {}}, "after": after, **more})


def refused(**fields: Any) -> str:
    """What a user reads who sets these fields of the packaged ladder."""
    with pytest.raises(UserError) as caught:
        resolve(Request("v4-debug", overrides={name.replace("__", "."): value for name, value in fields.items()}))
    return str(caught.value)


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
    with pytest.raises(UserError) as caught:
        probes_before(asked, conditions)
    assert caught.value.what == said
    assert caught.value.do == "Leave after out of one of them."


def test_the_last_one_after_probes_need_not_be_a_probe() -> None:
    conditions = {"first": probe(), "whole": probe("first", grpo={})}
    check_after("whole", conditions)
    check_after("first", conditions)


def test_what_has_no_criteria_cannot_fail() -> None:
    conditions = {"first": probe(grpo={}), "second": probe("first"), "third": probe("second")}
    for name in ("second", "third"):
        with pytest.raises(UserError, match=f"conditions.{name} comes after first, which is no probe"):
            check_after(name, conditions)


@pytest.mark.parametrize(
    "more", [{"rates": (0.5, 1.0)}, {"method": "sft", "grpo": {}}, {"method": "none", "train": (), "grpo": {}}]
)
def test_only_a_single_training_by_grpo_waits_for_a_probe(more: dict[str, Any]) -> None:
    conditions = {"first": probe(), "second": probe("first", **more)}
    with pytest.raises(UserError, match=r"conditions\.second comes after first, and is no single training by grpo"):
        check_after("second", conditions)


def test_a_user_reads_of_a_circle() -> None:
    said = refused(**{"conditions.rung-0.after": "rung-a"})
    assert said == (
        "conditions.rung-0 comes after itself: rung-0 after rung-a after rung-0. None of them could be the first. "
        "Leave after out of one of them."
    )


def test_a_user_reads_of_what_is_no_probe() -> None:
    said = refused(**{"conditions.rung-a.after": "base"})
    assert said == (
        "conditions.rung-a comes after base, which is no probe. It has no criteria that could fail. "
        "Set conditions.base.grpo.probe = {}."
    )


def test_a_user_reads_of_rates_and_sft_after_a_probe() -> None:
    said = refused(**{"conditions.rung-a.rates": [0.5, 2.0]})
    assert said.startswith("conditions.rung-a comes after rung-0, and is no single training by grpo.")
    said = refused(**{"conditions.late": {"train": ["gold"], "after": "rung-t"}})
    assert said.startswith("conditions.late comes after rung-t, and is no single training by grpo.")


def test_a_user_reads_of_a_probe_that_there_is_not() -> None:
    said = refused(**{"conditions.rung-a.after": "rung-00"})
    assert said == 'conditions.rung-a names "rung-00", which this study does not have. Did you mean "rung-0"?'


def test_every_rung_of_the_plan_waits_for_all_before_it() -> None:
    made = plan(resolve(Request("v4-debug")))
    trained = {item.name: item.train for item in made.conditions if item.train is not None}
    assert "gate" not in trained["rung-0"].inputs
    (gate,) = trained["rung-b"].inputs["gate"]
    assert gate.spec["probes"] == ["rung-0", "rung-a", "rung-a2"]
    assert [gate.inputs[f"probe-{n}"] for n in range(3)] == [(trained[name],) for name in gate.spec["probes"]]
    assert gate.required == ()
    assert "gate" not in {node.stage for node in parents_first([trained["rung-0"]])}
