"""Contrasts of conditions: which unit, which test, which verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from refusals import refused

from noisy_student.evaluation.contrast import Outcomes, contrast, judge, prediction_answer
from noisy_student.records import Finding
from noisy_student.statistics.intervals import Interval
from noisy_student.statistics.paired import PairedCounts, mcnemar_midp, newcombe_paired


def _scores(right, n=500):
    return {f"q{i:03}": i in right for i in range(n)}


def _outcomes(name, *rights, n=500):
    return Outcomes(name, {seed: _scores(right, n) for seed, right in enumerate(rights, start=1)})


def _contrast(a, b, name="a-b", margin=0.02, primary=True):
    return contrast(name, a, b, margin=margin, primary=primary, family="main")


def test_one_seed_is_mcnemar_on_questions():
    a, b = _outcomes("filtered", range(162)), _outcomes("baseline", range(62, 197))
    (finding,) = _contrast(a, b)
    counts = PairedCounts(100, 62, 35, 303)
    assert finding.difference == pytest.approx(0.054)
    assert finding.p_value == mcnemar_midp(62, 35)
    assert finding.interval == tuple(newcombe_paired(counts))
    assert type(finding.interval) is tuple
    assert (finding.unit, finding.seeds, finding.n, finding.a, finding.b) == (
        "checkpoints", 1, 500, "filtered", "baseline"
    )  # fmt: skip
    assert finding.mde == pytest.approx(2.801585 * (97 / 500 / 500) ** 0.5, abs=1e-6)
    assert (finding.p_adjusted, finding.verdict) == (None, "undecided")
    assert finding.method.startswith("McNemar mid-p")
    assert judge([finding])[0].verdict == "helps"


def test_two_seeds_average_within_the_question():
    a = _outcomes("a", range(60), range(50), n=100)
    b = _outcomes("b", range(40), range(30), n=100)
    (finding,) = _contrast(a, b)
    assert finding.difference == pytest.approx(0.2)
    assert finding.method == "paired t on question means"
    assert (finding.unit, finding.seeds, finding.n) == ("checkpoints", 2, 100)
    # 10 questions differ by 1 (40-49: both seeds), 20 by 1/2 (30-39, 50-59)
    # sd^2 = (15 / 100 - .04) 100 / 99, se .033333, t(99) 1.984217
    assert finding.interval == pytest.approx((0.2 - 0.066141, 0.2 + 0.066141), abs=1e-5)
    assert finding.p_value < 1e-6
    assert finding.mde == pytest.approx(2.801585 * (((10 + 5) / 100 - 0.04) / 99) ** 0.5, abs=1e-6)


def test_few_differing_questions_are_counted_in_full():
    a, b = _outcomes("a", range(8), range(8), n=50), _outcomes("b", range(2), range(4), n=50)
    (finding,) = _contrast(a, b)
    assert finding.method.startswith("exact sign flips")
    assert finding.p_value == 2 / 2**6


def test_three_seeds_speak_of_the_recipe_with_the_questions_beside():
    a = _outcomes("a", range(60), range(62), range(66), n=100)
    b = _outcomes("b", range(50), range(54), range(54), n=100)
    recipe, questions = _contrast(a, b, name="a-helps")
    assert (recipe.unit, recipe.seeds, recipe.primary, recipe.name) == ("recipe", 3, True, "a-helps")
    # differences .10 .08 .12: t = .1 / (.02 / sqrt 3) = 8.66, df 2
    assert recipe.difference == pytest.approx(0.1)
    assert recipe.p_value == pytest.approx(0.0130724, abs=1e-6)
    assert recipe.interval == pytest.approx((0.1 - 0.049683, 0.1 + 0.049683), abs=1e-5)
    # P(|t| > 4.302653) is .8 for a noncentral t of 2 degrees of freedom where the mean is 5.653489 standard errors.
    assert recipe.mde == pytest.approx(5.653489 * 0.02 / 3**0.5, abs=1e-6)
    assert (questions.name, questions.unit, questions.primary) == ("a-helps (questions)", "checkpoints", False)
    assert questions.family == "main"
    judged = judge([recipe, questions])
    assert [finding.verdict for finding in judged] == ["helps", None]
    assert judged[1].p_adjusted == questions.p_value


def test_three_seeds_that_disagree_decide_nothing_though_the_questions_do():
    a = _outcomes("a", range(90), range(50), range(52), n=100)
    b = _outcomes("b", range(50), range(50), range(50), n=100)
    recipe, questions = judge(_contrast(a, b))
    assert recipe.verdict == "undecided"
    assert questions.p_value < 0.001 < recipe.p_value


def test_questions_on_which_both_agree_leave_mcnemar_alone():
    few = _contrast(_outcomes("a", range(62), n=97), _outcomes("b", range(62, 97), n=97))[0]
    many = _contrast(_outcomes("a", range(62)), _outcomes("b", range(62, 97)))[0]
    assert few.p_value == many.p_value == mcnemar_midp(62, 35)
    assert few.difference > many.difference


@pytest.mark.parametrize("seeds", [1, 2, 3])
def test_identical_predictions(seeds):
    a, b = _outcomes("a", *[range(40)] * seeds), _outcomes("b", *[range(40)] * seeds)
    for finding in judge(_contrast(a, b)):
        assert (finding.difference, finding.p_value, finding.p_adjusted, finding.mde) == (0, 1, 1, None)
        assert finding.interval[0] <= 0 <= finding.interval[1]
        assert finding.verdict == ("no-difference" if finding.primary else None)


def test_no_difference_needs_the_margin_and_a_narrow_interval():
    alike = _outcomes("a", range(1000), n=2000), _outcomes("b", range(10, 1010), n=2000)
    assert judge(_contrast(*alike))[0].verdict == "no-difference"
    assert judge(_contrast(*alike, margin=None))[0].verdict == "undecided"
    few = _outcomes("a", range(50), n=100), _outcomes("b", range(10, 60), n=100)
    assert judge(_contrast(*few))[0].p_value == 1
    assert judge(_contrast(*few))[0].verdict == "undecided"


def test_a_small_but_certain_difference_is_a_difference():
    a, b = _outcomes("a", range(520), n=5000), _outcomes("b", range(500), n=5000)
    (finding,) = judge(_contrast(a, b, margin=0.02))
    assert finding.verdict == "helps"


def test_hurts():
    (finding,) = judge(_contrast(_outcomes("a", range(100)), _outcomes("b", range(150))))
    assert (finding.verdict, finding.difference) == ("hurts", pytest.approx(-0.1))


def _finding(p_value, *, primary=True, family="main", difference=0.1, verdict="undecided"):
    return Finding(
        name=f"{family} {p_value}", a="a", b="b", difference=difference, interval=None, p_value=p_value,
        p_adjusted=None, method="", primary=primary, family=family, unit="checkpoints", seeds=1, n=500, margin=None,
        mde=None, verdict=verdict if primary else None,
    )  # fmt: skip


def test_holm_over_the_primary_ones_and_bh_over_the_others_family_by_family():
    findings = [_finding(p) for p in (0.01, 0.04, 0.03, 0.005)]
    others = [_finding(p, primary=False) for p in (0.01, 0.04, 0.03, 0.005)]
    alone = [_finding(0.04, family="other"), _finding(None)]
    judged = judge([*findings, *others, *alone])
    assert [f.p_adjusted for f in judged[:4]] == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert [f.verdict for f in judged[:4]] == ["helps", "undecided", "undecided", "helps"]
    assert [f.p_adjusted for f in judged[4:8]] == pytest.approx([0.02, 0.04, 0.04, 0.02])
    assert [f.verdict for f in judged[4:8]] == [None] * 4
    assert (judged[8].p_adjusted, judged[8].verdict) == (0.04, "helps")
    assert (judged[9].p_adjusted, judged[9].verdict) == (None, "undecided")
    assert [f.name for f in judged] == [f.name for f in [*findings, *others, *alone]]


def test_judging_twice_changes_nothing():
    findings = judge([_finding(0.01), _finding(0.2), _finding(0.3, verdict="no-difference")])
    assert judge(findings) == findings


def test_seeds_are_paired_and_may_have_questions_of_their_own():
    a = Outcomes("a", {1: {"x": True, "y": True}, 2: {"z": True, "w": False}, 9: {"lost": True}})
    b = Outcomes("b", {2: {"z": False, "w": False}, 1: {"y": True, "x": False}})
    (finding,) = _contrast(a, b)
    assert (finding.difference, finding.n, finding.seeds) == (0.5, 4, 2)
    with refused("no-common-seed", '"b"'):
        _contrast(a, Outcomes("b", {3: {"x": True}}))


def test_questions_of_one_side_only_are_refused_unless_dropped():
    a, b = Outcomes("a", {1: {"x": True, "y": True}}), Outcomes("b", {1: {"x": False, "z": True}})
    with refused("different-questions", '1 only in "a" (seed 1) (y)', '1 only in "b"'):
        _contrast(a, b)
    (finding,) = _contrast(a.shared_with(b), b.shared_with(a))
    assert (finding.difference, finding.n) == (1, 1)


def test_fractions_of_several_samples_use_question_means():
    a = Outcomes("a", {1: {f"q{i}": 0.75 for i in range(40)}})
    b = Outcomes("b", {1: {f"q{i}": 0.5 if i % 2 else 0.25 for i in range(40)}})
    (finding,) = _contrast(a, b)
    assert finding.method == "paired t on question means"
    assert finding.difference == pytest.approx(0.375)


@examples(25)
@given(data=st.data(), seeds=st.integers(1, 4), n=st.integers(1, 12))
def test_swapping_the_sides_turns_the_finding_around(data, seeds, n):
    def draw(name):
        bits = st.lists(st.booleans(), min_size=n, max_size=n)
        return Outcomes(name, {s: {f"q{i}": x for i, x in enumerate(data.draw(bits))} for s in range(seeds)})

    a, b = draw("a"), draw("b")
    for one, other in zip(judge(_contrast(a, b)), judge(_contrast(b, a)), strict=True):
        assert one.difference == pytest.approx(-other.difference, abs=1e-12)
        assert one.p_value == pytest.approx(other.p_value)
        assert one.p_value == one.p_value
        turned = {"helps": "hurts", "hurts": "helps"}
        assert other.verdict == turned.get(one.verdict, one.verdict)
        if one.interval:
            assert one.interval == pytest.approx((-other.interval[1], -other.interval[0]), abs=1e-9)
        assert replace(one, name="", method="", p_value=None).n == n


outcomes = st.dictionaries(
    st.integers(1, 3), st.dictionaries(st.sampled_from("abcd"), st.sampled_from([0.0, 0.25, 1.0]), min_size=1)
)


@given(outcomes, outcomes)
def test_a_difference_turns_its_sign_with_its_sides_and_is_of_what_both_have(one, other):
    a, b = Outcomes("a", one), Outcomes("b", other)
    there, back = a.minus(b), b.minus(a)
    assert (there.condition, back.condition) == ("(a - b)", "(b - a)")
    assert set(there.by_seed) == set(back.by_seed) == set(one) & set(other)
    for seed, found in there.by_seed.items():
        assert set(found) == set(one[seed]) & set(other[seed])
        assert found == {i: one[seed][i] - other[seed][i] for i in found}
        assert {i: -value for i, value in back.by_seed[seed].items()} == found
    assert all(value == 0 for found in a.minus(a).by_seed.values() for value in found.values())


def test_a_difference_of_differences_is_tested_on_questions():
    a, b = _outcomes("a", range(60), n=100), _outcomes("b", range(40), n=100)
    c, d = _outcomes("c", range(50, 60), n=100), _outcomes("d", range(55, 60), n=100)
    (finding,) = _contrast(a.minus(b), c.minus(d))
    assert finding.difference == pytest.approx(0.2 - 0.05)
    assert (finding.a, finding.b) == ("(a - b)", "(c - d)")
    # 40 to 59 gained in the first pair, of which 50 to 54 did so in the second, too: 15 to 0.
    assert finding.method == "McNemar mid-p, Newcombe paired interval"
    assert finding.p_value == pytest.approx(1 / 2**15)
    assert judge([finding])[0].verdict == "helps"


@pytest.mark.parametrize(
    ("low", "high", "above", "below", "answer"),
    [
        (0.51, 0.6, 0.5, None, "held"),
        (0.5, 0.6, 0.5, None, "unsure"),
        (0.4, 0.5, 0.5, None, "failed"),
        (0.4, 0.49, None, 0.5, "held"),
        (0.4, 0.5, None, 0.5, "unsure"),
        (0.5, 0.6, None, 0.5, "failed"),
    ],
)
def test_a_prediction_needs_the_whole_interval_on_one_side(
    low: float, high: float, above: float | None, below: float | None, answer: str
) -> None:
    assert prediction_answer(Interval(low, high), above=above, below=below) == answer
