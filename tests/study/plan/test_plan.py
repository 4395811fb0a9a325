"""Plans: nodes that conditions and studies share, and the settings that enter keys."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pytest
from bare_model import bare_model
from pydantic import Field

from noisy_student.labeling.select import SELECTIONS, SelectionRule
from noisy_student.pipeline.node import STAGES, parents_first
from noisy_student.strict import Strict
from noisy_student.study.plan.plan import plan
from noisy_student.study.settings.conditions import LabelCondition
from noisy_student.study.settings.files import Request, check, resolve
from noisy_student.study.settings.methods import METHODS, Method


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder that may be a model, as far as a plan looks."""
    return bare_model(tmp_path / "model")


def _plan(study, model, **overrides):
    dotted = {name.replace("__", "."): value for name, value in overrides.items()}
    return plan(resolve(Request(study, overrides={"model.id": str(model), **dotted})))


def _keys(made, *stages):
    return {node.key for node in parents_first(made.targets) if not stages or node.stage in stages}


def _condition(made, name, seed=1):
    return next(item for item in made.conditions if (item.name, item.seed) == (name, seed))


def _above(node, *stages):
    return {parent.key for parent in parents_first([node]) if parent.stage in stages}


def _unlabeled(made):
    nodes = parents_first(made.targets)
    return [node for node in nodes if node.stage == "sample" and node.spec["part"] == "unlabeled"]


def test_two_students_of_one_teacher_share_its_samples_votes_and_labels(model):
    made = _plan("v1", model)
    pseudo, noisy = (_condition(made, name).train for name in ("pseudo-only", "noisy-student"))
    for stage in ("vote", "label"):
        assert len(_above(pseudo, stage)) == 1
        assert _above(pseudo, stage) == _above(noisy, stage) <= _keys(made, stage)
    assert {node.key for node in _unlabeled(made)} <= _above(noisy, "sample") & _above(pseudo, "sample")
    assert pseudo.key != noisy.key


def test_two_studies_share_what_they_have_in_common(model):
    one, other = _plan("v1", model), _plan("v1-5", model)
    assert {node.key for node in _unlabeled(one)} == {node.key for node in _unlabeled(other)} != set()
    for stage in ("split", "key", "vote"):
        assert _keys(one, stage) == _keys(other, stage) != set()
    assert [item.quality for item in one.labels] == [item.quality for item in other.labels] != []
    for name in ("base", "baseline", "baseline-steps", "oracle"):
        assert _condition(one, name).grade.key == _condition(other, name).grade.key


def test_renaming_a_condition_changes_no_key(model):
    study = resolve(Request("v1-5", overrides={"model.id": str(model)}))
    text = study.model_dump_json(by_alias=True)
    for old, new in (("baseline", "start"), ("filtered", "agreed"), ("votes", "ballots")):
        text = text.replace(f'"{old}"', f'"{new}"').replace(f'"labels.{old}', f'"labels.{new}')
    renamed = check(json.loads(text))
    controls = {"control", "other-rationales", "any-gold"}
    assert set(renamed.conditions) == {"base", "start", "baseline-steps", "agreed", "oracle"} | controls
    assert [node.key for node in parents_first(plan(renamed).targets)] == [
        node.key for node in parents_first(plan(study).targets)
    ]


def test_the_first_shard_of_sixteen_is_the_draw_of_eight(model):
    eight, sixteen = _plan("v1", model), _plan("v1", model, labels__votes__K=16)
    few, many = ({node.key for node in _unlabeled(made)} for made in (eight, sixteen))
    assert few < many
    assert len(many) == 2 * len(few)
    assert {(node.spec["shard"]["first"], node.spec["shard"]["end"]) for node in _unlabeled(sixteen)} == {
        (0, 8), (8, 16),
    }  # fmt: skip
    assert _condition(eight, "baseline").grade.key == _condition(sixteen, "baseline").grade.key
    assert _condition(eight, "noisy-student").grade.key != _condition(sixteen, "noisy-student").grade.key


