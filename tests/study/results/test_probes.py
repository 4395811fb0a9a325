"""A ladder of probes in results: what each rung showed, and arguments that give a whole run its settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from noisy_student import files
from noisy_student.cli.overrides import Flags, overrides
from noisy_student.pipeline.node import Node
from noisy_student.pipeline.store import Store
from noisy_student.study.plan.plan import Plan, plan
from noisy_student.study.results.probes import OF_A_PROBE, probe_rows, recommended
from noisy_student.study.results.view import RunView
from noisy_student.study.settings.files import Request, resolve

RUNGS = ["rung-0", "rung-a", "rung-a2", "rung-b", "rung-c", "rung-t"]
CRITERIA = [{"name": "reward_std", "value": 0.1, "held": True, "waived": None}]


def debug(**fields: Any) -> Plan:
    return plan(resolve(Request("v4-debug", overrides=fields)))


def trained(made: Plan, name: str, seed: int = 1) -> Node:
    (node,) = (item.train for item in made.conditions if (item.name, item.seed) == (name, seed))
    assert node is not None
    return node


def enter(
    store: Store,
    node: Node,
    *,
    summary: Mapping[str, Any] | None = None,
    skipped: str | None = None,
    **curves: list[dict[str, Any]],
) -> None:
    """Put a result into the store that no trainer has made."""
    with store.hold(node, lambda: None):
        folder = store.open_work(node) / "curves"
        folder.mkdir()
        for name, rows in curves.items():
            files.write_jsonl(folder / f"{name}.jsonl", rows)
        store.commit(node, summary=summary or {}, provenance={}, skipped=skipped)


def probed(*, held: bool, steps: int = 50) -> dict[str, Any]:
    return {"probe": {"held": held, "steps": steps, "criteria": CRITERIA}}


def test_a_rung_is_failed_held_skipped_or_left(tmp_path: Path) -> None:
    made, store = debug(), Store(tmp_path)
    enter(store, trained(made, "rung-0"), summary=probed(held=False))
    enter(store, trained(made, "rung-a"), summary=probed(held=True, steps=35))
    enter(store, trained(made, "rung-a2"), skipped="rung-a held its criteria")
    (row,) = probe_rows(RunView(made, store))
    assert [rung["name"] for rung in row["rungs"]] == RUNGS
    assert [rung["status"] for rung in row["rungs"]] == ["failed", "held", "skipped", "left", "left", "left"]
    assert [rung["steps"] for rung in row["rungs"]] == [50, 35, None, None, None, None]
    assert [rung["reason"] for rung in row["rungs"]] == [None, None, "rung-a held its criteria", None, None, None]
    assert [rung["criteria"] for rung in row["rungs"]] == [CRITERIA, CRITERIA, [], [], [], []]
    assert (row["seed"], row["before"], row["after"], row["held"]) == (1, "rung-0", "rung-a", "rung-a")
    assert row["recommended"] == recommended(made.settings, "rung-a")


@pytest.mark.parametrize(
    ("outcomes", "before", "after", "held"),
    [
        ([], None, None, None),
        ([True], "rung-0", None, "rung-0"),
        ([False], "rung-0", None, None),
        ([False, False, True], "rung-0", "rung-a2", "rung-a2"),
        ([False] * 6, "rung-0", "rung-t", None),
    ],
)
def test_before_is_the_first_that_was_tried_and_after_the_last(
    outcomes: list[bool], before: str | None, after: str | None, held: str | None, tmp_path: Path
) -> None:
    made, store = debug(), Store(tmp_path)
    for name, outcome in zip(RUNGS, outcomes, strict=False):
        enter(store, trained(made, name), summary=probed(held=outcome))
    (row,) = probe_rows(RunView(made, store))
    assert (row["before"], row["after"], row["held"]) == (before, after, held)
    assert (row["recommended"] is None) == (held is None)


def test_numbers_are_means_of_the_last_ten_steps_and_what_is_unknown_is_none(tmp_path: Path) -> None:
    made, store = debug(), Store(tmp_path)
    logged = [{"step": n, "loss": float(n), "kl": None, "reward_std": 0.5 if n == 20 else None} for n in range(1, 21)]
    facts = [{"step": n, "spread": 0.0 if n < 11 else 0.25, "kl": n / 10, "stopped": 1} for n in range(1, 21)]
    enter(store, trained(made, "rung-0"), summary=probed(held=False), training=logged, rollouts=facts)
    enter(
        store, trained(made, "rung-a"), summary=probed(held=True), training=[{"step": 1, "kl": 0.125}], rollouts=facts
    )
    enter(store, trained(made, "rung-a2"), summary=probed(held=True))
    (row,) = probe_rows(RunView(made, store))
    first, second, third = (rung["metrics"] for rung in row["rungs"][:3])
    assert (first["loss"], first["reward_std"], first["spread"], first["stopped"]) == (15.5, 0.5, 0.25, 1.0)
    assert first["kl"] == pytest.approx(1.55)  # measured, for the trainer has none
    assert second["kl"] == 0.125  # the trainer's own goes first
    assert (first["right"], first["clipped_ratio"]) == (None, None)
    assert set(third.values()) == {None}


def test_every_seed_has_a_ladder_of_its_own(tmp_path: Path) -> None:
    made, store = debug(seeds=[1, 2]), Store(tmp_path)
    enter(store, trained(made, "rung-0", seed=1), summary=probed(held=True))
    enter(store, trained(made, "rung-0", seed=2), summary=probed(held=False))
    assert [(row["seed"], row["held"], row["before"]) for row in probe_rows(RunView(made, store))] == [
        (1, "rung-0", "rung-0"),
        (2, None, "rung-0"),
    ]


@pytest.mark.parametrize("name", ["v1", "v4"])
def test_a_study_without_probes_has_no_ladder(name: str, tmp_path: Path) -> None:
    assert list(probe_rows(RunView(plan(resolve(Request(name))), Store(tmp_path)))) == []


@pytest.mark.parametrize("name", RUNGS)
def test_the_recommended_arguments_give_a_whole_run_the_settings_of_the_rung(name: str) -> None:
    settings = resolve(Request("v4-debug"))
    said = recommended(settings, name)
    assert all(argument.startswith("--set grpo.") for argument in said)
    sets = [argument.removeprefix("--set ") for argument in said]
    again = resolve(Request("v4-debug", overrides=overrides(Flags(sets=sets)))).grpo
    probe = settings.training_spec(settings.conditions[name], name)
    assert again.model_dump(exclude=set(OF_A_PROBE)) == probe.model_dump(exclude=set(OF_A_PROBE))
    assert again.probe is None
    assert again.match == "epochs"


def test_rewards_are_named_one_by_one_and_truth_as_toml_has_it() -> None:
    said = recommended(resolve(Request("v4-debug")), "rung-t")
    assert "--set grpo.rewards.repetition=0.1" in said
    assert "--set grpo.rewards.termination=0.1" in said
    assert "--set grpo.rewards.only_right=false" in said
    assert not [argument for argument in said if "probe" in argument or "grpo.steps" in argument]


def test_what_the_run_has_already_is_not_recommended(tmp_path: Path) -> None:
    fields = {"conditions.rung-0.grpo": {"probe": {"first": 2}, "steps": 5, "match": "steps"}}
    made, store = debug(**fields), Store(tmp_path)
    enter(store, trained(made, "rung-0"), summary=probed(held=True))
    (row,) = probe_rows(RunView(made, store))
    assert (row["held"], row["recommended"]) == ("rung-0", [])


def test_a_probe_of_the_whole_run_is_no_setting_to_go_on_with() -> None:
    settings = resolve(
        Request("v4-debug", overrides={"grpo.probe": {"first": 10}, "conditions.rung-a.grpo.probe.first": 20})
    )
    assert not [argument for argument in recommended(settings, "rung-a") if "probe" in argument]


def test_the_first_rung_stands_first_wherever_the_study_has_it(tmp_path: Path) -> None:
    """A study whose probes are written from the last to the first."""
    rungs = [
        f'[conditions.{name}]\nmethod = "grpo"\ntrain = ["gold"]\ngrpo = {{ probe = {{}} }}\n{after}\n'
        for name, after in (("c", 'after = "b"'), ("b", 'after = "a"'), ("a", ""))
    ]
    (tmp_path / "own.toml").write_text('question = "?"\nteacher = "a"\n' + "".join(rungs))
    made = plan(resolve(Request(str(tmp_path / "own.toml"))))
    store = Store(tmp_path / "store")
    for name in ("a", "b", "c"):
        enter(store, trained(made, name), summary=probed(held=False))
    (row,) = probe_rows(RunView(made, store))
    assert [rung["name"] for rung in row["rungs"]] == ["a", "b", "c"]
    assert (row["before"], row["after"]) == ("a", "c")


def test_of_probes_that_do_not_wait_the_one_that_held_stands_after(tmp_path: Path) -> None:
    made, store = debug(**{f"conditions.{name}.after": "rung-0" for name in RUNGS[1:]}), Store(tmp_path)
    for name, held in (("rung-0", False), ("rung-a", True), ("rung-a2", False)):
        enter(store, trained(made, name), summary=probed(held=held))
    (row,) = probe_rows(RunView(made, store))
    assert (row["before"], row["after"], row["held"]) == ("rung-0", "rung-a", "rung-a")


def test_a_probe_at_several_rates_shows_what_the_chosen_one_did(tmp_path: Path) -> None:
    made, store = debug(**{"conditions.rung-0.rates": [0.5, 2.0]}), Store(tmp_path)
    tune = trained(made, "rung-0")
    assert tune.stage == "choose"
    for number, held in enumerate((False, True)):
        enter(store, tune.inputs[f"train-{number}"][0], summary=probed(held=held))
    (waiting,) = probe_rows(RunView(made, store))
    assert waiting["rungs"][0]["status"] == "left"
    enter(store, tune, summary={"chosen": 1, "tried": []})
    (row,) = probe_rows(RunView(made, store))
    assert (row["rungs"][0]["status"], row["held"]) == ("held", "rung-0")
