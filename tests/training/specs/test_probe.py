"""A probe: its criteria from both sides, when it is judged, and a real one that ends before its last step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from refusals import refused
from training.grpo.test_train import SPEC, PausedAt, run

from noisy_student.errors import Paused
from noisy_student.training.specs.grpo import GrpoSpec
from noisy_student.training.specs.probe import ProbeSpec, judge

PROBE = ProbeSpec()
EASY = ProbeSpec(first=2, every=1, slope_from=0, slope_to=4, ended=0.01)


def facts(**changes: Any) -> list[dict[str, Any]]:
    return [{"step": step, "spread": 0.3, "stopped": 0.9, "readable": 0.5, **changes} for step in range(31)]


DRIFT = {0: 0.0, 10: 0.01, 20: 0.02, 30: 0.03}


def held(rows: list[dict[str, Any]], drift: dict[int, float] = DRIFT) -> list[bool]:
    return [item.held for item in judge(PROBE, rows, list(drift.items()))]


def test_all_hold_where_all_is_well() -> None:
    assert held(facts()) == [True, True, True]


def test_rewards_must_differ_in_more_than_half_of_the_steps() -> None:
    rows = facts()
    for row in rows[-5:]:
        row["spread"] = 0.0
    assert held(rows)[0] is False
    rows[-1]["spread"] = 0.2
    assert held(rows)[0] is True


@pytest.mark.parametrize(
    ("drift", "rises"),
    [
        ({10: 0.01, 20: 0.02}, True),
        ({10: 0.02, 20: 0.01}, False),
        ({10: 1e-6, 20: 4e-4}, False),
        ({0: 0.0, 10: 0.01}, False),
    ],
    ids=["rising", "falling", "invisible", "one point"],
)
def test_the_divergence_must_rise_between_the_tenth_and_the_thirtieth_step(
    drift: dict[int, float], rises: bool
) -> None:
    assert held(facts(), drift)[1] is rises
    assert held(facts(), {**drift, 40: 0.0})[1] is rises, "later it may settle"


def test_answers_must_end_unless_they_can_be_read_all_the_same() -> None:
    assert held(facts(stopped=0.4, readable=0.4))[2] is False
    waived = judge(PROBE, facts(stopped=0.0, readable=0.95), [])[2]
    assert waived.held and waived.waived == "95 % can be read all the same"


def test_without_an_anchor_the_divergence_must_be_measured_often_enough() -> None:
    with refused("probe-not-measurable", "drift_every is 11"):
        GrpoSpec(probe=PROBE, drift_every=11)
    assert GrpoSpec(probe=PROBE, drift_every=11, beta=0.04).probe == PROBE
    with pytest.raises(ValidationError, match="slope_from must come before slope_to"):
        ProbeSpec(slope_from=30)


def test_it_is_judged_at_its_steps_only() -> None:
    assert [step for step in range(60) if PROBE.due(step)] == [30, 35, 40, 45, 50, 55]


@pytest.mark.slow
def test_a_probe_ends_once_it_has_shown_enough_and_so_does_a_paused_one(tmp_path: Path) -> None:
    spec = SPEC.model_copy(update={"steps": 6, "drift_every": 1, "probe": EASY})
    _, whole = run(tmp_path / "whole", spec)
    assert 2 <= whole.steps < 6
    assert [item.held for item in whole.criteria] == [True, True, True]
    assert len(whole.facts) == len(whole.curve) == whole.steps
    with pytest.raises(Paused):
        run(tmp_path / "part", spec, context=PausedAt(tmp_path / "part", 1))
    _, resumed = run(tmp_path / "part", spec)
    assert (resumed.steps, resumed.criteria) == (whole.steps, whole.criteria)


@pytest.mark.slow
def test_one_that_shows_too_little_goes_to_its_end(tmp_path: Path) -> None:
    spec = SPEC.model_copy(update={"steps": 3, "learning_rate": 1e-9, "drift_every": 1, "probe": EASY})
    _, result = run(tmp_path, spec)
    assert result.steps == 3
    assert not result.criteria[1].held
    _, plain = run(tmp_path / "plain")
    assert plain.criteria == ()
