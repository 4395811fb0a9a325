"""Which gold examples a model reads before a question: the same for all, but never the question itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from noisy_student import seeds
from noisy_student.errors import UserError
from noisy_student.models.chat import Shot
from noisy_student.records import Label, Question


@dataclass(frozen=True, slots=True)
class Shots:
    """``count`` examples for each question: the first that are others, in an order drawn by the run's seed."""

    ranked: tuple[Shot, ...]
    """One more than are read, if there is one, for the question that is an example itself."""
    count: int

    def before(self, question: Question) -> tuple[Shot, ...]:
        """The examples that stand before ``question``."""
        return tuple(shot for shot in self.ranked if shot.question.id != question.id)[: self.count]


def draw_shots(questions: Mapping[str, Question], gold: Iterable[Label], count: int, *, run_seed: int) -> Shots:
    """Draw the examples among the labels of ``gold`` that have a worked text; more shots begin with the fewer.

    Raises UserError where there are not ``count`` of them for every question.
    """
    solved = {label.question_id: label.solution for label in gold if label.solution is not None}
    ranked = sorted(solved, key=lambda name: (seeds.seed(run_seed, "shots", name), name))[: count + 1]
    if len(ranked) <= count and count:
        raise UserError(
            f"The teacher is to read {count} examples, and {len(solved)} labeled questions have a worked solution.",
            why="Examples show how to answer, and a question that is asked is never one of its own.",
            do=f"Set labels.*.shots to {max(0, len(solved) - 1)} or less, or give labeled questions their solutions.",
        )
    return Shots(tuple(Shot(questions[name], str(solved[name])) for name in ranked), count)
