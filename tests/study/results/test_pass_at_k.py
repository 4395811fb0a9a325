"""Pairs of conditions that are compared by pass@k, and gains of their greedy answers."""

from __future__ import annotations

from typing import Any

import pytest

from noisy_student.study.results.pass_at_k import _greedy_gains, _pairs
from noisy_student.study.settings.files import Request, resolve


def pairs(every: dict[str, set[int]], **overrides: Any) -> list[tuple[str, str]]:
    settings = resolve(Request("v6", overrides={"rounds.fresh.rounds": 1, **overrides}))
    return list(_pairs(settings, {name: dict.fromkeys(seeds, ()) for name, seeds in every.items()}))


def test_a_student_is_held_against_the_untrained_model_and_the_reference() -> None:
    assert pairs({"base": {1}, "baseline": {1}, "fresh": {1}}) == [
        ("baseline", "base"),
        ("fresh", "base"),
        ("fresh", "baseline"),
    ]
    assert pairs({"base": {1}}) == pairs({"fresh": {1}}) == []


def test_a_student_without_a_seed_in_common_is_held_against_nobody() -> None:
    assert pairs({"base": {2}, "baseline": {1, 2}, "fresh": {1}}) == [("baseline", "base"), ("fresh", "baseline")]


def test_who_answered_dev_is_not_held_against_who_answered_test() -> None:
    assert pairs({"base": {1}, "fresh-1": {1}}, **{"conditions.fresh-1.passes": True}) == []


def test_a_model_of_another_kind_is_not_what_a_student_began_as() -> None:
    settings = resolve(Request("v3"))
    every: dict[str, Any] = {name: {1: ()} for name in ("base-small", "base-large", "filtered-small")}
    assert list(_pairs(settings, every)) == [("filtered-small", "base-small")]


def rows(name: str, *values: tuple[float | None, float | None]) -> list[dict[str, Any]]:
    return [{"name": name, "accuracy": read, "strict_accuracy": strict} for read, strict in values]


def test_what_greedy_answers_gained_is_parted_into_reasoning_and_format() -> None:
    made = [*rows("a", (0.5, 0.5), (0.7, 0.6)), *rows("b", (0.4, 0.1), (0.4, 0.2))]
    gains = _greedy_gains(made, "a", "b")
    # .6 - .4 by any reading; strictly .55 - .15 = .4, so .2 of it is format.
    assert gains == pytest.approx({"reasoning": 0.2, "format": 0.2})
    for missing in (rows("b"), rows("b", (None, None))):
        assert _greedy_gains([*rows("a", (0.5, 0.5)), *missing], "a", "b") == {"reasoning": None, "format": None}