def test_moving_a_data_file_changes_no_key_but_editing_it_does(model, tmp_path):
    path = tmp_path / "questions.jsonl"
    path.write_text('{"question": "1+1?", "answer": "2"}\n')
    source = {"data__source__kind": "jsonl", "data__source__labeled": str(path)}
    first = _plan("v1", model, **source)
    moved = shutil.move(path, tmp_path / "elsewhere.jsonl")
    assert _keys(_plan("v1", model, **{**source, "data__source__labeled": str(moved)})) == _keys(first)
    Path(moved).write_text('{"question": "1+1?", "answer": "3"}\n')
    edited = _plan("v1", model, **{**source, "data__source__labeled": str(moved)})
    assert not _keys(edited) & _keys(first)


def test_the_models_bytes_count_and_its_path_does_not(model, tmp_path):
    first = _plan("v1", model)
    copy = shutil.copytree(model, tmp_path / "copy")
    assert _keys(_plan("v1", copy)) == _keys(first)
    bare_model(copy, value=1)
    changed = _plan("v1", copy)
    assert _keys(changed, "split", "key") == _keys(first, "split", "key")
    assert not _keys(changed, "sample", "train-sft", "grade") & _keys(first)
    for node in parents_first(first.targets):
        assert str(model) not in str(node.facts())


@pytest.mark.parametrize(
    ("field", "value", "changed"),
    [
        ("compute__workers", 7, set()),
        ("primary__noisy-helps__margin", 0.1, set()),
        ("answers__ties", "first-seen", {"vote", "label-quality"}),
        ("compute__threads", 2, {"sample", "train-sft", "grade"}),
        ("compute__chunk", 32, {"sample"}),
        ("sampling__temperature", 0.8, {"vote", "label"}),
        ("sft__learning_rate", 1e-4, {"train-sft"}),
        ("data__test", 999, {"split", "key", "sample", "train-sft"}),
    ],
)
def test_a_field_changes_the_stages_that_it_decides(model, field, value, changed):
    first, made = _plan("v1", model), _plan("v1", model, **{field: value})
    assert (_keys(first) == _keys(made)) == (not changed)
    for stage in changed:
        assert _keys(first, stage) != _keys(made, stage)


def test_a_seed_has_nothing_in_common_with_another_and_keeps_its_keys(model):
    one, two = _plan("v1", model, seeds=[1]), _plan("v1", model, seeds=[2, 1])
    assert _keys(one) < _keys(two)
    assert not _keys(_plan("v1", model, seeds=[2])) & _keys(one)


def test_samples_cover_every_question_once(model):
    made = _plan("v1", model, data__unlabeled=1234, labels__votes__K=12, compute__chunk=10, compute__block=7)
    blocks = [tuple(node.spec["block"]) for node in _unlabeled(made) if node.spec["shard"]["first"] == 0]
    assert [i for first, end in sorted(blocks) for i in range(first, end)] == list(range(1234))
    shards = {(node.spec["shard"]["first"], node.spec["shard"]["end"]) for node in _unlabeled(made)}
    assert shards == {(0, 8), (8, 12)}


def test_slices_may_be_left_out(model):
    made = _plan("v1", model, evaluation__sampled_questions=0, evaluation__stop_questions=0)
    roles = {role: len(nodes) for role, nodes in _condition(made, "base").grade.inputs.items()}
    assert roles["samples"] >= 1
    assert (roles["key"], roles["sampled"], roles["free"]) == (1, 0, 0)


