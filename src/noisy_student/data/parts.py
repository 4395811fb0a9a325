"""Builds the split of a data spec: reads the sources, applies the limit, divides.

``holdout`` finds answered questions that no student is trained on, which pre-flight uses in place of unlabeled ones.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from noisy_student import seeds
from noisy_student.data.fields import LeftOut, Need, Rules
from noisy_student.data.foreign import Pool, choose, pool
from noisy_student.data.generated import problems, shop
from noisy_student.data.overlap import OverlapIndex
from noisy_student.data.read import marked, read_file, read_path
from noisy_student.data.source import Item, conflicting, merge, question
from noisy_student.data.spec import DataSpec, ForeignSpec, SourceSpec
from noisy_student.data.splits import Sizes, Sources, Split, limited, split
from noisy_student.errors import UserError


def parts(spec: DataSpec, *, run_seed: int, paths: Mapping[str, str]) -> Split:
    """Build the split of one seed; ``paths`` locates the files of each part, as ``paths_of`` writes them."""
    sizes = sizes_of(spec)
    if spec.source.kind == "procedural":
        count = sizes.labeled + sizes.unlabeled + sizes.test
        sources = Sources(_procedural(spec, count, run_seed))
    else:
        sources = read_sources(spec.source, paths)
        sources = sources if spec.views else _without_views(sources)
    made = split(sources, sizes, run_seed=run_seed)
    if spec.foreign is None:
        return made
    found = _foreign(spec.foreign, paths, run_seed)
    return replace(made, foreign=choose(found, sizes.foreign, _study(made, sources)))


def _without_views(sources: Sources) -> Sources:
    """Drop the paraphrases, so that without views the overlap check does not depend on them."""
    read = (sources.labeled, sources.unlabeled, sources.test)
    plain = [None if items is None else [replace(item, paraphrase=None) for item in items] for items in read]
    return Sources(plain[0] or [], unlabeled=plain[1], test=plain[2], left_out=sources.left_out)


def paths_of(files: Mapping[str, Sequence[Path]]) -> dict[str, str]:
    """Name the files of each part for a stage's ``paths``.

    >>> paths_of({"labeled": [Path("a.jsonl"), Path("b.jsonl")]})
    {'labeled.0': 'a.jsonl', 'labeled.1': 'b.jsonl'}
    """
    return {f"{part}.{number}": str(path) for part, found in files.items() for number, path in enumerate(found)}


def sizes_of(spec: DataSpec) -> Sizes:
    """Return the sizes after ``limit``; raises UserError for sizes that leave a part empty."""
    foreign = 0 if spec.foreign is None else spec.foreign.count
    sizes = Sizes(labeled=spec.labeled, unlabeled=spec.unlabeled, test=spec.test, foreign=foreign)
    return limited(sizes, spec.limit if spec.limit is not None else sum(sizes.model_dump().values()))


def _procedural(spec: DataSpec, count: int, run_seed: int) -> list[Item]:
    """Generate the problems of one seed; a gold solution has one of the orders and wordings."""
    stream = problems.problems(run_seed, steps=spec.source.steps, share="study")
    items: dict[str, Item] = {}
    for problem in itertools.takewhile(lambda _: len(items) < count, stream):
        item = _item(problem, run_seed)
        view = problems.paraphrase(problem, run_seed) if spec.views else None
        items.setdefault(item.question.id, replace(item, paraphrase=view))
    return list(items.values())


def _item(problem: problems.Problem, run_seed: int) -> Item:
    asked = question(problem.text, source="procedural")
    solution = problems.gold_solution(problem, seeds.generator(run_seed, "gold-solution", asked.id))
    return Item(asked, problem.answer, solution, problem.structure)


def _foreign(spec: ForeignSpec, paths: Mapping[str, str], run_seed: int) -> Pool:
    """Return the foreign candidates in their order."""
    if spec.kind == "procedural":
        return Pool(_shop(spec, run_seed))
    return pool(
        _foreign_items(spec, paths),
        exclude_sources=spec.exclude_sources,
        only_answered=spec.only_answered,
        run_seed=run_seed,
    )


def _foreign_items(spec: ForeignSpec, paths: Mapping[str, str]) -> Iterator[Item]:
    for name, path in paths.items():
        if name.startswith("foreign."):
            read = read_file(Path(path), answers="any", fields=spec.fields, label="foreign", kind=spec.answers)
            yield from (marked(item, spec.marks) for item in read)


def _shop(spec: ForeignSpec, run_seed: int) -> Iterator[Item]:
    """Generate shop problems; two that differ in words only have one structure and come once."""
    for problem in shop.problems(run_seed, steps=spec.steps):
        asked = question(problem.text, source=spec.family)
        yield Item(asked, problem.answer, shop.solution(problem), problem.structure)


def _study(made: Split, sources: Sources) -> dict[str, list[Item]]:
    """Group the study's questions by part; ``source`` holds those that no part uses."""
    used = {"test": [*made.test], "labeled": [*made.labeled, *made.dev], "unlabeled": [*made.unlabeled]}
    taken = {item.question.id for items in used.values() for item in items}
    every = [*sources.labeled, *(sources.unlabeled or ()), *(sources.test or ())]
    return {**used, "source": [item for item in every if item.question.id not in taken]}


