"""The pretraining corpus: the mix that was asked for, no false result, no study question."""

from __future__ import annotations

import itertools
import re

from noisy_student.answers.extract import extract
from noisy_student.data.generated import problems
from noisy_student.data.source import question_id
from noisy_student.lab.corpus import CorpusSpec, corpus
from noisy_student.records import Answer

SOME = list(itertools.islice(corpus(1, CorpusSpec()), 2000))


def test_the_mix_is_the_one_asked_for() -> None:
    spec = CorpusSpec()
    short = sum("=" not in solved.target for solved in SOME) / len(SOME)
    raw = sum(solved.style == "raw" for solved in SOME) / len(SOME)
    assert abs(short - spec.short) < 0.04
    assert abs(raw - spec.raw) < 0.03


def test_every_equation_is_true_and_every_text_has_an_answer() -> None:
    for solved in SOME:
        assert isinstance(extract(solved.target), Answer)
        for left, sign, right, result in re.findall(r"(\d+)([-+*])(\d+)=(\d+)", solved.target):
            assert {"+": int(left) + int(right), "-": int(left) - int(right), "*": int(left) * int(right)}[sign] == int(
                result
            )


def test_no_study_question_is_in_it() -> None:
    studied = {question_id(problem.text) for problem in itertools.islice(_study(), 5000)}
    assert not studied & {solved.question.id for solved in SOME}


def test_equal_seeds_give_equal_corpora() -> None:
    again = list(itertools.islice(corpus(1, CorpusSpec()), 50))
    other = list(itertools.islice(corpus(2, CorpusSpec()), 50))
    assert again == SOME[:50]
    assert other != SOME[:50]


def _study() -> itertools.chain[problems.Problem]:
    return itertools.chain.from_iterable(
        itertools.islice(problems.problems(seed, steps=(2, 4), share="study"), 2500) for seed in (1, 2)
    )
