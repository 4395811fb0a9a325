"""When a round is turned down, and what raises an alarm."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from math import comb

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from noisy_student.evaluation.review import ALARMS, Round, alarms, entropy, review, share_of_answered

WINNERS = ("4", "4", "7", "9", "12", None, "15", "3", "21", "8")
GOOD = Round((True,) * 6 + (False,) * 4, WINNERS, 0.6, 0.5, 0.8, 0.95, 60.0)

shares = st.floats(0, 1)
winners = st.lists(st.one_of(st.none(), st.sampled_from("123456789")), min_size=1, max_size=12).map(tuple)


@st.composite
def rounds_of(draw: st.DrawFn, n: int = 8) -> Round:
    """Any round of n questions."""
    right = tuple(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    voted = tuple(draw(st.lists(st.one_of(st.none(), st.sampled_from("1234")), min_size=n, max_size=n)))
    precision = draw(st.one_of(st.none(), shares))
    return Round(right, voted, draw(shares), draw(shares), precision, draw(shares), draw(st.floats(1, 96)))


def with_right(made: Round, *, lost: int, gained: int) -> Round:
    """A round that answers ``lost`` of the right ones wrong, and ``gained`` of the wrong ones right."""
    right = [index for index, each in enumerate(made.right) if each][:lost]
    wrong = [index for index, each in enumerate(made.right) if not each][:gained]
    return replace(made, right=tuple(each != (i in right or i in wrong) for i, each in enumerate(made.right)))


@given(rounds_of(), st.floats(0.001, 0.999), st.integers(1, 9), st.booleans())
def test_a_round_like_the_one_before_is_accepted_without_an_alarm(
    made: Round, error: float, rounds: int, alarmed: bool
) -> None:
    found = review(made, made, error=error, rounds=rounds, alarmed_before=alarmed)
    assert (found.accepted, found.reason, found.p_worse, found.alarms) == (True, None, 1.0, ())
    assert found.level == error / rounds


@given(rounds_of(), rounds_of(), st.integers(1, 9), st.booleans())
def test_a_round_is_turned_down_for_one_of_two_reasons_and_no_other(
    before: Round, now: Round, rounds: int, alarmed: bool
) -> None:
    found = review(before, now, error=0.5, rounds=rounds, alarmed_before=alarmed)
    worse, warned = found.p_worse <= 0.5 / rounds, bool(found.alarms) and alarmed
    assert found.accepted == (not worse and not warned) == (found.reason is None)
    # Nothing but right and wrong counts for the first, and a first alarm turns nothing down.
    assert (
        found.p_worse
        == review(before, replace(before, right=now.right), error=0.5, rounds=1, alarmed_before=True).p_worse
    )
    if found.reason is not None:
        assert found.reason.startswith("on dev" if worse else "the second round in a row with an alarm")


def test_the_error_is_charged_over_the_rounds() -> None:
    # Five lost and none gained: 1/32 = .03125.
    now = with_right(GOOD, lost=5, gained=0)
    one, two = (review(GOOD, now, error=0.05, rounds=rounds, alarmed_before=False) for rounds in (1, 2))
    assert one.p_worse == two.p_worse == 0.03125
    assert (one.accepted, two.accepted) == (False, True)
    assert one.reason == "on dev 5 answers became wrong and 0 right (one-sided p 0.0312, limit 0.0500)"


@pytest.mark.parametrize("n", [1, 4, 9, 30])
@pytest.mark.parametrize("error", [0.05, 0.2, 0.9])
@pytest.mark.parametrize("rounds", [1, 3])
def test_students_as_good_as_those_before_are_turned_down_in_no_more_than_the_error(
    n: int, error: float, rounds: int
) -> None:
    # Of n questions on which the two differ, as many are lost as are gained by chance; one of `rounds` reviews.
    turned_down = 0.0
    for lost in range(n + 1):
        before = replace(GOOD, right=(True,) * lost + (False,) * (n - lost))
        now = replace(GOOD, right=(False,) * lost + (True,) * (n - lost))
        found = review(before, now, error=error, rounds=rounds, alarmed_before=False)
        turned_down += 0.0 if found.accepted else comb(n, lost) / 2**n
    assert turned_down <= error / rounds


def test_a_student_that_is_better_is_never_worse() -> None:
    for gained in range(5):
        found = review(GOOD, with_right(GOOD, lost=0, gained=gained), error=0.99, rounds=1, alarmed_before=True)
        assert found.accepted and found.p_worse == 1.0


@pytest.mark.parametrize(
    ("name", "changed", "before", "now"),
    [
        ("answers become alike", {"winners": ("4", "4", "4", "4", "7", None, "7", "9", "9", "9")}, None, None),
        ("answers cannot be read", {"readable": 0.89}, 0.95, 0.89),
        ("answers change their length", {"length": 91.0}, 60.0, 91.0),
        ("answers change their length", {"length": 39.0}, 60.0, 39.0),
        ("agreement rises while accuracy falls", {"agreement": 0.7, "right": (True,) * 5 + (False,) * 5}, 0.6, 0.5),
        ("more is selected and less of it is right", {"coverage": 0.6, "precision": 0.7}, 0.8, 0.7),
    ],
)
def test_each_sign_of_collapse_raises_its_alarm(
    name: str, changed: dict[str, object], before: float | None, now: float | None
) -> None:
    found = {alarm.name: alarm for alarm in alarms(GOOD, replace(GOOD, **changed))}  # type: ignore[arg-type]
    assert name in found
    if before is not None:
        assert set(found) == {name}
        assert (found[name].before, found[name].now) == (before, now)


def test_one_answer_that_spreads_raises_an_alarm_though_the_others_stay_many() -> None:
    voted = (*"12345678", "9", "9")
    spread = replace(GOOD, winners=(*"1234567", "9", "9", "9"))
    found = {alarm.name: (alarm.before, alarm.now) for alarm in alarms(replace(GOOD, winners=voted), spread)}
    assert found == {"one answer spreads": (0.2, 0.3)}


@pytest.mark.parametrize(
    "changed",
    [
        {"readable": 0.91},
        {"length": 90.0},
        {"length": 40.0},
        {"agreement": 0.9},
        {"right": (True,) * 3 + (False,) * 7},
        {"coverage": 0.9},
        {"precision": 0.1},
        {"coverage": 0.9, "precision": None},
        {"agreement": 0.1, "coverage": 0.1, "precision": 1.0, "right": (True,) * 10, "readable": 1.0},
    ],
)
def test_what_is_no_sign_of_collapse_raises_none(changed: dict[str, object]) -> None:
    assert alarms(GOOD, replace(GOOD, **changed)) == ()  # type: ignore[arg-type]


def test_the_second_alarm_in_a_row_turns_a_round_down() -> None:
    warned = replace(GOOD, length=120.0, readable=0.5)
    first, second = (review(GOOD, warned, error=0.05, rounds=2, alarmed_before=before) for before in (False, True))
    assert first.accepted and [alarm.name for alarm in first.alarms] == [
        "answers cannot be read", "answers change their length",
    ]  # fmt: skip
    assert not second.accepted
    assert second.reason == (
        "the second round in a row with an alarm: answers cannot be read, answers change their length"
    )
    assert review(GOOD, GOOD, error=0.05, rounds=2, alarmed_before=True).accepted


@given(rounds_of(), rounds_of())
def test_a_sign_that_one_round_shows_against_another_the_other_does_not_show_against_it(
    one: Round, other: Round
) -> None:
    there = {alarm.name for alarm in alarms(one, other)}
    back = {alarm.name for alarm in alarms(other, one)}
    # Longer and shorter are one alarm, so it stands in both directions or in none, but for rounding at its bounds.
    assert there & back <= {"answers change their length"}
    assert len(there) <= len(ALARMS) == 6


@given(winners)
def test_entropy_is_that_of_the_shares_and_nothing_votes_for_none(voted: tuple[str | None, ...]) -> None:
    there = [winner for winner in voted if winner is not None]
    counts = Counter(there)
    expected = -sum(count / len(there) * math.log2(count / len(there)) for count in counts.values())
    assert entropy(voted) == pytest.approx(expected, abs=1e-12)
    assert entropy(voted) == entropy(there) and share_of_answered(voted) == share_of_answered(there)
    assert 0 <= entropy(voted) <= math.log2(max(1, len(counts))) + 1e-12
    assert share_of_answered(voted) == (max(counts.values()) / len(there) if there else 0.0)


@given(st.integers(1, 40))
def test_answers_that_all_differ_have_the_most_entropy(n: int) -> None:
    assume(n > 1)
    assert entropy([str(i) for i in range(n)]) == pytest.approx(math.log2(n))
    assert entropy(["7"] * n) == 0.0