def read_sources(source: SourceSpec, paths: Mapping[str, str]) -> Sources:
    """Read the items of each part; a file shared by labeled and unlabeled is divided by the presence of answers."""
    shared = {paths[name] for name in paths if name.startswith("labeled.")} & {
        paths[name] for name in paths if name.startswith("unlabeled.")
    }
    read: dict[str, list[Item]] = {part: [] for part in source.parts}
    left_out: dict[str, LeftOut] = {}
    rows = dict.fromkeys(read, 0)
    for name, path in paths.items():
        part = name.partition(".")[0]
        if part not in read:
            continue
        answers: Need = "optional" if part == "unlabeled" or (part == "labeled" and path in shared) else "required"
        rules = Rules(source.fields, answers, kind=source.answers, label=part, faulty=source.faulty)
        found = read_path(Path(path), rules)
        items = found.items
        left_out |= {row.place: row for row in found.left_out}
        if path in shared and part != "test":
            items = [item for item in items if (item.answer is None) == (part == "unlabeled")]
        # Files of one part go on counting.
        read[part] += [replace(marked(i, source.marks), row=rows[part] + (i.row or 0)) for i in items]
        rows[part] += found.rows
    if source.faulty == "left-out":
        read, two_answers = without_conflicts(read)
        left_out |= {row.place: row for row in two_answers}
    return Sources(read["labeled"], read.get("unlabeled"), read.get("test"), left_out=tuple(left_out.values()))


def without_conflicts(read: Mapping[str, list[Item]]) -> tuple[dict[str, list[Item]], list[LeftOut]]:
    """Return the items of each part without questions that have two answers, and those."""
    gone = conflicting(item for items in read.values() for item in items)
    kept = {part: [item for item in items if item.question.id not in gone] for part, items in read.items()}
    rows = [item for items in read.values() for item in items if item.question.id in gone]
    return kept, [LeftOut("a question with two answers", item.place, item.question.text) for item in rows]


TRIES = 4
"""Generated problems tried for each one wanted, since the others are already in some part."""


@dataclass(frozen=True, slots=True)
class Holdout:
    """Questions with their answers, dev first; ``spare`` of them are in no part."""

    items: tuple[Item, ...]
    spare: int


def holdout(spec: DataSpec, *, run_seed: int, paths: Mapping[str, str], wanted: int) -> Holdout:
    """Return up to ``wanted`` questions for one seed that repeat no test question; dev comes first."""
    split = parts(spec, run_seed=run_seed, paths=paths)
    own = split.dev[:wanted]
    spare = tuple(itertools.islice(_spare(spec, split, paths), wanted - len(own)))
    return Holdout((*own, *spare), len(spare))


def _spare(spec: DataSpec, split: Split, paths: Mapping[str, str]) -> Iterator[Item]:
    """Yield questions of the labeled source that are in no part, in seeded order."""
    taken = {item.question.id for part in (split.labeled, split.dev, split.unlabeled, split.test) for item in part}
    taken |= {removal.question_id for removal in split.removed}
    if spec.source.kind == "procedural":
        stream = problems.problems(split.run_seed, steps=spec.source.steps, share="study")
        found = []
        # The stream ends with an error if it has no new problem.
        with contextlib.suppress(UserError):
            for problem in itertools.islice(stream, len(taken) + TRIES * len(taken)):
                found.append(_item(problem, split.run_seed))
    else:
        found = list(merge(read_sources(spec.source, paths).labeled).items)
        found.sort(key=lambda item: seeds.seed(split.run_seed, "split", item.question.id))
    index = OverlapIndex(split.test)
    for item in found:
        if item.question.id not in taken and item.answer is not None and index.find(item) is None:
            yield item
