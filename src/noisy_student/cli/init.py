"""``init``: write a study file for your own questions, with part sizes that fit, and show their power."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from noisy_student.cli import stream
from noisy_student.cli.console import emit, say
from noisy_student.cli.options import Json
from noisy_student.cli.show import toml_text
from noisy_student.data.fields import Fields
from noisy_student.data.read import read_file
from noisy_student.data.source import Merged, merge
from noisy_student.data.splits import SMALLEST, Sizes, Sources, split
from noisy_student.errors import UserError
from noisy_student.report.numbers import count, size
from noisy_student.statistics.power import DISCORDANCE, paired_mde

LARGEST_TEST = 500
"""Largest test set that is taken from the answered questions: the plan's number."""
SEEDS = (1, 2, 3)
"""Seeds whose splits must fit: each draws another test set, and so leaves out other repetitions."""
VOTES = {"train": ["gold", "labels.votes"]}
CONDITIONS: Mapping[str, Mapping[str, Any]] = {
    "base": {"method": "none"},
    "baseline": {"train": ["gold"]},
    "noisy-student": VOTES,
    "filtered": {**VOTES, "select": {"min_agreement": 0.75}},
    "random-sample": {"train": ["gold", "labels.single"], "control_of": "noisy-student"},
    "random-subset": {**VOTES, "select": {"random_like": "filtered"}, "control_of": "filtered"},
}
PRIMARY = {
    "noisy-helps": {"a": "noisy-student", "b": "baseline"},
    "filtered-helps": {"a": "filtered", "b": "baseline"},
    "training-helps": {"a": "baseline", "b": "base"},
}
LABELS = {"votes": {"K": 8}, "single": {"K": 8, "rule": "random-sample"}}


@dataclass(frozen=True, slots=True)
class Found:
    """The given questions, each once: answered, to label (None: none given), of a test file (None: no file)."""

    answered: Merged
    unlabeled: Merged | None
    test: Merged | None

    @property
    def truth_known(self) -> bool:
        """Return True if the questions to label have answers, so that an oracle is possible."""
        return self.unlabeled is None or all(item.answer is not None for item in self.unlabeled.items)


def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Questions, some or all answered: JSONL, CSV, parquet.")],
    unlabeled: Annotated[Path | None, typer.Option("--unlabeled", metavar="FILE", help="Questions to label.")] = None,
    test: Annotated[Path | None, typer.Option("--test", metavar="FILE", help="Answered questions to test on.")] = None,
    model: Annotated[str | None, typer.Option("--model", metavar="MODEL", help="The model to start from.")] = None,
    question: Annotated[str | None, typer.Option("--question", metavar="COLUMN", help="The question's column.")] = None,
    answer: Annotated[str | None, typer.Option("--answer", metavar="COLUMN", help="The answer's column.")] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="The study file to write.")] = None,
    json: Json = False,
) -> None:
    """Write a study file for your own questions, with part sizes that fit, and show their power.

    Lines without an answer are the unlabeled questions. Without --test, half of the answered questions become the
    test set, at most 500; if every question is answered, a fifth.
    """
    fields = Fields(question=question, answer=answer)
    found = find(file, unlabeled=unlabeled, test=test, fields=fields)
    sizes = fitting(found)
    # A study's name has at most 64 characters of these.
    name = re.sub(r"[^a-z0-9._-]+", "-", Path(file.name.lower().removesuffix(".gz")).stem).strip("-._")[:64] or "mine"
    target = stream.new_path(str(out or f"{name}.toml"))
    if target.suffix != ".toml":
        raise UserError(f"{target} is no .toml file.", do="Give another --out.", code="not-a-toml-name")
    parts = sizes.model_dump(exclude={"foreign"})
    study = {
        "question": f"Do the {count(sizes.unlabeled)} unlabeled questions of {file.name} make the model better?",
        **({} if model is None else {"model": {"id": _beside(target, model) if Path(model).exists() else model}}),
        "data": {**parts, "source": _source(target, file, unlabeled, test, found, fields)},
        "labels": LABELS,
        "conditions": {**CONDITIONS, **({"oracle": _oracle(found)} if found.truth_known else {})},
        "primary": {**PRIMARY, **({"oracle-helps": {"a": "oracle", "b": "baseline"}} if found.truth_known else {})},
    }
    target.write_text(toml_text(study), encoding="utf-8")
    mde = paired_mde(DISCORDANCE, sizes.test)
    if json:
        emit({"schema": 1, "study": str(target), **parts, "dev": sizes.dev, "mde": mde})
    else:
        _show(target, found, sizes, mde)


