"""Problems made by rule: their truth, their solutions, and the border between study and pretraining."""

from __future__ import annotations

import itertools
import random
import re

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from refusals import refused

from noisy_student.answers.extract import extract
from noisy_student.data.generated import phrases
from noisy_student.data.generated import problems as procedural
from noisy_student.data.generated.problems import (
    Change,
    Problem,
    Wording,
    draw,
    equations,
    gold_solution,
    paraphrase,
    problems,
    short,
    solve,
)
from noisy_student.data.parts import parts, sizes_of
from noisy_student.data.source import question_id
from noisy_student.data.spec import DataSpec, SourceSpec
from noisy_student.records import Answer

EQUATION = re.compile(r"(\d+)([-+*])(\d+)=(\d+)")
WORDINGS = [Wording(opening, joint) for opening in phrases.OPENINGS for joint in phrases.JOINTS]
drawn = st.builds(
    lambda seed, least, more: draw(random.Random(seed), steps=(least, least + more)),
    st.integers(0, 2**32),
    st.integers(1, 5),
    st.integers(0, 3),
)


def _counts(problem):
    """The count after every change, worked out here."""
    total = problem.start
    for change in problem.changes:
        if change.kind == "times":
            total *= change.amount
        elif change.kind == "loss":
            total -= change.amount
        else:
            total += change.amount * (change.packs or 1)
        yield total


def _value(left, sign, right):
    return {"+": int(left) + int(right), "-": int(left) - int(right), "*": int(left) * int(right)}[sign]


@examples(70)
@given(problem=drawn)
def test_every_solution_is_right_line_by_line_and_reads_as_the_answer(problem):
    *_, truth = _counts(problem)
    assert problem.answer == str(truth)
    for order, wording in itertools.product(procedural.ORDERS, WORDINGS):
        text = solve(problem, order=order, wording=wording)
        body, _, last = text.rpartition("\n")
        assert last == f"#### {truth}"
        found = EQUATION.findall(body)
        assert len(found) == problem.steps
        for left, sign, right, result in found:
            assert _value(left, sign, right) == int(result)
        assert int(found[-1][-1]) == truth
        read = extract(text)
        assert isinstance(read, Answer)
        assert (read.canonical, read.method, read.strict) == (str(truth), "hashes", True)
    expression, _, last = short(problem).partition("\n")
    # Only digits, signs and brackets: Python's own arithmetic is the judge.
    assert re.fullmatch(r"[-+*()\d]+", expression) and eval(expression) == truth
    assert last == f"#### {truth}"


@examples(70)
@given(problem=drawn)
def test_counts_stay_within_bounds_in_the_order_of_the_story(problem):
    assert all(1 <= count <= procedural.LARGEST for count in _counts(problem))
    assert sum(change.kind == "times" for change in problem.changes) <= 1
    for order in procedural.ORDERS:
        assert all(line.result >= 1 for line in equations(problem, order=order))


@examples(40)
@given(problem=drawn)
def test_the_story_tells_every_number_in_order(problem):
    told = [int(number) for number in re.findall(r"\d+", problem.text)]
    numbers = [problem.start]
    for change in problem.changes:
        numbers += {"times": [], "packs": [change.packs, change.amount]}.get(change.kind, [change.amount])
    assert told == numbers
    assert problem.thing in problem.text
    assert problem.text.endswith("?")


@examples(60)
@given(seed=st.integers(0, 2**32), least=st.integers(1, 6), more=st.integers(0, 2))
def test_steps_are_in_range(seed, least, more):
    problem = draw(random.Random(seed), steps=(least, least + more))
    assert least <= problem.steps <= least + more


def test_grouped_sums_gains_and_losses_before_applying_them():
    changes = (Change("gain", 3), Change("packs", 5, 2), Change("loss", 4), Change("gain", 6), Change("times", 2))
    problem = Problem("", 10, (*changes, Change("loss", 1)), "Tom", "pens")
    forward, grouped = (
        [str(line).replace(" ", "") for line in equations(problem, order=order)] for order in ("forward", "grouped")
    )
    assert forward == ["10+3=13", "2*5=10", "13+10=23", "23-4=19", "19+6=25", "25*2=50", "50-1=49"]
    assert grouped == ["2*5=10", "3+10=13", "13+6=19", "10+19=29", "29-4=25", "25*2=50", "50-1=49"]
    assert (problem.steps, problem.answer) == (7, "49")


def test_study_and_pretraining_have_no_structure_and_no_text_in_common():
    study, pretraining = (
        [problem for seed in (1, 2) for problem in itertools.islice(problems(seed, steps=(1, 4), share=share), 800)]
        for share in ("study", "pretraining")
    )
    assert not {p.structure for p in study} & {p.structure for p in pretraining}
    assert not {p.text for p in study} & {p.text for p in pretraining}
    # the border itself: moving it would let pretrained problems into studies
    assert sum(procedural.share_of(f"{i} gain:{i}") == "study" for i in range(10_000)) == pytest.approx(5000, abs=200)
    assert procedural.share_of("4 gain:3 packs:2x5") == "study"
    assert procedural.share_of("4 gain:3") == "pretraining"


