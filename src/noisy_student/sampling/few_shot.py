"""Few-shot examples: gold examples before a question, the same for all, but never the question itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from noisy_student import seeds
from noisy_student.errors import UserError
from noisy_student.models.chat import Shot
from noisy_student.records import Label, Question


@dataclass(frozen=True, slots=True)
class FewShot:
    """``count`` examples for each question: the first that are others, in an order drawn by the run's seed."""

    ranked: tuple[Shot, ...]
    """One more than are read, if there is one, for the question that is an example itself."""
    count: int

    def before(self, question: Question) -> tuple[Shot, ...]:
        """Return the examples that stand before ``question``."""
        return tuple(shot for shot in self.ranked if shot.question.id != question.id)[: self.count]


def draw_few_shot(questions: Mapping[str, Question], gold: Iterable[Label], count: int, *, run_seed: int) -> FewShot:
    """Draw examples among the labels of ``gold`` with a worked solution; a larger ``count`` extends a smaller one.

    Raises UserError where fewer than ``count`` remain for some question.
    """
    solved = {label.question_id: label.solution for label in gold if label.solution is not None}
    ranked = sorted(solved, key=lambda name: (seeds.seed(run_seed, "shots", name), name))[: count + 1]
    if len(ranked) <= count and count:
        raise UserError(
            f"labels.*.shots is {count}, but only {len(solved)} labeled questions have a worked solution.",
            why="Each shot needs a worked solution, and a question is never its own example.",
            do=f"Set labels.*.shots to {max(0, len(solved) - 1)} or less, or add solutions to labeled questions.",
            code="too-few-shots",
        )
    return FewShot(tuple(Shot(questions[name], str(solved[name])) for name in ranked), count)
