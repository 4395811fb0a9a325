"""Results of the pre-flight: measurements from settings and stored summaries, and the checks that rest on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from noisy_student.evaluation.preflight.checks import CHECKS
from noisy_student.pipeline.attempt import Outcome
from noisy_student.pipeline.runner import Result
from noisy_student.pipeline.store import Store
from noisy_student.study.plan.plan import Plan, plan
from noisy_student.study.results.preflight import batches, preflight, preflight_error
from noisy_student.study.results.view import RunView
from noisy_student.study.settings.files import Request, resolve


@pytest.fixture(scope="module")
def checks() -> Plan:
    return plan(resolve(Request("preflight")))


def test_steps_are_those_of_the_trainers(checks: Plan) -> None:
    found = {each.method: each for each in batches(checks.settings)}
    assert (found["sft"].examples, found["sft"].batch, found["sft"].steps) == (500, 16, 32)
    assert (found["grpo"].batch, found["grpo"].group, found["grpo"].steps) == (64, 8, 63)


def test_no_results_while_nodes_are_left(tmp_path: Path, checks: Plan) -> None:
    assert preflight(RunView(checks, Store(tmp_path))) == []


def test_every_check_that_needs_a_failed_node_fails_with_its_reason(tmp_path: Path, checks: Plan) -> None:
    assert checks.preflight is not None
    holdout, gold = checks.preflight.holdout, checks.preflight.gold
    # Every measurement but the memory rehearsal reads the holdout questions or is the check of gold answers.
    ended = {node.key: Outcome("failed", "it died") for node in (holdout, gold)}
    rows = {row["check"]: row for row in preflight(RunView(checks, Store(tmp_path), Result({}, ended)))}
    needed = {check.name for check in CHECKS if check.needs and check.name not in ("pool-against-test", "memory")}
    died = {name for name, row in rows.items() if row["outcome"] == "fail" and row["detail"].endswith("it died")}
    assert died == needed - {"prompt-completion"}
    assert {rows[name]["measured"] for name in ("pool-against-test", "prompt-completion")} == {"not applicable"}
    assert (rows["batches"]["outcome"], rows["batches"]["value"]) == ("pass", 95.0)


def test_the_error_names_failed_checks_with_value_and_remedy() -> None:
    failed = {"check": "dtype", "outcome": "fail", "measured": "bfloat16", "remedy": "--set model.dtype=float32"}
    warned = {"check": "disk", "outcome": "warn", "measured": "much", "remedy": "gc"}
    error = preflight_error([failed, warned])
    assert error is not None and error.code == "preflight-failed"
    assert "dtype (bfloat16): --set model.dtype=float32" in str(error) and "preflight=false" in str(error.do)
    assert "disk" not in str(error) and preflight_error([warned]) is None
