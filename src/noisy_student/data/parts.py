"""Builds the split of a data spec: reads the sources, applies the limit, divides."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from noisy_student import seeds
from noisy_student.data.fields import Fields, Need
from noisy_student.data.foreign import Pool, choose, pool
from noisy_student.data.foreign_spec import ForeignSpec
from noisy_student.data.generated import problems, shop
from noisy_student.data.generated.paraphrase import paraphrase
from noisy_student.data.jsonl import read_jsonl
from noisy_student.data.parquet import read_parquet
from noisy_student.data.source import Item, question
from noisy_student.data.spec import DataSpec, SourceSpec
from noisy_student.data.splits import Sizes, Sources, Split, limited, split
from noisy_student.records import Kind

_CALCULATOR = re.compile(r"<<[^<>\n]*+>>")


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
    return Sources(plain[0] or [], unlabeled=plain[1], test=plain[2])


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
        asked = question(problem.text, source="procedural")
        solution = problems.gold_solution(problem, seeds.generator(run_seed, "gold-solution", asked.id))
        view = paraphrase(problem, run_seed) if spec.views else None
        items.setdefault(asked.id, Item(asked, problem.answer, solution, problem.structure, paraphrase=view))
    return list(items.values())


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
    for name, path in paths.items():
        part = name.partition(".")[0]
        if part not in read:
            continue
        answers: Need = "optional" if part == "unlabeled" or (part == "labeled" and path in shared) else "required"
        items = read_file(Path(path), answers=answers, fields=source.fields, label=part, kind=source.answers)
        if path in shared and part != "test":
            items = [item for item in items if (item.answer is None) == (part == "unlabeled")]
        read[part] += [marked(item, source.marks) for item in items]
    return Sources(read["labeled"], unlabeled=read.get("unlabeled"), test=read.get("test"))


def read_file(path: Path, *, answers: Need, fields: Fields, label: str = "", kind: Kind = "number") -> list[Item]:
    """The items of a JSONL or, by its suffix, a parquet file."""
    reader = read_parquet if path.suffix == ".parquet" else read_jsonl
    return reader(path, answers=answers, fields=fields, label=label, kind=kind)


def marked(item: Item, marks: Literal["removed", "kept"]) -> Item:
    """The item with calculator marks in its worked solution removed, unless they are kept."""
    if marks == "kept" or item.solution is None:
        return item
    return replace(item, solution=without_marks(item.solution))


def without_marks(text: str) -> str:
    """Return the text without GSM8K's calculator marks such as ``<<6*7=42>>``."""
    return _CALCULATOR.sub("", text)
