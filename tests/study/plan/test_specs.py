"""Specs of stages: engines and their versions, shards and blocks, and rules that stop early."""

from __future__ import annotations

import json
from typing import Any

from refusals import refused

from noisy_student.sampling.engine import Decoding
from noisy_student.study.plan import specs as stage_spec
from noisy_student.study.plan.plan import plan
from noisy_student.study.plan.specs import SampleRequest
from noisy_student.study.settings.files import Request, resolve


def test_an_engine_that_is_not_installed_is_refused_with_the_command() -> None:
    settings = resolve(Request("v1", overrides={"compute.engine": "vllm"}))
    with refused("extra-missing", 'pip install -e ".[vllm]"'):
        plan(settings)


def test_another_temperature_is_another_identity_and_a_larger_k_is_not() -> None:
    settings = resolve(Request("v1"))

    def shards(k: int, temperature: float) -> list[str]:
        drawn = SampleRequest("unlabeled", Decoding(temperature=temperature), k=k, count=100)
        return [repr(spec) for spec in stage_spec.samples(settings, drawn, filters={})]

    assert shards(16, 0.7)[0] == shards(8, 0.7)[0]
    assert not set(shards(16, 0.7)) & set(shards(16, 0.8))


def test_a_rule_that_stops_early_has_one_shard() -> None:
    settings = resolve(Request("v2"))
    drawn = SampleRequest("unlabeled", Decoding(), k=32, count=1000, stopping={"rule": "beta"})
    specs = list(stage_spec.samples(settings, drawn, filters={}))
    assert [spec["shard"] for spec in specs] == [{"first": 0, "end": 32}] * 2
    assert [spec["block"] for spec in specs] == [[0, 512], [512, 1000]]


def told(spec: Any) -> Any:
    """Return a copy of a stage's spec to change."""
    return json.loads(json.dumps(spec))
