"""Answered questions that no student is trained on: dev, then questions of the labeled source that are in no part.

Pre-flight uses them in place of unlabeled ones, since their answers are known without reading the key.
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
"""Generated problems tried for each one wanted, since the others are already in some part."""


@dataclass(frozen=True, slots=True)
class Unseen:
    """Questions with their answers, dev first; ``spare`` of them are in no part."""

    items: tuple[Item, ...]
    spare: int


def unseen(spec: DataSpec, *, run_seed: int, paths: Mapping[str, str], wanted: int) -> Unseen:
    """Return up to ``wanted`` questions for one seed that repeat no test question; dev comes first."""
    split = parts(spec, run_seed=run_seed, paths=paths)
    own = split.dev[:wanted]
    spare = tuple(itertools.islice(_spare(spec, split, paths), wanted - len(own)))
    return Unseen((*own, *spare), len(spare))


def _spare(spec: DataSpec, split: Split, paths: Mapping[str, str]) -> Iterator[Item]:
    """Yield questions of the labeled source that are in no part, in seeded order."""
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
    """Yield the problems of the stream that made the parts, until no new one is found."""
    try:
        for problem in itertools.islice(
            problems.problems(run_seed, steps=spec.source.steps, share="study"), taken + TRIES * taken
        ):
            asked = question(problem.text, source="procedural")
            solution = problems.gold_solution(problem, seeds.generator(run_seed, "gold-solution", asked.id))
            yield Item(asked, problem.answer, solution, problem.structure)
    except UserError:
        return
