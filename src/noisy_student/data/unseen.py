"""Answered questions that no student is trained on: dev, topped up by questions of the labeled source in no part.

Pre-flight asks them in place of unlabeled ones, since their answers are known without opening the key.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from noisy_student import seeds
from noisy_student.data.generated import problems
from noisy_student.data.overlap import OverlapIndex
from noisy_student.data.parts import parts, read_sources
from noisy_student.data.source import Item, merge, question
from noisy_student.data.spec import DataSpec
from noisy_student.data.splits import Split
from noisy_student.errors import UserError

TRIES = 4
"""Generated problems that are looked at for each one wanted: the others stand in some part already."""


@dataclass(frozen=True, slots=True)
class Unseen:
    """The questions with their answers, dev first, and how many of them are spare."""

    items: tuple[Item, ...]
    spare: int


def unseen(spec: DataSpec, *, run_seed: int, paths: Mapping[str, str], wanted: int) -> Unseen:
    """Up to ``wanted`` questions for one seed, none of which repeats a test question; dev's are never left out."""
    split = parts(spec, run_seed=run_seed, paths=paths)
    own = split.dev[:wanted]
    spare = tuple(itertools.islice(_spare(spec, split, paths), wanted - len(own)))
    return Unseen((*own, *spare), len(spare))


def _spare(spec: DataSpec, split: Split, paths: Mapping[str, str]) -> Iterator[Item]:
    """Questions of the labeled source that stand in no part, in an order of the seed's own."""
    taken = {item.question.id for part in (split.labeled, split.dev, split.unlabeled, split.test) for item in part}
    taken |= {removal.question_id for removal in split.removed}
    if spec.source.kind == "procedural":
        found = list(_generated(spec, split.run_seed, len(taken)))
    else:
        found = list(merge(read_sources(spec.source, paths).labeled).items)
        found.sort(key=lambda item: seeds.seed(split.run_seed, "split", item.question.id))
    index = OverlapIndex(split.test)
    for item in found:
        if item.question.id not in taken and item.answer is not None and index.find(item) is None:
            yield item


def _generated(spec: DataSpec, run_seed: int, taken: int) -> Iterator[Item]:
    """Problems of the stream that the parts were made of, these included; it ends where no new one is found."""
    try:
        for problem in itertools.islice(
            problems.problems(run_seed, steps=spec.source.steps, share="study"), taken + TRIES * taken
        ):
            asked = question(problem.text, source="procedural")
            solution = problems.gold_solution(problem, seeds.generator(run_seed, "gold-solution", asked.id))
            yield Item(asked, problem.answer, solution, problem.structure)
    except UserError:
        return
