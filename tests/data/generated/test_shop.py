"""The lab's foreign problems: their truth, their own structures, and words that the lab's corpus does not have."""

from __future__ import annotations

import itertools
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refused

from noisy_student.answers.extract import extract
from noisy_student.data.generated import phrases, problems, shop
from noisy_student.records import Answer

drawn = st.builds(
    lambda seed, least, more: shop.draw(random.Random(seed), steps=(least, min(4, least + more))),
    st.integers(0, 2**32),
    st.integers(1, 4),
    st.integers(0, 3),
)


@given(drawn)
def test_the_solution_reaches_the_answer_by_true_calculations(problem: shop.ShopProblem) -> None:
    text = shop.solution(problem)
    found = extract(text)
    assert isinstance(found, Answer)
    assert found.canonical == problem.answer
    for left, sign, right, result in re.findall(r"(\d+)([-+*])(\d+)=(\d+)", text):
        assert {"+": int(left) + int(right), "-": int(left) - int(right), "*": int(left) * int(right)}[sign] == int(
            result
        )
        assert 1 <= int(result) <= problems.LARGEST


@given(drawn)
def test_the_story_tells_the_numbers_that_are_calculated_with(problem: shop.ShopProblem) -> None:
    told = [int(number) for number in re.findall(r"\d+", problem.text)]
    needed = [problem.purse] * (problem.purse > 0)
    for line in problem.lines:
        needed += [line.price] + [line.count] * (line.count > 1)
    needed += [abs(problem.extra)] * (problem.extra != 0)
    assert sorted(told) == sorted(needed)


def test_the_answer_of_one_of_each_scene() -> None:
    bill = shop.ShopProblem("", "bill", (shop.Line(1, 7), shop.Line(3, 4)), extra=-2)
    purse = shop.ShopProblem("", "purse", (shop.Line(2, 5), shop.Line(1, 3)), extra=1, purse=20)
    pay = shop.ShopProblem("", "pay", (shop.Line(4, 6),), extra=5)
    assert [problem.answer for problem in (bill, purse, pay)] == ["17", "8", "29"]
    assert [problem.steps for problem in (bill, purse, pay)] == [3, 4, 2]


def test_no_structure_is_one_of_the_lab_and_none_comes_twice() -> None:
    foreign = [p.structure for p in itertools.islice(shop.problems(1, steps=(1, 3)), 800)]
    own = {p.structure for p in itertools.islice(problems.problems(1, steps=(1, 3), share="study"), 800)}
    assert len(set(foreign)) == 800
    assert not own & set(foreign)
    assert all(name.startswith("shop:") for name in foreign)


def test_the_buyers_and_goods_are_unknown_to_the_corpus() -> None:
    lab = " ".join(
        word for name in dir(phrases) if name.isupper() for word in map(str, _flat(getattr(phrases, name)))
    ).casefold()
    known = set(re.findall(r"[a-z]+", lab))
    assert not known & {word.casefold() for word in (*shop.BUYERS, *shop.GOODS)}
    assert {"bill", "purse", "seller", "coupon", "price", "costs", "pays", "works"} & known == set()


def test_a_seed_has_its_own_problems_and_the_same_always() -> None:
    one, again, other = (
        [p.text for p in itertools.islice(shop.problems(seed, steps=(1, 3)), 50)] for seed in (1, 1, 2)
    )
    assert one == again != other


def test_problems_run_out_with_a_word_of_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shop, "MOST_MISSES", 50)
    with refused("too-few-problems") as raised:
        list(shop.problems(1, steps=(1, 1)))
    assert "data.foreign.steps" in raised.value.do


def _flat(value: object) -> list[object]:
    if isinstance(value, dict):
        return [item for inner in value.values() for item in _flat(inner)]
    return [item for inner in value for item in _flat(inner)] if isinstance(value, tuple) else [value]
