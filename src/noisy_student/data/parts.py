"""From a data spec to a split: open the sources, shrink the sizes where asked, divide."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from noisy_student import seeds
from noisy_student.answers.solution import without_marks
from noisy_student.data import procedural
from noisy_student.data.jsonl import read_jsonl
from noisy_student.data.source import Item, question
from noisy_student.data.spec import DataSpec, SourceSpec
from noisy_student.data.splits import Sizes, Sources, Split, limited, split


def parts(spec: DataSpec, *, run_seed: int, paths: Mapping[str, str]) -> Split:
    """The split of one seed; ``paths`` says where each file of a ``jsonl`` source lies."""
    sizes = sizes_of(spec)
    if spec.source.kind == "procedural":
        count = sizes.labeled + sizes.unlabeled + sizes.test
        return split(Sources(_procedural(spec.source, count, run_seed)), sizes, run_seed=run_seed)
    return split(_files(spec.source, paths), sizes, run_seed=run_seed)


def sizes_of(spec: DataSpec) -> Sizes:
    """The sizes after ``limit``; raises UserError for sizes that leave a part empty."""
    sizes = Sizes(labeled=spec.labeled, unlabeled=spec.unlabeled, test=spec.test)
    return limited(sizes, spec.limit if spec.limit is not None else sum(sizes.model_dump().values()))


def _procedural(source: SourceSpec, count: int, run_seed: int) -> list[Item]:
    """Every seed has problems of its own; the gold solution takes one of the orders and wordings."""
    stream = procedural.problems(run_seed, steps=source.steps, share="study")
    items: dict[str, Item] = {}
    for problem in itertools.takewhile(lambda _: len(items) < count, stream):
        asked = question(problem.text, source="procedural")
        solution = procedural.gold_solution(problem, seeds.generator(run_seed, "gold-solution", asked.id))
        items.setdefault(asked.id, Item(asked, problem.answer, solution, problem.structure))
    return list(items.values())


def _files(source: SourceSpec, paths: Mapping[str, str]) -> Sources:
    read = {
        part: [
            _marked(item, source)
            for item in read_jsonl(
                Path(paths[part]), answers="optional" if part == "unlabeled" else "required", label=part
            )
        ]
        for part in source.files
    }
    return Sources(read["labeled"], unlabeled=read.get("unlabeled"), test=read.get("test"))


def _marked(item: Item, source: SourceSpec) -> Item:
    if source.marks == "kept" or item.solution is None:
        return item
    return replace(item, solution=without_marks(item.solution))