def find(file: Path, *, unlabeled: Path | None, test: Path | None, fields: Fields) -> Found:
    """Read the files; raises UserError for unusable rows, and if no question is answered."""
    items = read_file(file, answers="optional", fields=fields)
    answered = [item for item in items if item.answer is not None]
    open_ones = [item for item in items if item.answer is None]
    if not answered:
        raise UserError(
            f"None of the {count(len(items))} questions in {file} has an answer to learn from and to test with.",
            do="Answer at least a hundred of them, or name the column: --answer COLUMN.",
            code="no-answers",
        )
    if unlabeled is not None:
        if open_ones:
            raise UserError(
                f"{file} has {count(len(open_ones))} questions without an answer, beside those in {unlabeled}.",
                do=f"Move them into {unlabeled}, or leave out --unlabeled.",
                code="unlabeled-in-two-files",
            )
        open_ones = read_file(unlabeled, answers="optional", fields=fields)
    tested = None if test is None else merge(read_file(test, answers="required", fields=fields))
    return Found(merge(answered), merge(open_ones) if open_ones else None, tested)


def fitting(found: Found) -> Sizes:
    """Return sizes that fit for each of ``SEEDS``; raises UserError for too few questions."""
    answered = len(found.answered.items)
    share = answered // (5 if found.unlabeled is None else 2)
    tested = min(share if found.test is None else len(found.test.items), LARGEST_TEST)
    if tested < SMALLEST["test"]:
        raise UserError(
            f"{answered} answered questions are too few.", do="Answer at least a hundred.", code="too-few-questions"
        )
    left = [_left(found, tested, seed) for seed in SEEDS]
    labeled, unlabeled = (min(column) for column in zip(*left, strict=True))
    if labeled < SMALLEST["labeled"] or unlabeled < SMALLEST["unlabeled"]:
        raise UserError(
            f"Beside {count(tested)} test questions only {count(labeled)} to learn from and {count(unlabeled)} to label"
            " are left.",
            why="Questions that repeat a test question are left out, also with other numbers in the same text.",
            do="Give more questions, or more different ones.",
            code="too-few-questions",
        )
    return Sizes(labeled=labeled, unlabeled=unlabeled, test=tested)


def _left(found: Found, tested: int, seed: int) -> tuple[int, int]:
    """Return the numbers of questions to learn from and to label, without this seed's test set and its repetitions."""
    unlabeled, test = (None if part is None else part.items for part in (found.unlabeled, found.test))
    least = Sizes(labeled=SMALLEST["labeled"], unlabeled=SMALLEST["unlabeled"], test=tested)
    made = split(Sources(found.answered.items, unlabeled, test), least, run_seed=seed)
    gone = {item.question.id for item in made.test} | {removal.question_id for removal in made.removed}
    front = {item.question.id for item in found.answered.items} - gone
    if unlabeled is None:
        return len(front) // 4, len(front) - len(front) // 4
    return len(front), len({item.question.id for item in unlabeled} - gone - front)


def _beside(target: Path, path: str | Path) -> str:
    """Return a path as the study file ``target`` names it: relative to its folder, unless it is absolute."""
    return str(path) if Path(path).expanduser().is_absolute() else os.path.relpath(path, target.parent)


def _source(
    target: Path, file: Path, unlabeled: Path | None, test: Path | None, found: Found, fields: Fields
) -> dict[str, Any]:
    to_label = unlabeled or (None if found.unlabeled is None else file)
    paths = {"labeled": file, "unlabeled": to_label, "test": test}
    named = {name: value for name, value in fields.model_dump().items() if value is not None}
    return {
        "kind": "jsonl",
        **{part: _beside(target, path) for part, path in paths.items() if path is not None},
        **({"fields": named} if named else {}),
    }


def _oracle(found: Found) -> dict[str, Any]:
    """Return the oracle condition; without worked solutions it learns from own samples that reach the answer."""
    revealed = (found.unlabeled or found.answered).items
    solved = all(item.solution is not None for item in revealed)
    return {"train": ["gold", "revealed"], **({} if solved else {"target": "own-sample"})}


def _show(target: Path, found: Found, sizes: Sizes, mde: float) -> None:
    unsolved = sum(item.solution is None for item in found.answered.items)
    say(
        f"{target}: {count(sizes.labeled - sizes.dev)} questions to learn from, {count(sizes.dev)} for dev,"
        f" {count(sizes.unlabeled)} to label, {count(sizes.test)} to test on.",
        f"{count(sizes.test)} test questions detect a difference of {size(mde)} points (80 % power);"
        f" twice as many would detect {size(paired_mde(DISCORDANCE, 2 * sizes.test))}.",
    )
    if found.test is None:
        say("The test set was taken from the answered questions, so these are not learned from.")
    if not found.truth_known:
        say("The unlabeled questions have no answers: the study has no oracle and measures label quality on dev only.")
    if unsolved:
        say(
            f"{count(unsolved)} answered questions have no worked solution: students learn from a sample of the base"
            " model that reaches the answer, if there is one."
        )
    say(f"Next: noisy-student run {target}")
