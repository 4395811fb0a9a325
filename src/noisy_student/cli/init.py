"""``init``: a study file from questions of one's own, with sizes that fit and what they can show."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from noisy_student.cli import stream
from noisy_student.cli.console import emit, output
from noisy_student.cli.options import Json
from noisy_student.cli.toml_text import toml_text
from noisy_student.data.fields import Fields
from noisy_student.data.read import read_file
from noisy_student.data.source import Merged, merge
from noisy_student.data.splits import SMALLEST, Sizes, Sources, split
from noisy_student.errors import UserError
from noisy_student.report.numbers import count, size
from noisy_student.statistics.power import DISCORDANCE, paired_mde

LARGEST_TEST = 500
"""Test questions cut from the answered ones at most: the plan's number."""
SEEDS = (1, 2, 3)
"""Sizes fit for these seeds, each of which draws another test and so leaves out other repetitions."""
CONDITIONS: Mapping[str, Mapping[str, Any]] = {
    "base": {"method": "none"},
    "baseline": {"train": ["gold"]},
    "noisy-student": {"train": ["gold", "labels.votes"]},
    "filtered": {"train": ["gold", "labels.votes"], "select": {"min_agreement": 0.75}},
    "random-sample": {"train": ["gold", "labels.single"], "control_of": "noisy-student"},
    "random-subset": {
        "train": ["gold", "labels.votes"],
        "select": {"random_like": "filtered"},
        "control_of": "filtered",
    },
}
PRIMARY = {
    "noisy-helps": {"a": "noisy-student", "b": "baseline"},
    "filtered-helps": {"a": "filtered", "b": "baseline"},
    "training-helps": {"a": "baseline", "b": "base"},
}
LABELS = {"votes": {"K": 8}, "single": {"K": 8, "rule": "random-sample"}}


@dataclass(frozen=True, slots=True)
class Found:
    """The questions that were given: answered ones, those to label, and those of a test file, each question once."""

    answered: Merged
    unlabeled: Merged | None
    test: Merged | None

    @property
    def truth_known(self) -> bool:
        """Whether what is to be labeled has answers, so that there can be an oracle."""
        return self.unlabeled is None or all(item.answer is not None for item in self.unlabeled.items)


def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSONL or parquet: questions, some or all answered.")],
    unlabeled: Annotated[Path | None, typer.Option("--unlabeled", metavar="FILE", help="Questions to label.")] = None,
    test: Annotated[Path | None, typer.Option("--test", metavar="FILE", help="Answered questions to test on.")] = None,
    model: Annotated[str | None, typer.Option("--model", metavar="MODEL", help="What students start from.")] = None,
    question: Annotated[str | None, typer.Option("--question", metavar="COLUMN", help="The question's column.")] = None,
    answer: Annotated[str | None, typer.Option("--answer", metavar="COLUMN", help="The answer's column.")] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="The study file to write.")] = None,
    json: Json = False,
) -> None:
    """Write a study file for questions of your own, with sizes that fit and what they can show.

    Lines without an answer are the unlabeled questions. Without a test file, half of the answered questions are the
    test, at most 500.
    """
    fields = Fields(question=question, answer=answer)
    found = find(file, unlabeled=unlabeled, test=test, fields=fields)
    sizes = fitting(found)
    target = stream.new_path(str(out or Path(f"{_name(file)}.toml")))
    if target.suffix != ".toml":
        raise UserError(f"{target} does not end in .toml.", why="A study is known by it.", do="Give another --out.")
    study = {
        "question": f"Do the {count(sizes.unlabeled)} unlabeled questions of {file.name} make the model better?",
        **({} if model is None else {"model": {"id": model}}),
        "data": {**sizes.model_dump(exclude={"foreign"}), "source": _source(file, unlabeled, test, found, fields)},
        "labels": LABELS,
        "conditions": {**CONDITIONS, **({"oracle": _oracle(found)} if found.truth_known else {})},
        "primary": {**PRIMARY, **({"oracle-helps": {"a": "oracle", "b": "baseline"}} if found.truth_known else {})},
    }
    target.write_text(toml_text(study), encoding="utf-8")
    mde = paired_mde(DISCORDANCE, sizes.test)
    if json:
        emit({"schema": 1, "study": str(target), **sizes.model_dump(exclude={"foreign"}), "dev": sizes.dev, "mde": mde})
    else:
        _show(target, found, sizes, mde)


