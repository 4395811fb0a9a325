"""Another wording of a generated problem: the same numbers in the same order, and no sentence left as it was."""

from __future__ import annotations

import itertools
import random
import re

from hypothesis import given
from hypothesis import strategies as st

from noisy_student.data.generated import problems as procedural
from noisy_student.data.generated.paraphrase import paraphrase
from noisy_student.data.generated.problems import Problem
from noisy_student.data.parts import parts
from noisy_student.data.source import question_id
from noisy_student.data.spec import DataSpec

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
