"""What steps will take, from what like steps took."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from noisy_student.data.parts import sizes_of
from noisy_student.pipeline.node import Node, parents_first
from noisy_student.study.forecast.forecast import forecast, totals
from noisy_student.study.forecast.history import Observation, lane
from noisy_student.study.forecast.workload import Expectation
from noisy_student.study.plan.plan import plan
from noisy_student.study.settings.files import Request, resolve
from noisy_student.study.settings.study import Settings

PROMPT, BASE, TARGET, GRPO = 40, 20, 30, 25
"""Tokens of a prompt, of the untrained model's answers, of gold texts, and of an answer in GRPO."""
START, IMPORT, READ, DRAWN, TRAINED = 0.5, 5.0, 1e-4, 2e-4, 3e-4


def settings(**changes: Any) -> Settings:
    return resolve(Request("combined", overrides={"data.limit": 400, **changes}))


SIZES = sizes_of(settings().data)
GOLD = SIZES.labeled - SIZES.dev


def nodes(**changes: Any) -> list[Node]:
    return parents_first(plan(settings(**changes)).targets)


def observed(node: Node, summary: dict[str, Any], cpu: float, **more: Any) -> Observation:
    values = {"seconds": 2 * cpu, "cpu_seconds": cpu, "imported": True, "host": None, "from_timing": False, **more}
    return Observation(step=node, summary=summary, **values)


def history(seed: int = 2, **more: Any) -> list[Observation]:
    """A whole run on another seed, at exact rates."""
    found = []
    for node in nodes(seeds=(seed,)):
        imported = bool(found)
        start = START + (0 if imported else IMPORT)
        if node.stage == "sample":
            (first, end), shard = node.spec["block"], node.spec["shard"]
            samples = (end - first) * (shard["end"] - shard["first"])
            length = TARGET if "model" in node.inputs else BASE
            summary = {"samples": samples, "tokens": samples * length, "prompt_tokens": (end - first) * PROMPT}
            summary["parameters"] = 1000
            took = start + READ * summary["prompt_tokens"] + DRAWN * summary["tokens"]
        elif node.stage == "train-sft":
            summary = {"examples": 100, "steps": 7, "read_tokens": 100 * (PROMPT + TARGET)}
            summary |= {"trained_tokens": 100 * TARGET, "parameters": 1000, "trainable_parameters": 1000}
            took = start + TRAINED * summary["read_tokens"]
        elif node.stage == "train-grpo":
            summary = {"steps": 5, "sampled_tokens": 5 * 64 * GRPO, "read_tokens": 5 * 64 * (GRPO + 5)}
            summary |= {"prompt_tokens": 5 * 8 * PROMPT, "trained_tokens": 1, "parameters": 1000}
            took = start + TRAINED * summary["sampled_tokens"]
        elif node.stage == "vote":
            summary = {"questions": 10, "labeled": 8, "levels": [[8, 4], [6, 1], [3, 5]]}
            took = 0.3
        else:
            summary, took = {}, 0.3
        found.append(observed(node, summary, took, imported=imported, **more))
    return found


def by_title(title: str, **changes: Any) -> Node:
    return next(node for node in nodes(**changes) if node.title == title)


def test_without_a_past_nothing_is_known() -> None:
    rows = forecast(nodes(), [], settings().compute)
    assert all(row.seconds is row.cpu_seconds is row.tokens is row.source is None for row in rows)
    summed = totals(rows, settings().compute)
    assert (summed.cpu_seconds, summed.wall_seconds, summed.usd) == (None, None, None)
    assert summed.without_estimate == len(rows)


def test_amounts_scale_with_the_work_and_not_with_what_was_done() -> None:
    expectation = Expectation(history())
    step = by_title("sample base on unlabeled")
    found = expectation.summary(step)
    first, end = step.spec["block"]
    assert found is not None
    assert (found["samples"], found["tokens"]) == ((end - first) * 8, (end - first) * 8 * BASE)
    assert found["prompt_tokens"] == (end - first) * PROMPT
    gold = expectation.summary(by_title("train baseline"))
    assert gold is not None
    assert (gold["read_tokens"], gold["steps"]) == (GOLD * (PROMPT + TARGET), 4), "each once"
    # Six of eight votes or more: half of the past votes. All that have a winner: eight of ten.
    filtered, noisy = (expectation.summary(by_title(f"train {name}")) for name in ("filtered", "noisy-student"))
    assert filtered is not None
    assert noisy is not None
    assert filtered["read_tokens"] == pytest.approx((GOLD + SIZES.unlabeled * 0.5) * (PROMPT + TARGET), abs=1)
    assert noisy["read_tokens"] == pytest.approx((GOLD + SIZES.unlabeled * 0.8) * (PROMPT + TARGET), abs=1)
    taught = expectation.summary(by_title("train grpo-baseline"))
    assert taught is not None
    assert (taught["steps"], taught["sampled_tokens"]) == (7, 7 * 64 * GRPO)


def test_students_are_as_long_as_their_texts_where_only_a_timing_is_known() -> None:
    past = [replace(one, from_timing=True) for one in history()]
    step = by_title("sample baseline on test")
    seen = Expectation(history()).summary(step)
    timed = Expectation(past).summary(step)
    assert seen is not None
    assert timed is not None
    assert seen["tokens"] == timed["tokens"] == seen["samples"] * TARGET
    taught = Expectation(past).summary(by_title("sample grpo-baseline on test"))
    assert taught is not None
    assert taught["tokens"] == taught["samples"] * BASE, "after GRPO as the untrained model's"


def test_the_forecast_of_a_run_like_the_last_is_the_last() -> None:
    past = history()
    rows = forecast(nodes(), past, settings().compute)
    step = next(row for row in rows if row.node.title == "sample base on unlabeled")
    work = SIZES.unlabeled * (READ * PROMPT + DRAWN * 8 * BASE)
    assert step.seconds is not None
    assert step.cpu_seconds is not None
    assert step.cpu_seconds == pytest.approx(START + work, rel=0.1)
    assert step.seconds == pytest.approx(2 * step.cpu_seconds)
    assert {row.source for row in rows} == {"store"}
    summed = totals(rows, settings().compute)
    assert summed.wall_seconds is not None
    assert summed.seconds is not None
    assert summed.seconds / 2 <= summed.wall_seconds <= summed.seconds
    assert {row.source for row in forecast(nodes(), history(from_timing=True), settings().compute)} == {"timing"}


def test_a_price_makes_money_of_time_and_an_unknown_model_has_no_rate() -> None:
    priced = settings(**{"compute.usd_per_hour": 2.0}).compute
    summed = totals(forecast(nodes(), history(), priced), priced)
    assert summed.wall_seconds is not None
    assert summed.usd == pytest.approx(summed.wall_seconds / 3600 * 2)
    other = nodes(**{"model.id": "lab-s"})
    rows = forecast(other, history(), settings().compute)
    assert all((row.seconds is None) == (row.node.stage in {"sample", "train-sft", "train-grpo"}) for row in rows)


def test_threads_and_model_make_another_lane() -> None:
    step = by_title("train baseline")
    assert lane(step) == lane(by_title("train oracle"))
    assert lane(step) != lane(by_title("train baseline", **{"compute.threads": 2}))
    assert lane(step) != lane(by_title("train baseline", **{"model.id": "lab-s"}))
