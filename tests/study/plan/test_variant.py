"""Settings with one of a study's models in place of the run's."""

from __future__ import annotations

from typing import Any

import pytest

from noisy_student.study.plan.inputs import variant
from noisy_student.study.settings.files import Request, resolve
from noisy_student.study.settings.study import Settings

CAPS = ("sampling", "grpo", "evaluation.decoding", "evaluation.sampled", "evaluation.passes")


def settings(**small: Any) -> Settings:
    overrides = {f"models.small.{name}": value for name, value in small.items()}
    return resolve(Request("v3", overrides={**overrides, "evaluation.passes.max_new_tokens": 96}))


def caps(made: Settings) -> set[int]:
    evaluation = made.evaluation
    every = (made.sampling, made.grpo, evaluation.decoding, evaluation.sampled, evaluation.passes)
    return {each.max_new_tokens for each in every}


def test_without_a_name_it_is_the_run() -> None:
    made = settings()
    assert variant(made, None) is made


@pytest.mark.parametrize("thinking", ["off", "template"])
def test_what_a_model_names_is_changed_and_all_else_stays(thinking: str) -> None:
    made = settings(id="lab-l", thinking=thinking, max_new_tokens=7, learning_rate=0.5)
    small = variant(made, "small")
    assert (small.model.id, small.prompt.thinking, caps(small), small.sft.learning_rate) == (
        "lab-l", thinking, {7}, 0.5
    )  # fmt: skip
    back = small.model_copy(
        update={name: getattr(made, name) for name in ("model", "prompt", "sampling", "grpo", "evaluation", "sft")}
    )
    assert back == made
    assert small.evaluation.decoding.temperature == made.evaluation.decoding.temperature
    assert small.model.model_copy(update={"id": made.model.id}) == made.model.model_copy(update={"revision": None})


def test_what_a_model_leaves_out_is_that_of_the_run() -> None:
    made = settings()
    middle = variant(made, "middle")
    assert middle.model.id == made.models["middle"].id
    assert middle.model_copy(update={"model": made.model}) == made
