"""Which kind of gain a pair of findings is, and which pairs are held against each other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisy_student.evaluation.contrast import Outcomes, contrast, judge
from noisy_student.records import Finding
from noisy_student.report.tables.rounds import WORDS
from noisy_student.study.results.pass_at_k import _greedy_gains, _pairs, kind
from noisy_student.study.settings.files import Request, resolve

(PLAIN,) = judge(
    contrast(
        "pass@1",
        Outcomes("a", {1: {"q": 1.0, "r": 0.5}}),
        Outcomes("b", {1: {"q": 0.5, "r": 0.5}}),
        margin=None,
        primary=False,
        family="passes",
    )
)
SURE, UNSURE = 0.05, 0.0501


def found(difference: float, p_adjusted: float | None) -> Finding:
    return replace(PLAIN, difference=difference, p_adjusted=p_adjusted)


@pytest.mark.parametrize(
    ("one", "many", "expected"),
    [
        ((0.1, SURE), (0.1, SURE), "learned"),
        ((0.0, 1.0), (0.1, SURE), "learned"),
        ((-0.1, SURE), (0.1, SURE), "learned"),
        ((0.1, SURE), (0.1, UNSURE), "sharpened"),
        ((0.1, SURE), (-0.1, UNSURE), "sharpened"),
        ((0.1, SURE), (-0.1, SURE), "narrowed"),
        ((0.1, UNSURE), (-0.1, SURE), "worse"),
        ((-0.1, SURE), (0.1, UNSURE), "worse"),
        ((-0.1, SURE), (-0.1, SURE), "worse"),
        ((0.1, UNSURE), (0.1, UNSURE), "unclear"),
        ((0.1, None), (0.1, None), "unclear"),
        ((0.0, SURE), (0.0, SURE), "unclear"),
    ],
)
def test_adjusted_p_values_decide_which_kind_of_gain_it_is(
    one: tuple[float, float | None], many: tuple[float, float | None], expected: str
) -> None:
    assert kind(found(*one), found(*many)) == expected


sides = st.tuples(st.floats(-1, 1), st.one_of(st.none(), st.floats(0, 1)))


@given(sides, sides)
def test_every_kind_has_words_and_what_is_unsure_is_no_kind(
    one: tuple[float, float | None], many: tuple[float, float | None]
) -> None:
    said = kind(found(*one), found(*many))
    assert said in WORDS
    if all(p is None or p > 0.05 for _, p in (one, many)):
        assert said == "unclear"
    assert (said == "learned") == (many[0] > 0 and many[1] is not None and many[1] <= 0.05)


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
