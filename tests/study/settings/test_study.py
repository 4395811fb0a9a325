"""Defaults of a study, and refusals of settings that do not agree."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from refusals import refused

from noisy_student.study.settings.conditions import SftCondition
from noisy_student.study.settings.files import check
from noisy_student.study.settings.study import Settings

FIELDS = {
    "name": "toy",
    "scale": "lab",
    "protocol": "default",
    "question": "?",
    "model": {"id": "some/model"},
    "labels": {"votes": {"K": 8}, "single": {"rule": "random-sample"}},
    "conditions": {
        "base": {"method": "none"},
        "baseline": {"train": ["gold"]},
        "filtered": {"train": ["gold", "labels.votes"], "select": {"min_agreement": 0.75}},
        "control": {
            "train": ["gold", "labels.votes"],
            "select": {"random_like": "filtered"},
            "control_of": "filtered",
        },
    },
    "primary": {"filtered-helps": {"a": "filtered", "b": "baseline"}},
}


def _with(**changes):
    """The toy study with some fields replaced, tables merged one level deep."""
    merged = {name: {**FIELDS.get(name, {}), **new} if isinstance(new, dict) else new for name, new in changes.items()}
    return {**FIELDS, **merged}


def _refused(code, *values, **changes):
    with refused(code, *values):
        check(_with(**changes))


def test_the_toy_study_has_the_documented_defaults():
    made = check(FIELDS)
    assert (made.seeds, made.teacher, made.match, made.answers.truncated, made.answers.ties) == (
        (1,), "baseline", "epochs", "abstain", "none",
    )  # fmt: skip
    assert made.primary["filtered-helps"].margin == 0.02
    assert made.conditions["control"].like == "filtered"
    assert made.conditions["filtered"].label_names == ("votes",)
    assert made.conditions["filtered"].like is None
    assert (made.evaluation.decoding.temperature, made.evaluation.sampled_k) == (0.0, 4)


def test_settings_cannot_change():
    with pytest.raises(ValidationError, match="frozen"):
        check(FIELDS).teacher = "other"  # type: ignore[misc]


@pytest.mark.parametrize("k", [0, -1, 257])
def test_k_must_be_possible(k):
    _refused("field-invalid", f'"labels.votes.K" is {k}', labels={"votes": {"K": k}})


def test_k_is_a_whole_number():
    for k in (8.0, "8", True):
        _refused("field-invalid", '"labels.votes.K" is', labels={"votes": {"K": k}})


@pytest.mark.parametrize("threshold", [0, -0.1, 1.01, 75])
def test_a_threshold_is_above_0_and_at_most_1(threshold):
    condition = {"train": ["labels.votes"], "select": {"min_agreement": threshold}}
    _refused("selection-value-invalid", f"select.min_agreement is {threshold}", conditions={"filtered": condition})


@pytest.mark.parametrize("threshold", [1e-6, 0.75, 1, 1.0])
def test_a_threshold_of_1_is_a_threshold(threshold):
    condition = {"train": ["labels.votes"], "select": {"min_agreement": threshold}}
    assert check(_with(conditions={"filtered": condition})).conditions["filtered"].select["min_agreement"] == threshold


@pytest.mark.parametrize(
    ("select", "code", "value"),
    [
        ({"min_agreemnt": 0.7}, "unknown-selection", 'Did you mean "min_agreement"?'),
        ({}, "selection-not-one-rule", "0 rules"),
        ({"all": True, "count": 5}, "selection-not-one-rule", "all, count"),
        ({"count": 0}, "selection-value-invalid", "select.count is 0"),
        ({"min_agreement": "high"}, "selection-value-invalid", "select.min_agreement is 'high'"),
        ({"random_like": "filtered", "count": 5}, "selection-invalid", "random_like"),
        ({"random_like": 5}, "selection-invalid", "random_like"),
        ({"target_precision": 1.0}, "selection-invalid", "target_precision"),
        ({"target_precision": 0.9, "all": True}, "selection-invalid", "target_precision"),
        ({"random_like": "filterd"}, "unknown-name", 'Did you mean "filtered"?'),
        ({"random_like": "control"}, "size-of-no-selection", '"control"'),
        ({"random_like": "baseline"}, "size-of-no-selection", '"baseline"'),
    ],
)
def test_a_selection_is_one_known_rule(select, code, value):
    condition = {"train": ["gold", "labels.votes"], "select": select}
    _refused(code, value, conditions={"control": condition})


@pytest.mark.parametrize(
    ("condition", "code", "value"),
    [
        ({"train": ["golden"]}, "unknown-training-source", '"golden"'),
        ({"train": ["labels.vote"]}, "unknown-name", 'conditions.x.train names "vote"'),
        ({"train": ["gold", "gold"]}, "field-invalid", "it has duplicates"),
        ({"train": ["gold"], "rates": [0.5, 0.5]}, "field-invalid", "it has duplicates"),
        ({"train": []}, "field-invalid", "conditions.x.train"),
        ({}, "field-missing", "conditions.x.train"),
        (3, "field-invalid", '"conditions.x" is 3'),
        ({"method": "none", "train": ["gold"]}, "unknown-field", "conditions.x.train"),
        ({"method": "sgd", "train": ["gold"]}, "unknown-method", 'conditions.x.method: there is no method "sgd"'),
        ({"method": 3, "train": ["gold"]}, "unknown-method", "3"),
        ({"train": ["gold"], "control_of": "nobody"}, "unknown-name", 'conditions.x names "nobody"'),
        ({"train": ["gold"], "rates": [0.5]}, "rates-invalid", "0.5"),
        ({"trian": ["gold"]}, "unknown-field", 'Did you mean "train"?'),
        ({"train": ["gold"], "accept": {"agianst": "base"}}, "unknown-field", 'Did you mean "against"?'),
    ],
)
def test_a_condition_is_checked(condition, code, value):
    _refused(code, value, conditions={"x": condition})


def test_names_must_exist():
    _refused("unknown-name", 'primary.p names "oracle"', primary={"p": {"a": "oracle", "b": "baseline"}})
    _refused("unknown-name", "labels.votes", '"techer"', labels={"votes": {"teacher": "techer"}})
    _refused("unknown-name", "labels.votes", '"nobody"', teacher="nobody")


@pytest.mark.parametrize("seeds", [[1, 2, 1], []])
def test_seeds_stand_once(seeds):
    _refused("seeds-invalid", f"got {seeds}", seeds=seeds)


def test_a_study_has_conditions():
    with refused("no-conditions", 'baseline = { train = ["gold"] }'):
        check({**FIELDS, "conditions": {}})


@pytest.mark.parametrize("margin", [0.0, 1.0, -0.02])
def test_a_margin_is_a_difference_that_matters(margin):
    primary = {"p": {"a": "filtered", "b": "baseline", "margin": margin}}
    _refused("field-invalid", f'"primary.p.margin" is {margin}', primary=primary)


def test_a_missing_field_is_named():
    with refused("field-missing", '"model"'):
        check({name: value for name, value in FIELDS.items() if name != "model"})


def test_lists_of_toml_become_tuples():
    made = check(_with(seeds=[3, 1]))
    assert made.seeds == (3, 1)
    assert SftCondition(train=["gold"]).train == ("gold",)  # type: ignore[arg-type]


def test_settings_survive_json():
    made = check(FIELDS)
    assert check(made.model_dump(mode="json", by_alias=True)) == made
    assert isinstance(made, Settings)


@pytest.mark.parametrize(
    ("votes", "select", "code", "value"),
    [
        ({"stopping": "lossless"}, {}, "stopping-threshold", "None"),
        ({"min_agreement": 0.5}, {}, "stopping-threshold", "0.5"),
        (
            {"stopping": "lossless", "min_agreement": 0.5},
            {"min_agreement": 0.75},
            "selection-of-stopped-votes",
            "{ min_agreement = 0.5 }",
        ),
        ({"stopping": "lossless", "min_agreement": 0.5}, {"all": True}, "selection-of-stopped-votes", "lossless"),
        ({"stopping": "beta"}, {"min_agreement": 0.75}, "selection-of-stopped-votes", "{ all = true }"),
        ({"stopping": "beta"}, {"count": 5}, "selection-of-stopped-votes", "beta"),
        ({"rule": "random-sample", "stopping": "beta"}, {"all": True}, "field-without-effect", "beta"),
        ({"rule": "random-sample", "share": 0.5}, {"all": True}, "field-without-effect", "0.5"),
    ],
)
def test_votes_stopped_early_are_selected_only_as_they_can_be(votes, select, code, value):
    learns = {"train": ["gold", "labels.votes"], "select": select or {"min_agreement": 0.75}}
    conditions = {"base": {"method": "none"}, "baseline": {"train": ["gold"]}, "filtered": learns}
    fields = {**FIELDS, "labels": {"votes": {"K": 8, **votes}}, "conditions": conditions}
    with refused(code, value):
        check(fields)


def test_votes_stopped_early_may_be_learned_from_as_their_rule_allows():
    for votes, select in (
        ({"stopping": "beta"}, {"all": True}),
        ({"stopping": "lossless", "min_agreement": 0.5}, {"min_agreement": 0.5}),
    ):
        learns = {"train": ["gold", "labels.votes"], "select": select}
        conditions = {"base": {"method": "none"}, "baseline": {"train": ["gold"]}, "filtered": learns}
        made = check({**FIELDS, "labels": {"votes": {"K": 8, **votes}}, "conditions": conditions})
        assert made.labels["votes"].stops_early


def test_as_many_as_another_may_come_from_other_votes_only_where_they_are_the_most_agreed():
    labels = {"votes": {"K": 8}, "more": {"K": 16}}
    conditions = {
        "baseline": {"train": ["gold"]},
        "filtered": {"train": ["gold", "labels.votes"], "select": {"min_agreement": 0.75}},
    }
    sized = {"train": ["gold", "labels.more"], "select": {"agreed_like": "filtered"}}
    assert check({**FIELDS, "labels": labels, "conditions": {**conditions, "sized": sized}})
    for select, value in (
        ({"random_like": "filtered"}, "selects from labels.votes, this one from labels.more"),
        ({"agreed_like": "baseline"}, "no selection of its own"),
    ):
        with refused("size-of-no-selection", "conditions.sized", value):
            check({**FIELDS, "labels": labels, "conditions": {**conditions, "sized": {**sized, "select": select}}})


def test_half_precision_may_be_sampled_in_and_not_trained_in():
    with refused("training-in-half-precision", "bfloat16", "baseline"):
        check(_with(model={"id": "some/model", "dtype": "bfloat16"}))
    untrained = {**FIELDS, "model": {"id": "some/model", "dtype": "bfloat16"}, "primary": {}, "teacher": "base"}
    assert check({**untrained, "reference": "base", "conditions": {"base": {"method": "none"}}})


def test_labels_without_a_vote_are_neither_selected_nor_weighed_by_agreement():
    learns = {"train": ["labels.single"], "select": {"min_agreement": 0.9}}
    with refused("selection-without-votes", "random-sample"):
        check(_with(conditions={"sampled": learns}))
    for label in ({"rule": "random-sample"}, {"stopping": "beta"}):
        grpo = {"method": "grpo", "train": ["labels.votes"], "grpo": {"weigh_agreement": True}}
        conditions = {"baseline": {"train": ["gold"]}, "grpo": grpo}
        with refused("agreement-unknown", "labels.votes"):
            check({**FIELDS, "labels": {"votes": label}, "conditions": conditions, "primary": {}})


@pytest.mark.parametrize(
    ("grpo", "code", "value"),
    [
        ({"grpo": {"reffil": 1}}, "unknown-field", 'Did you mean "refill"'),
        (
            {"grpo": {"rewards": {"kind": "lable"}}},
            "unknown-reward",
            'conditions.grpo.grpo.rewards.kind: there is no reward "lable". Did you mean "label"?',
        ),
        ({"grpo": {"generations": 1}}, "field-invalid", '"conditions.grpo.grpo.generations" is 1'),
        ({"grpo": {"micro_batch": 5}}, "micro-batch-uneven", "grpo.micro_batch to 4"),
        ({"method": "sft", "grpo": {"refill": 1}}, "unknown-field", "conditions.grpo.grpo"),
    ],
)
def test_grpo_of_a_condition_is_checked_by_name(grpo, code, value):
    condition = {"method": "grpo", "train": ["gold"], **grpo}
    with refused(code, value):
        check({**FIELDS, "conditions": {"baseline": {"train": ["gold"]}, "grpo": condition}, "primary": {}})


def test_comparisons_are_of_what_is_tested_on_the_same_part():
    conditions = {
        "first": {"train": ["gold"], "graded_on": "dev"},
        "second": {"train": ["gold"], "graded_on": "dev"},
    }
    said = ("compared-on-different-parts", "filtered, tested on test,", "first, tested on dev")
    _refused(*said, conditions=conditions, primary={"p": {"a": "filtered", "b": "first"}})
    beyond = {"a": "first", "b": "second"}
    _refused(*said, conditions=conditions, primary={"p": {"a": "filtered", "b": "baseline", "beyond": beyond}})
    mixed = {"a": "control", "b": "first"}
    _refused(*said, conditions=conditions, primary={"p": {"a": "filtered", "b": "baseline", "beyond": mixed}})
    made = check(_with(conditions=conditions, primary={"p": {"a": "first", "b": "second", "beyond": beyond}}))
    assert made.primary["p"].beyond is not None


def test_the_pair_to_go_beyond_is_known():
    beyond = {"a": "filtered", "b": "basline"}
    primary = {"p": {"a": "filtered", "b": "baseline", "beyond": beyond}}
    _refused("unknown-name", 'primary.p names "basline"', 'Did you mean "baseline"', primary=primary)


def test_labels_to_be_weighed_are_known_first():
    grpo = {"method": "grpo", "train": ["labels.vots"], "grpo": {"weigh_agreement": True}}
    _refused("unknown-name", '"vots"', conditions={"x": grpo})


@pytest.mark.parametrize(
    ("condition", "code", "value"),
    [
        ({"train": ["gold"], "accuracy": 0.5}, "field-without-effect", "0.5"),
        ({"train": ["revealed"], "accuracy": 0.5}, "field-without-effect", "0.5"),
        ({"train": ["gold"], "target": "own-sample", "accuracy": 0.5}, "field-without-effect", "0.5"),
        (
            {"train": ["revealed"], "target": "own-sample", "accuracy": 1.1},
            "field-invalid",
            '"conditions.x.accuracy" is 1.1',
        ),
    ],
)
def test_only_what_is_revealed_can_be_made_wrong(condition, code, value):
    _refused(code, value, conditions={"x": condition})


def test_a_scale_of_models_is_a_table_of_names():
    made = check(_with(conditions={"x": {"train": ["gold"], "model": "small"}}) | {"models": {"small": {"id": "s"}}})
    assert (made.models["small"].id, made.models["small"].thinking, made.conditions["x"].model) == ("s", None, "small")
    with refused("unknown-name", 'conditions.x.model names "smal"'):
        check(_with(conditions={"x": {"train": ["gold"], "model": "smal"}}) | {"models": {"small": {"id": "s"}}})


def test_fields_without_effect_are_refused():
    _refused("unknown-field", "later.start", '"none"', conditions={"later": {"method": "none", "start": "baseline"}})
    foreign = {"train": ["gold"], "reveal": "foreign"}
    _refused("field-without-effect", "foreign", conditions={"foreign": foreign}, data={"foreign": {}})
    shown = {"train": ["gold", "revealed"], "select": {"target_precision": 0.9}}
    _refused("selection-without-votes", "conditions.shown", conditions={"shown": shown})


def test_every_entry_of_a_study_is_planned_so_there_are_not_too_many():
    _refused("too-many-entries", "257", conditions={f"c{number}": {"method": "none"} for number in range(253)})
