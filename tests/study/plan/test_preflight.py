"""Nodes of the pre-flight: what they add to a plan, and that no training reads them."""

from __future__ import annotations

from typing import Any

import pytest
from refusals import refused

from noisy_student.pipeline.node import parents_first
from noisy_student.study.plan.plan import Plan, plan
from noisy_student.study.plan.preflight import PreflightNodes
from noisy_student.study.settings.files import Request, resolve


def made(study: str = "v1", **overrides: Any) -> Plan:
    return plan(resolve(Request(study, overrides={name.replace("__", "."): v for name, v in overrides.items()})))


def checks(planned: Plan) -> PreflightNodes:
    assert planned.preflight is not None
    return planned.preflight


def keys(planned: Plan) -> set[str]:
    return {node.key for node in planned.targets}


@pytest.mark.parametrize("study", ["v1", "v4-debug", "v5", "combined"])
def test_a_study_computes_the_same_nodes_and_the_checks(study: str) -> None:
    without, with_it = made(study), made(study, preflight=True)
    assert keys(without) < keys(with_it)
    added = keys(with_it) - keys(without)
    assert added <= {node.key for node in checks(with_it).targets}
    assert [item.grade.key for item in without.conditions] == [item.grade.key for item in with_it.conditions]


def test_no_node_of_the_study_reads_a_check() -> None:
    planned = made(preflight=True)
    own = {node.key for node in planned.preflight.targets} if planned.preflight else set()
    rest = [node for node in parents_first(made().targets) if node.key not in own]
    assert rest and not any(parent.key in own for node in rest for parent in node.parents)


def test_the_baseline_that_is_checked_is_the_one_that_is_trained() -> None:
    trained = {node.key for node in parents_first([checks(made("preflight")).baseline]) if node.stage == "train-sft"}
    baseline = next(item.train for item in made("v1").conditions if item.name == "baseline")
    assert baseline is not None and trained == {baseline.key}


def test_the_study_preflight_plans_the_checks_only() -> None:
    planned = made("preflight")
    assert planned.conditions == () and planned.labels == ()
    assert keys(planned) == {node.key for node in checks(planned).targets}


def test_more_samples_wait_for_the_vote_of_fewer() -> None:
    four, eight, sixteen = checks(made(preflight=True)).votes
    assert [vote.spec["K"] for vote in (four, eight, sixteen)] == [4, 8, 16]
    shards = [node.spec["shard"] for node in sixteen.inputs["samples"]]
    assert shards == [{"first": 0, "end": 4}, {"first": 4, "end": 8}, {"first": 8, "end": 16}]
    # What was drawn stays: a rung adds to the ones before.
    assert sixteen.inputs["samples"][:2] == eight.inputs["samples"]
    assert eight.inputs["samples"][:1] == four.inputs["samples"]
    for vote, before in ((eight, four), (sixteen, eight)):
        (gate,) = vote.inputs["samples"][-1].inputs["gate"]
        assert gate.stage == "gate" and gate.parents == (before,)
    assert "gate" not in four.inputs["samples"][0].inputs


def test_the_teacher_is_the_untrained_model_where_the_studys_is() -> None:
    def models(planned: Plan) -> list[bool]:
        return ["model" in node.inputs for node in checks(planned).votes[0].inputs["samples"]]

    assert models(made(preflight=True)) == [False]  # the lab's teacher is base
    assert models(made(preflight=True, teacher="baseline")) == [True]


def test_the_key_is_read_for_a_slice_of_test_alone(tmp_path: Any) -> None:
    def readers(planned: Plan) -> list[str]:
        nodes = parents_first(checks(planned).targets)
        return [node.title for node in nodes if any(parent.stage == "key" for parent in node.parents)]

    assert readers(made("preflight")) == []
    for name in ("train", "test"):
        rows = [f'{{"question": "{name} {n}: {n} plus {n}?", "answer": "#### {2 * n}"}}\n' for n in range(400)]
        (tmp_path / f"{name}.jsonl").write_text("".join(rows))
    source = {"kind": "hub", "dataset": str(tmp_path), "labeled": "train", "test": "test"}
    planned = made("preflight", data__source=source, data__labeled=50, data__unlabeled=50, data__test=200)
    assert readers(planned) == ["grade the teacher on 100 test questions"]
    test = checks(planned).test
    assert test is not None and test.lane == "truth"
    assert [node.spec["block"] for node in test.inputs["samples"]] == [[0, 100]]
    assert readers(made("preflight", data__source=source, data__labeled=50, checks__test_questions=0)) == []


def test_the_heaviest_grpo_settings_are_rehearsed() -> None:
    rehearsal = checks(made("v4-debug", preflight=True)).rehearsal
    assert rehearsal is not None and rehearsal.spec["grpo"]["max_new_tokens"] == 384  # rung-0 of the lab
    sft_only = checks(made("v1", preflight=True)).rehearsal
    assert sft_only is not None and sft_only.spec["grpo"] is None and sft_only.spec["sft"]["batch"] == 16
    assert checks(made(preflight=True, checks__rehearse=False)).rehearsal is None


def test_checks_alone_without_checks_are_refused() -> None:
    with refused("field-without-effect", "checks.only"):
        resolve(Request("preflight", overrides={"preflight": False}))


def test_a_slice_of_test_stays_a_slice() -> None:
    with refused("field-invalid", "checks.test_questions"):
        resolve(Request("preflight", overrides={"checks.test_questions": 101}))
