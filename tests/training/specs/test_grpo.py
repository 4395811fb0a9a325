"""Settings of GRPO: limits, contradictions, and the number of steps."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from refusals import refused

from noisy_student.training.specs.grpo import GrpoSpec


@pytest.mark.parametrize(("micro", "near"), [(5, 4), (7, 8), (60, 64), (30, 32)])
def test_a_micro_batch_that_does_not_divide_names_the_nearest_that_does(micro: int, near: int) -> None:
    with refused("micro-batch-uneven", f"Set grpo.micro_batch to {near}, "):
        GrpoSpec(micro_batch=micro)


@pytest.mark.parametrize("fields", [{"generations": 1}, {"beta": -0.1}, {"temperature": 0.0}, {"loss_type": "ppo"}])
def test_values_out_of_range_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        GrpoSpec.model_validate(fields)


def test_steps_are_those_of_the_plan_under_its_protocol() -> None:
    plan = GrpoSpec(prompts=1, epochs=0.5, most_steps=1250)
    assert (plan.step_count(1000), plan.step_count(5000)) == (500, 1250)
    assert GrpoSpec(prompts=1, epochs=0.5, most_steps=2500).step_count(5000) == 2500


def test_settings_that_exclude_each_other_are_refused() -> None:
    with refused("refill-drops-rewards", "grpo.refill is 1"):
        GrpoSpec.model_validate({"refill": 1, "rewards": {"termination": 0.1}})
    with refused("agreement-not-online", "grpo.online_votes"):
        GrpoSpec(online_votes=True, weigh_agreement=True)
