"""The pre-flight by the command line: what fails withholds the rest, and what is withheld is not done for ever."""

from __future__ import annotations

import sys

import pytest
from workplace import STUDY, Workplace

CHECKS = "preflight = true\n[checks]\nquestions = 12\nspeed_rows = 2\nspeed_tokens = 4\n[data]"
CHECKED = STUDY.replace("[data]", CHECKS, 1)
ROOMY = CHECKED.replace("max_new_tokens = 24", "max_new_tokens = 96")
pytestmark = pytest.mark.slow


def outcomes(place: Workplace) -> dict[str, str]:
    return {row["check"]: row["outcome"] for row in place.results()["preflight"]}


def test_a_failed_check_withholds_the_rest_and_nothing_else(tmp_path) -> None:
    place = Workplace(tmp_path / "cut", CHECKED.replace("max_new_tokens = 24", "max_new_tokens = 8"))
    done = place.complete()
    found = outcomes(place)
    assert found["truncation"] == "fail"
    assert "fail (" in done.stdout and "--set sampling.max_new_tokens=16" in done.stdout
    results = place.results()
    assert {row["status"] for row in results["conditions"]} == {"skipped"}
    reasons = {row["reason"] for row in results["conditions"]}
    assert len(reasons) == 1 and "truncation" in (reason := reasons.pop()) and "--set preflight=false" in reason
    # Of the study itself the baseline is there, which was checked; nothing was stored as skipped for it.
    stages = {name.rpartition("-")[0] for name in place.manifests()}
    assert "train-sft" in stages and not {"grade", "label", "vote", "key"} & stages
    logged = place.python([sys.executable, "-m", "noisy_student", "log", "--runs", "runs"]).communicate()[0]
    assert "pass," in logged

    before = place.data()
    again = place.complete("--set", "preflight=false")
    assert "Pre-flight" not in again.stdout
    assert before.items() <= place.data().items()
    assert {"grade", "label", "vote", "key"} <= {name.rpartition("-")[0] for name in place.manifests()}


def test_the_same_command_checks_anew_and_goes_on_where_nothing_fails(tmp_path) -> None:
    easy = "[data.source]\nsteps = [1, 1]\n[data]"
    place = Workplace(tmp_path / "place", ROOMY.replace("[data]\n", easy + "\n", 1))
    place.complete()
    found = outcomes(place)
    failed = [name for name, outcome in found.items() if outcome == "fail"]
    assert set(failed) <= {"baseline-accuracy", "vote-accuracy"}
    statuses = {row["status"] for row in place.results()["conditions"]}
    assert statuses == ({"skipped"} if failed else {"done"})
    before = place.manifests()
    place.complete()
    assert place.manifests() == before