def test_a_seed_gives_the_same_problems_always_and_another_seed_others():
    one, again, other = ([*itertools.islice(problems(s, steps=(2, 4), share="study"), 300)] for s in (1, 1, 2))
    assert one == again
    assert len({problem.structure for problem in one}) == 300
    assert len({p.structure for p in one} & {p.structure for p in other}) < 10


def test_gold_solutions_take_every_form():
    (problem,) = itertools.islice(problems(1, steps=(4, 4), share="study"), 1)
    forms = {gold_solution(problem, random.Random(seed)) for seed in range(60)}
    assert forms <= {
        solve(problem, order=order, wording=wording)
        for order, wording in itertools.product(procedural.ORDERS, WORDINGS)
    }
    assert len(forms) >= 30
    assert short(problem) not in forms


def test_a_stream_that_runs_dry_says_so(monkeypatch):
    monkeypatch.setattr(procedural, "MOST_MISSES", 200)
    with refused("too-few-problems", "1 to 1 calculations"):
        list(problems(1, steps=(1, 1), share="study"))


def test_parts_of_procedural_data():
    spec = DataSpec(labeled=50, unlabeled=120, test=40, source=SourceSpec(steps=(2, 3)))
    made = parts(spec, run_seed=1, paths={})
    assert [len(part) for part in (made.labeled, made.dev, made.unlabeled, made.test)] == [40, 10, 120, 40]
    for item in (*made.labeled, *made.dev, *made.unlabeled, *made.test):
        assert procedural.share_of(item.structure) == "study"
        assert extract(item.solution).canonical == item.answer
    assert parts(spec, run_seed=1, paths={}) == made
    assert parts(spec, run_seed=2, paths={}).test != made.test


def test_a_limit_shrinks_every_part():
    sizes = sizes_of(DataSpec(labeled=1000, unlabeled=4000, test=500, limit=55))
    assert (sizes.labeled, sizes.unlabeled, sizes.test) == (10, 40, 5)
    with refused("limit-too-small", "3"):
        sizes_of(DataSpec(limit=3))


def test_rare_words_are_told_in_study_problems_only():
    rare = [
        re.compile(re.escape(phrase).replace(r"\{n\}", r"\w+").replace(r"\{x\}", r"\d+"))
        for phrase in (*phrases.RARE_GAINS, *phrases.RARE_LOSSES)
    ]
    told = {
        share: [problem.text for problem in itertools.islice(problems(3, steps=(1, 3), share=share), 6000)]
        for share in ("study", "pretraining")
    }
    assert not any(pattern.search(text) for text in told["pretraining"] for pattern in rare)
    found = [pattern for pattern in rare if any(pattern.search(text) for text in told["study"])]
    assert len(found) > len(rare) / 2
    share = sum(bool(pattern.search(text)) for text in told["study"] for pattern in rare) / 6000
    assert phrases.RARE / 2 < share < 3 * phrases.RARE


def test_a_rare_word_changes_no_number_of_the_story():
    for problem in itertools.islice(problems(3, steps=(1, 3), share="study"), 500):
        amounts = [[change.packs, change.amount] if change.packs else [change.amount] for change in problem.changes]
        spoken = [
            amount
            for change, group in zip(problem.changes, amounts, strict=True)
            for amount in group
            if change.kind != "times"
        ]
        assert [int(number) for number in re.findall(r"\d+", problem.text)] == [problem.start, *spoken]


DRAWN = st.builds(lambda seed: procedural.draw(random.Random(seed), steps=(1, 6)), st.integers(0, 2**32))
SENTENCE = re.compile(r"(?<=[.?]) ")


def numbers(problem: Problem) -> list[str]:
    """Every number of the story in its order; multiples are told in words."""
    told = [str(problem.start)]
    for change in problem.changes:
        told += [str(change.packs)] * (change.kind == "packs") + [str(change.amount)] * (change.kind != "times")
    return told


@given(DRAWN, st.integers(0, 1000))
def test_the_numbers_stay_and_every_sentence_changes(problem: Problem, seed: int) -> None:
    told = paraphrase(problem, seed)
    assert re.findall(r"\d+", told) == numbers(problem) == re.findall(r"\d+", problem.text)
    before, after = SENTENCE.split(problem.text), SENTENCE.split(told)
    assert len(before) == len(after) == len(problem.changes) + 2
    assert not any(one == other for one, other in zip(before, after, strict=True))
    assert problem.name in told and told == paraphrase(problem, seed)


def test_another_seed_tells_otherwise() -> None:
    problems = list(itertools.islice(procedural.problems(1, steps=(2, 4), share="study"), 30))
    assert [paraphrase(problem, 1) for problem in problems] != [paraphrase(problem, 2) for problem in problems]


def test_views_change_no_part_and_are_of_all_that_is_learned_from() -> None:
    spec = DataSpec(labeled=20, unlabeled=30, test=10)
    plain = parts(spec, run_seed=1, paths={})
    viewed = parts(spec.model_copy(update={"views": True}), run_seed=1, paths={})
    for part in ("labeled", "dev", "unlabeled", "test"):
        before, after = getattr(plain, part), getattr(viewed, part)
        assert [item.question for item in before] == [item.question for item in after]
        assert all(item.paraphrase is None for item in before)
        assert all(question_id(item.paraphrase) != item.question.id for item in after)
