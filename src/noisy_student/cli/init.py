"""``init``: write a study file for your own questions, with part sizes that fit, and show how they were read."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any, cast, get_args

import typer

from noisy_student.cli import stream
from noisy_student.cli.console import emit, remark, say
from noisy_student.cli.options import Json
from noisy_student.cli.show import toml_text
from noisy_student.cli.single_stage import left_out_lines, retold_lines
from noisy_student.data.columns import Columns, column_missing, has_column
from noisy_student.data.fields import Faulty, Fields, Need, Reading, Rules, Unreadable, read_path
from noisy_student.data.formats import source_rows
from noisy_student.data.parts import without_conflicts
from noisy_student.data.source import merge, short
from noisy_student.data.splits import Sizes, Sources, Split, departures, split
from noisy_student.errors import UserError, require_known
from noisy_student.records import Kind
from noisy_student.report.clean import visible
from noisy_student.report.numbers import count, size
from noisy_student.statistics.power import DISCORDANCE, paired_mde
from noisy_student.study.plan.gold import gold_ahead
from noisy_student.study.plan.plan import plan
from noisy_student.study.settings.files import Request, resolve

LARGEST_TEST = 500
"""Largest test set that is taken from the answered questions: the plan's number."""
USUAL_TEST = 30
"""Test questions that are taken where the usual share is smaller, and a third of the answered questions allows it."""
LEAST = Sizes(labeled=5, unlabeled=10, test=20)
"""Smallest study. With 20 test questions only a difference of about 28 points or more is detected."""
SEEDS = (1, 2, 3)
"""Seeds whose splits must fit: each draws another test set, and so leaves out other repetitions."""
ROWS = 3
"""Rows that are shown as they were read."""
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
class Given:
    """The given files, and the settings by which their rows are read."""

    file: Path
    unlabeled: Path | None
    test: Path | None
    rules: Rules

    def read(self, path: Path, answers: Need) -> Reading:
        """Return the rows of one of the files."""
        return read_path(path, replace(self.rules, answers=answers))


def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Questions, some or all answered: JSONL, CSV, parquet.")],
    unlabeled: Annotated[Path | None, typer.Option("--unlabeled", metavar="FILE", help="Questions to label.")] = None,
    test: Annotated[Path | None, typer.Option("--test", metavar="FILE", help="Answered questions to test on.")] = None,
    model: Annotated[str | None, typer.Option("--model", metavar="MODEL", help="The model to start from.")] = None,
    question: Annotated[str | None, typer.Option("--question", metavar="COLUMN", help="The question's column.")] = None,
    answer: Annotated[str | None, typer.Option("--answer", metavar="COLUMN", help="The answer's column.")] = None,
    solution: Annotated[str | None, typer.Option("--solution", metavar="COLUMN", help="The solution's column.")] = None,
    id: Annotated[str | None, typer.Option("--id", metavar="COLUMN", help="The column of your own ids.")] = None,
    context: Annotated[
        str | None, typer.Option("--context", metavar="COLUMN", help="The column before the question; none: no column.")
    ] = None,
    choices: Annotated[
        str | None, typer.Option("--choices", metavar="COLUMN", help="The column of options; none: no column.")
    ] = None,
    answers: Annotated[
        str | None, typer.Option("--answers", metavar="KIND", help="number, or math for LaTeX; found if not given.")
    ] = None,
    faulty: Annotated[
        str, typer.Option("--faulty", metavar="RULE", help="Rows with unusable answers: refused or left-out.")
    ] = "refused",
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="The study file to write.")] = None,
    json: Json = False,
) -> None:
    """Write a study file for your own questions, with part sizes that fit, and show how they were read.

    Lines without an answer are the unlabeled questions. Without --test, half of the answered questions become the
    test set, at most 500; if every question is answered, a fifth.
    """
    require_known(faulty, get_args(Faulty), f'There is no rule "{faulty}" for --faulty.', code="unknown-faulty-rule")
    if answers is not None:
        require_known(answers, get_args(Kind), f'There is no kind of answers "{answers}".', code="unknown-answers")
    target = stream.new_path(str(out or f"{name_of(file)}.toml"))
    if target.suffix != ".toml":
        raise UserError(f"{target} is no .toml file.", do="Give another --out.", code="not-a-toml-name")
    fields = Fields(question=question, answer=answer, solution=solution, id=id, context=context, choices=choices)
    rules = Rules(fields, "optional", kind=cast("Kind", answers or "number"), faulty=cast("Faulty", faulty))
    given = Given(file, unlabeled, test, rules if answers else _with_kind(file, rules))
    reading = given.read(file, "optional")
    _require_columns(file, {"solution": solution, "id": id})
    for line in _read_as(given, reading):
        (remark if json else say)(line)
    sources = find(given, reading)
    sizes, made = fitting(sources)
    target.write_text(_study_text(given, sources, sizes, model, target), encoding="utf-8")
    mde = paired_mde(DISCORDANCE, sizes.test)
    if json:
        parts = {**sizes.model_dump(exclude={"foreign"}), "dev": sizes.dev}
        read_as = {name: value for name, value in asdict(reading.columns).items() if value}
        kind = {"answers": given.rules.kind, "columns": read_as, **departures(made)}
        emit({"schema": 1, "study": str(target), **parts, "mde": mde, **kind})
    else:
        _show(target, sources, sizes, mde)
        for line in _left_out(sources, made):
            say(line)
        # Only a worked solution can be too long, and the count imports torch.
        if model and any(item.solution is not None for item in sources.labeled):
            say(*_gold_ahead(target))
        named = "" if model else " --model MODEL   (a safetensors folder, GGUF file or hub id)"
        say(f"Next: noisy-student run {target}{named}")


