"""What stages are told: an engine that is not installed is an error of the plan."""

from __future__ import annotations

import json
from typing import Any

import pytest
from refusals import refused

from noisy_student import identity
from noisy_student.pipeline.node import parents_first
from noisy_student.sampling.engine import Decoding
from noisy_student.study.plan import specs as stage_spec
from noisy_student.study.plan.plan import plan
from noisy_student.study.plan.specs import Draws
from noisy_student.study.settings.files import Request, resolve


def test_an_engine_that_is_not_installed_is_refused_with_the_command() -> None:
    settings = resolve(Request("v1", overrides={"compute.engine": "vllm"}))
    with refused("engine-not-installed", 'pip install "noisy-student[vllm]"'):
        plan(settings)


def test_another_temperature_is_another_identity_and_a_larger_k_is_not() -> None:
    settings = resolve(Request("v1"))

    def shards(k: int, temperature: float) -> list[str]:
        drawn = Draws("unlabeled", Decoding(temperature=temperature), k=k, count=100)
        return [repr(spec) for spec in stage_spec.samples(settings, drawn, filters={})]

    assert shards(16, 0.7)[0] == shards(8, 0.7)[0]
    assert not set(shards(16, 0.7)) & set(shards(16, 0.8))


def test_a_rule_that_stops_early_has_one_shard() -> None:
    settings = resolve(Request("v2"))
    drawn = Draws("unlabeled", Decoding(), k=32, count=1000, stopping={"rule": "beta"})
    specs = list(stage_spec.samples(settings, drawn, filters={}))
    assert [spec["shard"] for spec in specs] == [{"first": 0, "end": 32}] * 2
    assert [spec["block"] for spec in specs] == [[0, 512], [512, 1000]]


def told(spec: Any) -> Any:
    """A copy of what a stage is told."""
    return json.loads(json.dumps(spec))


def digests(study: str) -> dict[str, str]:
    """What the stages of a study are told, with all that they read, by kind of stage; code and libraries aside."""
    keys: dict[str, str] = {}
    made: dict[str, list[str]] = {}
    for node in parents_first(plan(resolve(Request(study))).targets):
        inputs = {role: [keys[parent.key] for parent in parents] for role, parents in node.inputs.items()}
        keys[node.key] = identity.digest([node.stage, dict(node.spec), inputs, node.seed])
        made.setdefault(node.stage, []).append(keys[node.key])
    return {stage: identity.digest(sorted(found))[:16] for stage, found in made.items()}


@pytest.mark.parametrize(
    ("study", "pinned"),
    [
        (
            "combined",
            {
                "split": "b7c7803734e9b5f2",
                "sample": "1261670af412baea",
                "vote": "2f3180c37ff4a0d1",
                "label": "775019b296b4d84c",
                "reveal": "a899939d9b4e6034",
                "examples": "b593423852b4dace",
                "train-sft": "4fe5adf085bc9398",
                "train-grpo": "93ba1d6fc6139459",
            },
        ),
        ("v4", {"train-sft": "943c2aa122f813d7"}),
        ("v5", {"train-sft": "2a8d5947bf6117c2", "train-grpo": "0853163da0ad62f6"}),
    ],
)
def test_fields_that_are_off_are_left_out_of_keys(study: str, pinned: dict[str, str]) -> None:
    # From the commit before dropout, views, shots, shuffles and kinds of reward (76f5569): their defaults say nothing.
    found = digests(study)
    assert {stage: found[stage] for stage in pinned} == pinned