def find(file: Path, *, unlabeled: Path | None, test: Path | None, fields: Fields) -> Found:
    """Read the files; raises UserError for whatever cannot be used, and where nothing is answered."""
    items = read_file(file, answers="optional", fields=fields)
    answered = [item for item in items if item.answer is not None]
    open_ones = [item for item in items if item.answer is None]
    if not answered:
        raise UserError(
            f"None of the {count(len(items))} questions in {file} has an answer.",
            why="A baseline and a test need some.",
            do="Answer at least a hundred of them, or name the column: --answer COLUMN.",
        )
    if unlabeled is not None and open_ones:
        raise UserError(
            f"{file} has {count(len(open_ones))} questions without an answer, and {unlabeled} is to be labeled too.",
            why="The unlabeled part is one file.",
            do=f"Put them into {unlabeled}, or leave --unlabeled out.",
        )
    if unlabeled is not None:
        open_ones = read_file(unlabeled, answers="optional", fields=fields)
    return Found(
        merge(answered),
        merge(open_ones) if open_ones else None,
        None if test is None else merge(read_file(test, answers="required", fields=fields)),
    )


def fitting(found: Found) -> Sizes:
    """Sizes that every one of the first seeds can fill; raises UserError where there are too few questions."""
    answered = len(found.answered.items)
    if found.test is not None:
        tested = min(len(found.test.items), LARGEST_TEST)
    else:
        tested = min(answered // (2 if found.unlabeled is not None else 5), LARGEST_TEST)
    if tested < SMALLEST["test"]:
        raise UserError(f"{answered} answered questions are too few.", do="Answer at least a hundred.")
    left = [_left(found, tested, seed) for seed in SEEDS]
    labeled, unlabeled = (min(column) for column in zip(*left, strict=True))
    if labeled < SMALLEST["labeled"] or unlabeled < SMALLEST["unlabeled"]:
        raise UserError(
            f"Beside {count(tested)} to test on, {count(labeled)} are left to learn from, {count(unlabeled)} to label.",
            why="Questions that repeat a test question are left out; a template with other numbers counts as one.",
            do="Give more questions, or more different ones.",
        )
    return Sizes(labeled=labeled, unlabeled=unlabeled, test=tested)


def _left(found: Found, tested: int, seed: int) -> tuple[int, int]:
    """How many questions are left to learn from and to label once this seed's test, and what repeats it, is gone."""
    unlabeled, test = (None if part is None else part.items for part in (found.unlabeled, found.test))
    least = Sizes(labeled=SMALLEST["labeled"], unlabeled=SMALLEST["unlabeled"], test=tested)
    made = split(Sources(found.answered.items, unlabeled, test), least, run_seed=seed)
    gone = {item.question.id for item in made.test} | {removal.question_id for removal in made.removed}
    front = {item.question.id for item in found.answered.items} - gone
    if unlabeled is None:
        return len(front) // 4, len(front) - len(front) // 4
    return len(front), len({item.question.id for item in unlabeled} - gone - front)


def _source(file: Path, unlabeled: Path | None, test: Path | None, found: Found, fields: Fields) -> dict[str, Any]:
    named = {name: value for name, value in fields.model_dump().items() if value is not None}
    to_label = unlabeled or (file if found.unlabeled is not None else None)
    return {
        "kind": "jsonl",
        "labeled": str(file),
        **({} if to_label is None else {"unlabeled": str(to_label)}),
        **({} if test is None else {"test": str(test)}),
        **({"fields": named} if named else {}),
    }


def _oracle(found: Found) -> dict[str, Any]:
    """Bare answers are reached by own samples, or the oracle would have nothing to learn."""
    revealed = (found.unlabeled or found.answered).items
    solved = all(item.solution is not None for item in revealed)
    return {"train": ["gold", "revealed"], **({} if solved else {"target": "own-sample"})}


def _name(file: Path) -> str:
    """The file's name as a study may be called, at most 64 characters long."""
    return re.sub(r"[^a-z0-9._-]+", "-", file.stem.lower()).strip("-._")[:64] or "mine"


def _show(target: Path, found: Found, sizes: Sizes, mde: float) -> None:
    console = output()
    unsolved = sum(item.solution is None for item in found.answered.items)
    lines = [
        f"{target}: {count(sizes.labeled - sizes.dev)} questions to learn from, {count(sizes.dev)} for dev,"
        f" {count(sizes.unlabeled)} to label, {count(sizes.test)} to test on.",
        f"With {count(sizes.test)} test questions a difference of {size(mde)} points or more will be seen"
        f" (80 % power); twice as many would show {size(paired_mde(DISCORDANCE, 2 * sizes.test))}.",
    ]
    if found.test is None:
        lines.append("The test was cut from the answered questions: what is tested on cannot be learned from.")
    if not found.truth_known:
        lines.append("The unlabeled questions have no answers: no oracle, and labels are judged on dev only.")
    if unsolved:
        lines.append(
            f"{count(unsolved)} answered questions have no worked solution: where samples of the base model reach the"
            " answer, one of them is learned from."
        )
    lines.append(f"Now: noisy-student run {target}")
    for line in lines:
        console.print(Text(line), soft_wrap=True)
