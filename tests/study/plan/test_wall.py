"""The wall: the key reaches training through a reveal only, and stages declare their lanes."""

from __future__ import annotations

from pathlib import Path

import pytest
from bare_model import bare_model
from refusals import refused

from noisy_student.pipeline.node import make, parents_first
from noisy_student.study.plan.plan import plan, require_wall
from noisy_student.study.settings.files import Request, names, resolve

SPLIT, KEY = make("split", {"x": 1}), make("key", {"x": 1})
REVEAL = make("reveal", {}, inputs={"split": [SPLIT], "key": [KEY]})


def _train(**inputs):
    examples = make("examples", {}, inputs=inputs, title="the examples")
    return make("train-sft", {}, inputs={"examples": [examples]}, title="the student")


@pytest.mark.parametrize(
    ("node", "named"),
    [
        (make("train-sft", {}, inputs={"examples": [KEY]}, title="the student"), "the student"),
        (_train(labels=[KEY]), "the examples"),
        (_train(gold=[SPLIT], labels=[REVEAL, KEY]), "the examples"),
        (_train(labels=[make("grade", {}, inputs={"key": [KEY]})]), "the examples"),
        (_train(labels=[make("label-quality", {}, inputs={"key": [KEY], "labels": [REVEAL]})]), "the examples"),
        (make("vote", {}, inputs={"samples": [KEY]}, title="the vote"), "the vote"),
        (make("sample", {}, inputs={"split": [SPLIT, KEY]}, title="the samples"), "the samples"),
    ],
)
def test_the_key_on_a_way_to_training_is_refused(node, named):
    with refused("key-reaches-training", named):
        require_wall([node])


def test_it_is_refused_however_deep_and_among_honest_targets():
    honest = _train(gold=[SPLIT])
    graded = make("grade", {}, inputs={"key": [KEY], "samples": [make("sample", {}, inputs={"model": [honest]})]})
    leaked = make(
        "label", {}, inputs={"samples": [make("sample", {"leak": 1}, inputs={"model": [_train(labels=[graded])]})]}
    )
    require_wall([graded, honest])
    with refused("key-reaches-training"):
        require_wall([graded, leaked])


def test_the_reveal_is_the_gate_and_shows():
    require_wall([_train(gold=[SPLIT], labels=[REVEAL])])
    assert "reveal" in {node.stage for node in parents_first([_train(labels=[REVEAL])])}


def test_the_truth_lane_may_read_the_key():
    require_wall([make("label-quality", {}, inputs={"key": [KEY], "votes": [make("vote", {})]})])


@pytest.mark.parametrize("study", names("studies"))
def test_in_packaged_studies_only_the_revealed_see_the_key(study, tmp_path: Path):
    bare_model(tmp_path)
    settings = resolve(Request(study, overrides={"model.id": str(tmp_path)}))
    made = plan(settings)
    require_wall(made.targets)
    for item in made.conditions:
        if item.train is not None:
            above = {node.stage for node in parents_first([item.train])}
            revealed = "revealed" in settings.conditions[item.name].train
            assert ("key" in above) == ("reveal" in above) == revealed
            assert not above & {"grade", "label-quality"}


def test_a_stage_of_another_package_is_no_gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for lane in ("gate", "truth"):
        (tmp_path / f"outside_{lane}.py").write_text(f'LANE = "{lane}"\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    gate = make("outside_gate:gate", {}, inputs={"key": [KEY]}, title="the leak")
    with refused("key-reaches-training", "the leak"):
        require_wall([_train(labels=[gate])])
    truth = make("outside_truth:truth", {}, inputs={"key": [KEY]})
    require_wall([truth])
    with refused("key-reaches-training", "the examples"):
        require_wall([_train(labels=[truth])])


def test_lanes_are_declared_by_the_stages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (SPLIT.lane, KEY.lane, REVEAL.lane) == ("training", "key", "gate")
    truth = {node.stage for node in every() if node.lane == "truth"}
    assert truth == {"grade", "label-quality", "group-quality", "lineage"}
    (tmp_path / "nowhere.py").write_text('LANE = "elsewhere"\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    with refused("unknown-lane", "elsewhere"):
        make("nowhere:toy", {})


def every():
    return [node for study in ("v6", "combined") for node in parents_first(plan(resolve(Request(study))).targets)]
