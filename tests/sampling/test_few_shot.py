"""Gold examples before a question: drawn by the seed, the same for all, never the question itself."""

from __future__ import annotations

from refusals import refused

from noisy_student.records import Label, Question
from noisy_student.sampling.few_shot import draw_few_shot

QUESTIONS = {str(n): Question(str(n), f"What is {n}?") for n in range(8)}
GOLD = [Label(name, name, None if name == "0" else f"#### {name}", "gold") for name in QUESTIONS]


def test_every_question_reads_the_same_but_never_itself() -> None:
    shots = draw_few_shot(QUESTIONS, GOLD, 3, run_seed=1)
    common = [shot.question.id for shot in shots.before(Question("x", "other"))]
    assert len(common) == 3 and "0" not in common
    for name, question in QUESTIONS.items():
        own = [shot.question.id for shot in shots.before(question)]
        assert len(own) == 3 and name not in own
        assert own == common or name in common
    assert all(shot.solution == f"#### {shot.question.id}" for shot in shots.ranked)


def test_more_begin_with_the_fewer_and_another_seed_draws_others() -> None:
    asked = Question("x", "other")
    drawn = {
        (n, seed): draw_few_shot(QUESTIONS, GOLD, n, run_seed=seed).before(asked) for n in (2, 5) for seed in (1, 2)
    }
    assert drawn[5, 1][:2] == drawn[2, 1]
    assert drawn[5, 1] != drawn[5, 2]
    assert draw_few_shot(QUESTIONS, reversed(GOLD), 5, run_seed=1).before(asked) == drawn[5, 1]


def test_too_few_worked_solutions_are_an_error_that_names_the_most() -> None:
    with refused("too-few-shots", "7") as raised:
        draw_few_shot(QUESTIONS, GOLD, 7, run_seed=1)
    assert "to 6 or less" in raised.value.do
