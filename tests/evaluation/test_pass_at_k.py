"""pass@k and maj@k of graded samples against every subset, and against the formulas they stand on."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import combinations
from typing import get_args

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from noisy_student.evaluation.contrast import Outcomes, contrast, judge
from noisy_student.evaluation.pass_at_k import Gain, Tries, VoteCurve, gain_kind, points, saturation, sizes, tries
from noisy_student.labeling.vote import votes
from noisy_student.records import Finding, Grade
from noisy_student.statistics.voting import maj_at_k, pass_at_k

TRUTH = "7"
answers = st.one_of(st.none(), st.sampled_from([TRUTH, "1", "2"]))


def grades(name: str, found: list[str | None]) -> list[Grade]:
    return [Grade(name, k, each == TRUTH, each == TRUTH and k % 2 == 0, each, "eos") for k, each in enumerate(found)]


def led(drawn: tuple[str | None, ...]) -> float:
    """The chance that the vote of these is right: a tie of t answers is won by each in 1 of t."""
    voted = [each for each in drawn if each is not None]
    most = max((voted.count(each) for each in voted), default=0)
    leaders = {each for each in voted if voted.count(each) == most}
    return (TRUTH in leaders) / len(leaders) if leaders else 0.0


@given(st.lists(answers, min_size=1, max_size=7), st.data())
def test_they_are_means_over_every_subset(found: list[str | None], data: st.DataObject) -> None:
    (made,) = tries(grades("q", found))
    k = data.draw(st.integers(1, len(found)))
    subsets = list(combinations(found, k))
    assert made.passed(k) == pytest.approx(sum(TRUTH in each for each in subsets) / len(subsets))
    assert made.led(k) == pytest.approx(sum(map(led, subsets)) / len(subsets))


@given(st.integers(0, 6), st.lists(st.integers(1, 4), max_size=3).map(sorted), st.integers(0, 3), st.data())
def test_they_are_those_of_the_statistics(right: int, wrong: list[int], blank: int, data: st.DataObject) -> None:
    total = right + sum(wrong) + blank
    if not total:
        return
    made, k = Tries("q", total, right, tuple(wrong)), data.draw(st.integers(1, total))
    tally = {"yes": right, **{f"no {place}": count for place, count in enumerate(wrong)}}
    assert made.passed(k) == pass_at_k(total, right, k=k)
    assert made.led(k) == pytest.approx(maj_at_k(tally, "yes", k=k, abstained=blank))
    assert made.passed(1) == pytest.approx(right / total) == made.led(1)
    assert made.led(k) <= made.passed(k) + 1e-12


@given(st.lists(answers, min_size=1, max_size=8))
def test_more_tries_never_pass_less(found: list[str | None]) -> None:
    (made,) = tries(grades("q", found))
    passed = [made.passed(k) for k in range(1, len(found) + 1)]
    assert passed == sorted(passed)
    assert passed[-1] == float(TRUTH in found)


def test_a_question_is_counted_and_questions_stand_by_id() -> None:
    rows = [*grades("b", ["7", "1", None, "1", "2"]), *grades("a", ["7"] * 5)]
    first, second = tries(rows)
    assert (first.question_id, first.k, first.right, first.wrong) == ("a", 5, 5, ())
    assert (second.right, second.wrong) == (1, (1, 2))
    assert tries(reversed(rows)) == [first, second]


def test_points_are_means_over_questions_at_powers_of_two() -> None:
    found = points(tries([*grades("a", ["7"] * 6), *grades("b", ["1"] * 6)]))
    assert found == [{"k": k, "pass": 0.5, "maj": 0.5} for k in (1, 2, 4, 6)]
    assert points([]) == []


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
    assert gain_kind(found(*one), found(*many)) == expected


sides = st.tuples(st.floats(-1, 1), st.one_of(st.none(), st.floats(0, 1)))


@given(sides, sides)
def test_a_gain_without_a_certain_difference_is_unclear(
    one: tuple[float, float | None], many: tuple[float, float | None]
) -> None:
    said = gain_kind(found(*one), found(*many))
    assert said in get_args(Gain)
    if all(p is None or p > 0.05 for _, p in (one, many)):
        assert said == "unclear"
    assert (said == "learned") == (many[0] > 0 and many[1] is not None and many[1] <= 0.05)


def right_over(answers: list[str | None], k: int, *, ties_win: bool) -> float:
    """The mean over all subsets of size k of the right answer's share of the win; a tie may have no winner."""
    shares = []
    for some in combinations(answers, k):
        counts = Counter(answer for answer in some if answer is not None)
        most = max(counts.values(), default=0)
        leaders = [answer for answer, count in counts.items() if count == most]
        won = bool(leaders) and (ties_win or len(leaders) == 1)
        shares.append(("1" in leaders) / len(leaders) if won else 0.0)
    return sum(shares) / len(shares)


@examples(60)
@given(
    st.integers(1, 8).flatmap(
        lambda K: st.lists(
            st.lists(st.sampled_from(["1", "2", "3", None]), min_size=K, max_size=K), min_size=1, max_size=4
        )
    ),
    st.booleans(),
)
def test_each_point_is_the_mean_over_all_subsets(asked: list[list[str | None]], ties_win: bool) -> None:
    curve = VoteCurve(ties_win=ties_win)
    rows = [(str(number), answer) for number, answers in enumerate(asked) for answer in answers]
    ballot = list(votes(rows, ties="first-seen" if ties_win else "none"))
    for vote in ballot:
        curve.add(vote, "1.0")
    points = curve.points()
    assert [k for k, _ in points] == list(sizes(len(asked[0])))
    for k, share in points[:-1]:
        assert share == pytest.approx(sum(right_over(answers, k, ties_win=ties_win) for answers in asked) / len(asked))
    assert points[-1][1] == sum(vote.winner == "1" for vote in ballot) / len(asked), "the vote's own figure"


def test_nothing_added_has_no_point() -> None:
    assert VoteCurve().points() == ()


@pytest.mark.parametrize(
    ("curve", "k"),
    [
        ([(1, 0.5), (2, 0.5), (4, 0.6), (8, 0.61)], 4),
        ([(1, 0.5), (2, 0.5), (4, 0.6)], None),  # 1 to 2 never counts
        ([(1, 0.5), (2, 0.5), (4, 0.6), (6, 0.6)], None),  # the last step is shorter than a doubling
        ([], None),
    ],
)
def test_a_curve_saturates_where_a_doubling_gains_too_little(curve: list[tuple[int, float]], k: int | None) -> None:
    assert saturation(curve, 0.02) == k
