"""Tails that never end: plain text, the same for the same seed, and no change to the problems that they follow."""

from __future__ import annotations

import itertools
import random

from noisy_student.answers.extract import read
from noisy_student.data import endless, procedural
from noisy_student.data.corpus import CorpusSpec, corpus
from noisy_student.models import lab
from noisy_student.records import Answer

SPEC = CorpusSpec(ends=0.03)
SOME = list(itertools.islice(corpus(1, SPEC), 2000))
WHOLE = list(itertools.islice(corpus(1, CorpusSpec()), 2000))


def test_few_solutions_end_and_the_rest_of_the_corpus_is_the_same() -> None:
    assert 0.015 < sum(solved.tail == "" for solved in SOME) / len(SOME) < 0.045
    assert [(solved.question, solved.target, solved.style) for solved in SOME] == [
        (solved.question, solved.target, solved.style) for solved in WHOLE
    ]
    assert {solved.tail for solved in WHOLE} == {""}


def test_each_kind_of_tail_comes_and_none_is_a_control_token() -> None:
    tails = [solved.tail for solved in SOME if solved.tail]
    for begins in (endless.MARKS, "\n#### ", "\nHuman: "):
        assert sum(tail.startswith(begins) for tail in tails) > len(tails) / 4
    for token in (lab.END_OF_TEXT, lab.TURN_START, lab.TURN_END):
        assert not any(token in tail for tail in tails)


def test_an_answer_is_read_through_its_tail() -> None:
    for solved in (solved for solved in SOME[:300] if solved.tail):
        plain, followed = read(solved.target, "eos"), read(solved.target + solved.tail * 20, "length")
        assert isinstance(plain, Answer) and isinstance(followed, Answer)
        assert followed.canonical == plain.canonical


def test_equal_seeds_give_equal_tails() -> None:
    problem = procedural.draw(random.Random(1), steps=(2, 3))
    drawn = [[endless.tail(problem, chance) for _ in range(20)] for chance in (random.Random(5), random.Random(5))]
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) > 2
    assert list(itertools.islice(corpus(1, SPEC), 50)) == SOME[:50]