def _gold_ahead(target: Path) -> list[str]:
    """Return lines on answered questions that are too long for the training of the study's model."""
    try:
        found = gold_ahead(plan(resolve(Request(str(target)))))
    except UserError as error:
        # The file is written, and its model can be changed there.
        return [f"The model is not ready: {error}"]
    return [words for ahead in found if (words := replace(ahead, without_text=0).words)]


def name_of(file: Path) -> str:
    """Return the name of the study of a file: at most 64 of the characters that a study's name may have.

    >>> name_of(Path("Fragen f\u00fcr M\u00e4rz.jsonl"))
    'fragen-fur-marz'
    """
    letters = unicodedata.normalize("NFKD", Path(file.name.casefold().removesuffix(".gz")).stem)
    plain = "".join(sign for sign in letters if not unicodedata.combining(sign))
    return re.sub(r"[^a-z0-9._-]+", "-", plain).strip("-._")[:64] or "mine"


def _with_kind(file: Path, rules: Rules) -> Rules:
    """Return the rules with LaTeX answers, if the first file's answers are no numbers and most are LaTeX."""
    try:
        read_path(file, replace(rules, faulty="refused"))
    except Unreadable as error:
        if error.latex:
            remark(
                f'Answers are read as LaTeX (answers = "math"), since {count(error.latex)} are no plain numbers,'
                f" such as {error.example}. To leave these out: --answers number --faulty left-out."
            )
            return replace(rules, kind="math")
    except UserError:
        pass
    return rules


def _require_columns(file: Path, named: Mapping[str, str | None]) -> None:
    """Raise UserError for a named column that no row has, since all would be read without it."""
    for role, name in named.items():
        if name is not None and not any(has_column(row.values, name) for row in source_rows(file)):
            raise column_missing(next(source_rows(file)), role, name)


def find(given: Given, reading: Reading) -> Sources:
    """Divide the questions by part; raises UserError for unusable rows, and if no question is answered."""
    answered = [item for item in reading.items if item.answer is not None]
    open_ones = [item for item in reading.items if item.answer is None]
    if not answered:
        raise UserError(
            f"None of the {count(len(reading.items))} questions in {given.file} has an answer to learn from and to"
            " test with.",
            do="Answer at least a hundred of them, or name the column: --answer COLUMN.",
            code="no-answers",
        )
    left_out = list(reading.left_out)
    if given.unlabeled is not None:
        if open_ones:
            raise UserError(
                f"{given.file} has {count(len(open_ones))} questions without an answer, beside those in"
                f" {given.unlabeled}.",
                do=f"Move them into {given.unlabeled}, or leave out --unlabeled.",
                code="unlabeled-in-two-files",
            )
        to_label = given.read(given.unlabeled, "optional")
        open_ones = to_label.items
        left_out += to_label.left_out
    read = {"labeled": answered, **({"unlabeled": open_ones} if open_ones else {})}
    if given.test is not None:
        tested = given.read(given.test, "required")
        read["test"] = tested.items
        left_out += tested.left_out
    if given.rules.faulty == "left-out":
        read, conflicts = without_conflicts(read)
        left_out += conflicts
    return Sources(read["labeled"], read.get("unlabeled"), read.get("test"), left_out)


