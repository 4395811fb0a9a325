"""What settings refuse, and that every refusal says what to do."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from noisy_student.errors import UserError
from noisy_student.study.settings.conditions import ConditionSettings
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


def _refused(**changes):
    with pytest.raises(UserError) as caught:
        check(_with(**changes))
    return str(caught.value)


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
    assert _refused(labels={"votes": {"K": k}}).startswith(f'"labels.votes.K" is {k}')


def test_k_is_a_whole_number():
    for k in (8.0, "8", True):
        assert _refused(labels={"votes": {"K": k}}).startswith('"labels.votes.K" is')


@pytest.mark.parametrize("threshold", [0, -0.1, 1.01, 75])
def test_a_threshold_is_above_0_and_at_most_1(threshold):
    condition = {"train": ["labels.votes"], "select": {"min_agreement": threshold}}
    assert "Give a fraction above 0 and up to 1" in _refused(conditions={"filtered": condition})


@pytest.mark.parametrize("threshold", [1e-6, 0.75, 1, 1.0])
def test_a_threshold_of_1_is_a_threshold(threshold):
    condition = {"train": ["labels.votes"], "select": {"min_agreement": threshold}}
    assert check(_with(conditions={"filtered": condition})).conditions["filtered"].select["min_agreement"] == threshold


@pytest.mark.parametrize(
    ("select", "said"),
    [
        ({"min_agreemnt": 0.7}, 'no selection "min_agreemnt". Did you mean "min_agreement"?'),
        ({}, "select has 0 rules"),
        ({"all": True, "count": 5}, "select has 2 rules: all, count"),
        ({"count": 0}, "select.count is 0"),
        ({"min_agreement": "high"}, "select.min_agreement is 'high'"),
        ({"random_like": "filtered", "count": 5}, "random_like stands alone"),
        ({"random_like": 5}, "random_like stands alone"),
        ({"random_like": "filterd"}, 'names "filterd", which this study does not have. Did you mean "filtered"?'),
        ({"random_like": "control"}, 'as large as "control", which selects none of its labels itself'),
        ({"random_like": "baseline"}, 'as large as "baseline", which selects none'),
    ],
)
def test_a_selection_is_one_known_rule(select, said):
    condition = {"train": ["gold", "labels.votes"], "select": select}
    assert said in _refused(conditions={"control": condition})


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ({"train": ["golden"]}, '"golden" is nothing to train on.'),
        ({"train": ["labels.vote"]}, 'conditions.x.train names "vote", which this study does not have'),
        ({"train": ["gold", "gold"]}, "names something twice"),
        ({"train": []}, "empty train list"),
        ({"method": "none", "train": ["gold"]}, "empty train list"),
        ({"method": "sgd", "train": ["gold"]}, "\"conditions.x.method\" is 'sgd'"),
        ({"train": ["gold"], "control_of": "nobody"}, 'conditions.x names "nobody"'),
        ({"trian": ["gold"]}, 'There is no field "conditions.x.trian". A field that does nothing would mislead. '
         'Did you mean "train"?'),
    ],
)  # fmt: skip
def test_a_condition_is_checked(condition, said):
    assert said in _refused(conditions={"x": condition})


def test_names_must_exist():
    assert 'primary.p names "oracle"' in _refused(primary={"p": {"a": "oracle", "b": "baseline"}})
    assert 'the teacher of labels.votes names "techer"' in _refused(labels={"votes": {"teacher": "techer"}})
    assert 'the teacher of labels.votes names "nobody"' in _refused(teacher="nobody")


@pytest.mark.parametrize("seeds", [[1, 2, 1], []])
def test_seeds_stand_once(seeds):
    assert f"The seeds {seeds} repeat or are none." in _refused(seeds=seeds)


@pytest.mark.parametrize("margin", [0.0, 1.0, -0.02])
def test_a_margin_is_a_difference_that_matters(margin):
    said = _refused(primary={"p": {"a": "filtered", "b": "baseline", "margin": margin}})
    assert said.startswith('"primary.p.margin" is')


def test_a_missing_field_is_named():
    with pytest.raises(UserError, match='The field "model" is missing'):
        check({name: value for name, value in FIELDS.items() if name != "model"})


def test_lists_of_toml_become_tuples():
    made = check(_with(seeds=[3, 1]))
    assert made.seeds == (3, 1)
    assert ConditionSettings(train=["gold"]).train == ("gold",)  # type: ignore[arg-type]


def test_settings_survive_json():
    made = check(FIELDS)
    assert check(made.model_dump(mode="json", by_alias=True)) == made
    assert isinstance(made, Settings)


@pytest.mark.parametrize(
    ("votes", "select", "message"),
    [
        ({"stopping": "lossless"}, {}, "min_agreement is None"),
        ({"min_agreement": 0.5}, {}, "stopping is fixed and min_agreement is 0.5"),
        ({"stopping": "lossless", "min_agreement": 0.5}, {"min_agreement": 0.75}, "Select { min_agreement = 0.5 }"),
        ({"stopping": "lossless", "min_agreement": 0.5}, {"all": True}, "stopping = lossless"),
        ({"stopping": "beta"}, {"min_agreement": 0.75}, "Select { all = true }"),
        ({"stopping": "beta"}, {"count": 5}, "inflates agreement"),
        ({"rule": "random-sample", "stopping": "beta"}, {"all": True}, "asks for no vote"),
        ({"rule": "random-sample", "share": 0.5}, {"all": True}, "asks for no vote"),
    ],
)
def test_votes_stopped_early_are_selected_only_as_they_can_be(votes, select, message):
    learns = {"train": ["gold", "labels.votes"], "select": select or {"min_agreement": 0.75}}
    conditions = {"base": {"method": "none"}, "baseline": {"train": ["gold"]}, "filtered": learns}
    fields = {**FIELDS, "labels": {"votes": {"K": 8, **votes}}, "conditions": conditions}
    with pytest.raises(UserError) as caught:
        check(fields)
    assert message in str(caught.value)


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
    for select in ({"random_like": "filtered"}, {"agreed_like": "baseline"}):
        with pytest.raises(UserError, match="as large as"):
            check({**FIELDS, "labels": labels, "conditions": {**conditions, "sized": {**sized, "select": select}}})


def test_half_precision_may_be_sampled_in_and_not_trained_in():
    with pytest.raises(UserError, match="model.dtype is bfloat16, and baseline is to be trained"):
        check(_with(model={"id": "some/model", "dtype": "bfloat16"}))
    untrained = {**FIELDS, "model": {"id": "some/model", "dtype": "bfloat16"}, "primary": {}, "teacher": "base"}
    assert check({**untrained, "reference": "base", "conditions": {"base": {"method": "none"}}})


def test_labels_without_a_vote_are_neither_selected_nor_weighed_by_agreement():
    learns = {"train": ["labels.single"], "select": {"min_agreement": 0.9}}
    with pytest.raises(UserError, match="whose rule is random-sample"):
        check(_with(conditions={"sampled": learns}))
    for label in ({"rule": "random-sample"}, {"stopping": "beta"}):
        grpo = {"method": "grpo", "train": ["labels.votes"], "grpo": {"weigh_agreement": True}}
        conditions = {"baseline": {"train": ["gold"]}, "grpo": grpo}
        with pytest.raises(UserError, match="which they do not have"):
            check({**FIELDS, "labels": {"votes": label}, "conditions": conditions, "primary": {}})


@pytest.mark.parametrize(
    ("grpo", "message"),
    [
        ({"grpo": {"reffil": 1}}, "Did you mean"),
        ({"grpo": {"generations": 1}}, "conditions.grpo.grpo.generations is 1"),
        ({"grpo": {"micro_batch": 5}}, "Set grpo.micro_batch to 4"),
        ({"method": "sft", "grpo": {"refill": 1}}, "would change nothing"),
    ],
)
def test_grpo_of_a_condition_is_checked_by_name(grpo, message):
    condition = {"method": "grpo", "train": ["gold"], **grpo}
    with pytest.raises(UserError) as caught:
        check({**FIELDS, "conditions": {"baseline": {"train": ["gold"]}, "grpo": condition}, "primary": {}})
    assert message in str(caught.value)


def test_comparisons_are_of_what_is_tested_on_the_same_part():
    conditions = {
        "first": {"train": ["gold"], "graded_on": "dev"},
        "second": {"train": ["gold"], "graded_on": "dev"},
    }
    said = "compares filtered, tested on test, with first, tested on dev. A difference is taken on the same questions."
    assert said in _refused(conditions=conditions, primary={"p": {"a": "filtered", "b": "first"}})
    beyond = {"a": "first", "b": "second"}
    assert said in _refused(conditions=conditions, primary={"p": {"a": "filtered", "b": "baseline", "beyond": beyond}})
    mixed = {"a": "control", "b": "first"}
    assert said in _refused(conditions=conditions, primary={"p": {"a": "filtered", "b": "baseline", "beyond": mixed}})
    made = check(_with(conditions=conditions, primary={"p": {"a": "first", "b": "second", "beyond": beyond}}))
    assert made.primary["p"].beyond is not None


def test_the_pair_to_go_beyond_is_known():
    beyond = {"a": "filtered", "b": "basline"}
    said = _refused(primary={"p": {"a": "filtered", "b": "baseline", "beyond": beyond}})
    assert 'primary.p names "basline"' in said and 'Did you mean "baseline"' in said


def test_labels_to_be_weighed_are_known_first():
    grpo = {"method": "grpo", "train": ["labels.vots"], "grpo": {"weigh_agreement": True}}
    assert 'names "vots", which this study does not have' in _refused(conditions={"x": grpo})


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ({"train": ["gold"], "accuracy": 0.5}, "nothing is revealed as own samples"),
        ({"train": ["revealed"], "accuracy": 0.5}, "nothing is revealed as own samples"),
        ({"train": ["gold"], "target": "own-sample", "accuracy": 0.5}, "accuracy is 0.5"),
        ({"train": ["revealed"], "target": "own-sample", "accuracy": 1.1}, '"conditions.x.accuracy" is 1.1'),
    ],
)
def test_only_what_is_revealed_can_be_made_wrong(condition, said):
    assert said in _refused(conditions={"x": condition})


def test_a_scale_of_models_is_a_table_of_names():
    made = check(_with(conditions={"x": {"train": ["gold"], "model": "small"}}) | {"models": {"small": {"id": "s"}}})
    assert (made.models["small"].id, made.models["small"].thinking, made.conditions["x"].model) == ("s", None, "small")
    with pytest.raises(UserError, match='conditions.x.model names "smal"'):
        check(_with(conditions={"x": {"train": ["gold"], "model": "smal"}}) | {"models": {"small": {"id": "s"}}})


def test_fields_that_would_change_nothing_are_refused():
    later = {"method": "none", "start": "baseline"}
    assert "trains nothing and has start" in _refused(conditions={"later": later})
    foreign = {"train": ["gold"], "reveal": "foreign"}
    assert "does not learn from revealed labels" in _refused(conditions={"foreign": foreign}, data={"foreign": {}})
    shown = {"train": ["gold", "revealed"], "select": {"target_precision": 0.9}}
    assert "from no votes" in _refused(conditions={"shown": shown})
