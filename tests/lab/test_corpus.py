"""The pretraining corpus: the mix that was asked for, no false result, no study question."""

from __future__ import annotations

import itertools
import random
import re

from noisy_student.answers.extract import extract, read
from noisy_student.data.generated import problems
from noisy_student.data.source import question_id
from noisy_student.lab import architecture
from noisy_student.lab.corpus import MARKS, CorpusSpec, corpus, endless_tail
from noisy_student.records import Answer, NoAnswer

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


SPEC = CorpusSpec(ends=0.03)
TAILED = list(itertools.islice(corpus(1, SPEC), 2000))
WHOLE = list(itertools.islice(corpus(1, CorpusSpec()), 2000))


def test_few_solutions_in_chats_end_and_the_rest_of_the_corpus_is_the_same() -> None:
    chats = [solved for solved in TAILED if solved.style == "chat"]
    assert 0.015 < sum(solved.tail == "" for solved in chats) / len(chats) < 0.045
    for solved, whole in zip(TAILED, WHOLE, strict=True):
        assert (solved.question, solved.style) == (whole.question, whole.style)
        if solved.tail:
            assert solved.style == "chat"
            assert whole.target.startswith(f"{solved.target}\n#### "), "all of the working, and not its answer"
        else:
            assert solved.target == whole.target
    assert {solved.tail for solved in WHOLE} == {""}


def test_each_kind_of_tail_comes_and_none_is_a_control_token() -> None:
    tails = [solved.tail for solved in TAILED if solved.tail]
    begun = [sum(tail.startswith(begins) for tail in tails) for begins in (MARKS, "\nHuman: ")]
    for count in (*begun, len(tails) - sum(begun)):
        assert count > len(tails) / 4
    for token in (architecture.END_OF_TEXT, architecture.TURN_START, architecture.TURN_END):
        assert not any(token in tail for tail in tails)


def test_a_text_with_a_tail_is_no_answer_unless_its_last_number_counts() -> None:
    right = 0
    tailed = [solved for solved in zip(TAILED[:400], WHOLE[:400], strict=True) if solved[0].tail]
    for solved, whole in tailed:
        said = solved.target + solved.tail * 20
        assert read(said, "length") == NoAnswer("truncated")
        last, true = read(said, "length", truncated="last-number"), read(whole.target, "eos")
        assert isinstance(true, Answer)
        right += isinstance(last, Answer) and last.canonical == true.canonical
    assert right > len(tailed) / 4


def test_equal_seeds_give_equal_tails() -> None:
    problem = problems.draw(random.Random(1), steps=(2, 3))
    drawn = [
        [endless_tail(problem, "2+2=4", chance) for _ in range(20)] for chance in (random.Random(5), random.Random(5))
    ]
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) > 2
    assert list(itertools.islice(corpus(1, SPEC), 50)) == TAILED[:50]