def fitting(sources: Sources) -> tuple[Sizes, Split]:
    """Return sizes that fit for each of ``SEEDS``, and the first split; raises UserError for too few questions."""
    answered = len(merge(sources.labeled).items)
    usual = answered // (5 if sources.unlabeled is None else 2)
    share = max(usual, min(USUAL_TEST, answered // 3), min(LEAST.test, answered // 2))
    tested = min(share if sources.test is None else len(sources.test), LARGEST_TEST)
    front = answered if sources.test is not None else answered - tested
    unlabeled = answered if sources.unlabeled is None else len(sources.unlabeled)
    labeled = max(2, front // 4 if sources.unlabeled is None else front)
    sizes = Sizes(labeled=labeled, unlabeled=max(1, unlabeled), test=max(1, tested))
    while True:
        made = [split(sources, sizes, run_seed=seed, exact=False) for seed in SEEDS]
        fit = _smallest(made)
        if sources.unlabeled is None and fit != sizes:
            both = min(len(one.labeled) + len(one.dev) + len(one.unlabeled) for one in made)
            fit = fit.model_copy(update={"labeled": both // 4, "unlabeled": both - both // 4})
        if any(getattr(fit, name) < getattr(LEAST, name) for name in ("labeled", "unlabeled", "test")):
            raise _too_few(answered, fit, made[0])
        if fit == sizes:
            return sizes, made[0]
        # No size grows, so this ends.
        sizes = Sizes(**{name: min(getattr(fit, name), number) for name, number in sizes.model_dump().items()})


def _smallest(made: Sequence[Split]) -> Sizes:
    """Return the sizes that every split has."""
    return Sizes(
        labeled=min(len(one.labeled) + len(one.dev) for one in made),
        unlabeled=min(len(one.unlabeled) for one in made),
        test=min(len(one.test) for one in made),
    )


def _too_few(answered: int, sizes: Sizes, made: Split) -> UserError:
    told = "; ".join(
        f"{count(left.count)} × {reason}, such as {left.example}" for reason, left in made.left_out.items()
    )
    return UserError(
        f"{count(answered)} answered questions are too few: {count(sizes.test)} to test on,"
        f" {count(sizes.labeled)} to learn from and for dev, and {count(sizes.unlabeled)} to label.",
        why=f"A study needs at least {LEAST.test}, {LEAST.labeled} and {LEAST.unlabeled}"
        f"{f' (left out: {told})' if told else ''}. Questions that repeat a test question are left out, also"
        " with other numbers in the same text.",
        do="Answer at least a hundred questions, or give more different ones.",
        code="too-few-questions",
    )


def _study_text(given: Given, sources: Sources, sizes: Sizes, model: str | None, target: Path) -> str:
    """Return the study file, with comments on its sizes and on what it leaves open."""
    file, known = given.file, _truth_known(sources)
    study = {
        "question": f"Do the unlabeled questions of {file.name} make the model better?",
        **({} if model is None else {"model": {"id": _beside(target, model) if Path(model).exists() else model}}),
        "data": {**sizes.model_dump(exclude={"foreign"}), "source": _source(given, sources, target)},
        "labels": LABELS,
        "conditions": {**CONDITIONS, **({"oracle": _oracle(sources)} if known else {})},
        "primary": {**PRIMARY, **({"oracle-helps": {"a": "oracle", "b": "baseline"}} if known else {})},
    }
    learned = f"labeled = {sizes.labeled}\n"
    text = toml_text(study).replace(
        learned, f"{learned[:-1]}  # {sizes.labeled - sizes.dev} to learn from + {sizes.dev} for dev\n", 1
    )
    unnamed = "# The model to start from: --model MODEL, or a table [model] with its id.\n" if model is None else ""
    scale = "# Size and machine: --scale laptop, laptop-smoke, gpu, or a TOML file.\n"
    return f"# Written by noisy-student init from {visible(file.name)}.\n{unnamed}{scale}{text}"


def _beside(target: Path, path: str | Path) -> str:
    """Return a path as the study file ``target`` names it: relative to its folder, unless it is absolute."""
    return str(path) if Path(path).expanduser().is_absolute() else os.path.relpath(path, target.parent)


def _truth_known(sources: Sources) -> bool:
    """Return True if the questions to label have answers, so that an oracle is possible."""
    return all(item.answer is not None for item in sources.unlabeled or ())


def _source(given: Given, sources: Sources, target: Path) -> dict[str, Any]:
    to_label = given.unlabeled or (None if sources.unlabeled is None else given.file)
    paths = {"labeled": given.file, "unlabeled": to_label, "test": given.test}
    named = {name: value for name, value in given.rules.fields.model_dump().items() if value is not None}
    rules = {"answers": given.rules.kind, "faulty": given.rules.faulty}
    return {
        "kind": "jsonl",
        **{part: _beside(target, path) for part, path in paths.items() if path is not None},
        **{name: value for name, value in rules.items() if value not in ("number", "refused")},
        **({"fields": named} if named else {}),
    }


def _oracle(sources: Sources) -> dict[str, Any]:
    """Return the oracle condition; without worked solutions it learns from own samples that reach the answer."""
    solved = all(item.solution is not None for item in sources.unlabeled or sources.labeled)
    return {"train": ["gold", "revealed"], **({} if solved else {"target": "own-sample"})}


def _read_as(given: Given, reading: Reading) -> list[str]:
    """Return lines that say how the file was read: its columns, and its first rows as questions with answers."""
    rows = len(reading.items) + len(reading.left_out)
    lines = [f"{given.file}: {count(rows)} rows. {_columns_told(reading.columns)}"]
    for item in reading.items[:ROWS]:
        lines.append(f"  {short(item.question.text, 300)} → {item.answer or 'no answer: to label'}")
    answers = {"number": reading.numbered, "value": reading.valued}
    told = [f"the right option's {what} in {count(number)} questions" for what, number in answers.items() if number]
    if told:
        lines.append(f"Multiple choice: options are part of the question; the answer is {', '.join(told)}.")
    return lines


def _columns_told(columns: Columns) -> str:
    named = [(role, getattr(columns, role)) for role in ("answer", "solution", "id", "paraphrase")]
    told = [
        f"question: {_quoted((*columns.context, columns.question), ' + ')}",
        *(f'{role}: "{name}"' for role, name in named if name),
        *([f"choices: {_quoted(columns.choices)}"] if columns.choices else []),
        *([f"not read: {_quoted(columns.unread[:8])}"] if columns.unread else []),
    ]
    return f"Columns: {'; '.join(told)}."


def _quoted(names: Sequence[str], between: str = ", ") -> str:
    return between.join(f'"{name}"' for name in names)


def _show(target: Path, sources: Sources, sizes: Sizes, mde: float) -> None:
    unsolved = sum(item.solution is None for item in sources.labeled)
    say(
        f"{target}: {count(sizes.labeled - sizes.dev)} questions to learn from, {count(sizes.dev)} for dev,"
        f" {count(sizes.unlabeled)} to label, {count(sizes.test)} to test on.",
        f"{count(sizes.test)} test questions detect a difference of {size(mde)} points (80 % power);"
        f" twice as many would detect {size(paired_mde(DISCORDANCE, 2 * sizes.test))}.",
    )
    if sources.test is None:
        say("The test set was taken from the answered questions, so these are not learned from.")
    if sources.unlabeled is None:
        say(
            f"All questions are answered: {count(sizes.unlabeled)} of them are used as unlabeled, with their answers"
            " hidden."
        )
    if not _truth_known(sources):
        say("The unlabeled questions have no answers: the study has no oracle and measures label quality on dev only.")
    if unsolved:
        say(
            f"{count(unsolved)} answered questions have no worked solution: students learn from a sample of the base"
            " model that reaches the answer, if there is one."
        )


def _left_out(sources: Sources, made: Split) -> list[str]:
    """Return lines that say which rows are in no part of the first seed, and why, and which are retold."""
    rows = sum(len(part) for part in (sources.labeled, sources.unlabeled, sources.test) if part is not None)
    used = sum(len(part) for part in (made.labeled, made.dev, made.unlabeled, made.test))
    told = departures(made)
    lines = left_out_lines(told["left_out"])
    known = sum(left.count for left in made.left_out.values()) - len(sources.left_out)
    spare = rows - used - known
    if spare > 0:
        lines.append(f"Left out: {count(spare)} more, so that the sizes fit every seed and part.")
    return lines + retold_lines(told["retold"])