def test_matched_by_steps_a_condition_trains_as_long_as_the_whole(model):
    made = _plan("v1", model, data__labeled=100, data__unlabeled=200, sft__batch=7, sft__epochs=2.0)
    spec = _condition(made, "baseline-steps").train.spec["sft"]
    assert (spec["match"], spec["steps"]) == ("steps", -(-(80 + 200) * 2 // 7))
    plain = _condition(made, "baseline").train.spec["sft"]
    assert (plain["match"], plain["steps"], plain["epochs"]) == ("epochs", None, 2.0)


def test_a_random_control_reads_the_selection_it_is_as_large_as(model):
    made = _plan("v1-5", model)
    (control,) = [node for node in parents_first([_condition(made, "control").train]) if "like" in node.inputs]
    assert control.inputs["like"][0].key in _above(_condition(made, "filtered").train, "label")
    assert control.key not in _above(_condition(made, "filtered").train, "label")


def test_dev_and_test_questions_are_never_trained_on(model):
    for study in ("v1", "v1-5", "combined"):
        made = _plan(study, model)
        for item in made.conditions:
            if item.train is not None:
                parts = {n.spec["part"] for n in parents_first([item.train]) if n.stage == "sample"}
                assert parts <= {"unlabeled"}


def test_the_original_protocol_decodes_with_the_models_own_filters(tmp_path):
    bare_model(tmp_path)
    (tmp_path / "generation_config.json").write_text('{"top_k": 20, "top_p": 0.8, "eos_token_id": 2}')
    overrides = {"model.id": str(tmp_path)}
    original, default = (
        plan(resolve(Request("v1", protocol=name, overrides=overrides))).conditions[0].grade.inputs["samples"][0]
        for name in ("original", "default")
    )
    assert (original.spec["decoding"]["top_k"], original.spec["decoding"]["top_p"]) == (20, 0.8)
    assert original.spec["decoding"]["temperature"] == 0.1
    assert (default.spec["decoding"]["top_k"], default.spec["decoding"]["top_p"]) == (0, 1.0)


def test_the_pseudo_labels_of_a_condition_are_judged_and_those_of_the_key_are_not(model):
    judged = {item.name: item.quality for item in _plan("combined", model).conditions}
    assert {name for name, quality in judged.items() if quality is not None} == {
        "pseudo-only",
        "noisy-student",
        "filtered",
        "random-sample",
        "grpo-noisy-student",
    }
    assert judged["pseudo-only"] == judged["noisy-student"] == judged["grpo-noisy-student"] != judged["filtered"]


class DpoSpec(Strict):
    """Settings of a method from outside."""

    beta: float = 0.1


class DpoCondition(LabelCondition):
    """A condition of a method from outside."""

    method: Literal["dpo"] = "dpo"
    dpo: Mapping[str, Any] = Field(default_factory=dict)


def test_a_registered_method_is_planned_with_its_stage_settings_and_identity(model, monkeypatch):
    for table in ("_rows", "_origins"):
        monkeypatch.setattr(METHODS, table, dict(getattr(METHODS, table)))
    monkeypatch.setitem(STAGES._rows, "train-dpo", STAGES.get("train-grpo"))
    METHODS.register("dpo", Method(DpoCondition, stage="train-dpo", spec=DpoSpec, work=METHODS.get("grpo").work))
    fields = {"method": "dpo", "train": ["gold", "labels.votes"], "dpo": {"beta": 0.5}}
    item = _condition(_plan("v1", model, conditions__dpo=fields), "dpo")
    assert item.train.stage == "train-dpo" and set(item.train.inputs) == {"split", "gold", "labels"}
    assert item.train.spec["dpo"] == {"beta": 0.5}
    assert item.train.spec["plugin"]["module"] == __name__ and item.train.spec["plugin"]["source"]
    assert item.quality is not None and item.groups is None


def test_a_registered_selection_is_part_of_the_labels_identity(model, monkeypatch):
    for table in ("_rows", "_origins"):
        monkeypatch.setattr(SELECTIONS, table, dict(getattr(SELECTIONS, table)))
    rule = SelectionRule(lambda value: value is True, "true", lambda votes, value, seed: votes[:1])
    SELECTIONS.register("first", rule)
    select = {"conditions__filtered__select": {"first": True}}
    (label,) = _condition(_plan("v1-5", model, **select), "filtered").learned.inputs["labels"]
    assert label.spec["select"] == {"first": True} and label.spec["plugin"]["module"] == __name__
