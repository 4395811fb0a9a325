"""The verbs that run one stage outside of a study: ``split``, ``sample``, ``train`` and ``evaluate``.

A stage works in a folder that the same call continues after an interruption: ``<out>.partial`` beside the output; for
standard output it is in the store.
"""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import typer
from filelock import FileLock, Timeout

from noisy_student import files, identity
from noisy_student.answer_key import AnswerKey, KeyEntry
from noisy_student.cli import options, stream
from noisy_student.cli.console import emit, remark, say
from noisy_student.cli.overrides import Flags, parse_set, require_read
from noisy_student.context import Context, stop_on_signals
from noisy_student.data.columns import SourceRow
from noisy_student.data.fields import Fields, Need
from noisy_student.data.key_file import write_key
from noisy_student.data.rows import question_row, read_file_rows, write_questions
from noisy_student.data.source import Item, distinct, marked, short
from noisy_student.errors import UserError
from noisy_student.labeling.examples import examples, write_examples
from noisy_student.models.card import Student, add_papers, base_of, loading_line
from noisy_student.pipeline import provenance
from noisy_student.pipeline.node import STAGES, code_of
from noisy_student.records import Label, Question
from noisy_student.report.numbers import count, percent, percent_interval
from noisy_student.sampling.engine import Decoding
from noisy_student.sampling.sample import shards
from noisy_student.study.plan import specs
from noisy_student.study.plan.inputs import Inputs
from noisy_student.study.settings.study import Settings
from noisy_student.training.specs.sft import UNSEEDED

STUDY = "v1"
"""Source of the settings for model, prompt, sampling and training; any study would do."""
SAMPLES = ("model", "prompt", "sampling", "compute", "filters")
READS: Mapping[str, tuple[str, ...]] = {
    "split": ("data",),
    "sample": SAMPLES,
    "label": SAMPLES,
    "train": ("model", "prompt", "sft", "health", "compute", "data.source.marks"),
    "evaluate": ("model", "prompt", "evaluation.decoding", "answers.truncated", "compute", "filters"),
}
"""Verb → the settings that it reads, by dotted name; --set of any other is refused."""


@dataclass(frozen=True)
class Columns:
    """Flags of every verb that reads a file of questions; None is the first usual name that a row has."""

    question: options.Question = None
    answer: options.Answer = None
    id: options.Id = None

    @property
    def fields(self) -> Fields:
        """Return the columns as a reader takes them."""
        return Fields(question=self.question, answer=self.answer, id=self.id)


@dataclass(frozen=True)
class Recipe:
    """Flags of every verb that samples or trains with a model."""

    model: options.Model = None
    seed: options.Seed = 1
    scale: options.Scale = options.SCALE
    protocol: options.Protocol = options.PROTOCOL
    sets: options.Sets = None

    @property
    def named(self) -> bool:
        """Return whether a flag names the model."""
        return self.model is not None or any(parse_set(text)[0] == "model.id" for text in self.sets or ())

    def read_by(self, verb: str) -> Recipe:
        """Return this recipe; raises UserError if it sets what ``verb`` does not read."""
        require_read(self.sets, verb, READS[verb])
        if not self.named:
            remark(f"Model: {self.settings.model.id}, the lab's. Name yours with --model.")
        return self

    @cached_property
    def shared(self) -> Inputs:
        """Return the resolved settings and the digests of the model's files, computed once."""
        provenance.require()
        return Inputs(Flags(self.scale, self.protocol, self.model, sets=self.sets).settings(STUDY))

    @property
    def settings(self) -> Settings:
        """Return the resolved settings."""
        return self.shared.settings

    def facts(self, asked: Iterable[Question], *stages: str) -> dict[str, Any]:
        """Return what partial work depends on: questions, settings, seed, model files, code of the stages."""
        return {
            "asked": [question_row(question) for question in asked],
            "settings": self.settings.model_dump(mode="json"),
            "seed": self.seed,
            "model": dict(self.shared.base.spec),
            "code": [code_of(STAGES.get(stage).module) for stage in stages],
            **({"engine": specs.engine(self.settings)} if "sample" in stages else {}),
        }


def split(
    data: options.Data = None,
    out: Annotated[str, typer.Option("--out", metavar="FOLDER", help="The new folder.")] = "split",
    seed: options.Seed = 1,
    scale: options.Scale = options.SCALE,
    limit: options.Limit = None,
    sets: options.Sets = None,
    json: options.Json = False,
) -> None:
    """Write the parts of a source and the answer key, exactly as in a study with this seed.

    Set sizes as in a study: --set data.labeled=1000.
    """
    require_read(sets, "split", READS["split"])
    settings = Flags(scale=scale, data=data, limit=limit, sets=sets).settings(STUDY)
    shared = Inputs(settings)
    spec = {"data": settings.data.model_dump(mode="json"), "seed": seed, "paths": shared.paths}
    out = _new_folder(out)
    with workplace(out, {"data": shared.data, "seed": seed}) as folder:
        summary = _run("split", spec, {}, folder / "made")
        _run("key", spec, {}, folder / "made")
        _name_rows(folder / "made" / "data")
        (folder / "made" / "data").rename(stream.new_path(out))
    if json:
        told = {name: summary[name] for name in ("counts", "removed", "left_out", "retold")}
        emit({"schema": 1, "folder": out, **told})
        return
    parts = ", ".join(f"{count(number)} {name}" for name, number in summary["counts"].items())
    say(f"{out}: {parts}")
    for line in left_out_lines(summary["left_out"]) + retold_lines(summary["retold"]):
        say(line)


def _name_rows(folder: Path) -> None:
    """Add the user's own ids, where there are some, to the answers of a split."""
    own = {name: {"id": row.own_id} for name, row in read_file_rows(folder).items() if row.own_id is not None}
    for name in ("gold", "dev_gold", "key") if own else ():
        path = folder / f"{name}.jsonl"
        rows = [{**own.get(row["question_id"], {}), **row} for row in files.read_jsonl(path)]
        files.write_jsonl(path, rows)


def left_out_lines(left_out: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a line on the rows left out for each reason, with an example."""
    return [
        f"Left out: {count(left['count'])} × {reason}, such as {left['example']}" for reason, left in left_out.items()
    ]


def retold_lines(retold: Mapping[str, Any], most: int = 3) -> list[str]:
    """Return lines that name the training questions that retell a question of test or dev."""
    if not retold["count"]:
        return []
    pairs = retold["shown"][:most]
    return [
        f"{count(retold['count'])} questions to learn from or to label have the numbers of a test or dev question in"
        " other words. They stay; check these:",
        *(f'  "{short(pair["text"])}" and "{short(pair["other_text"])}"' for pair in pairs),
    ]


def sample(
    recipe: Recipe,
    columns: Columns,
    file: options.File = stream.STANDARD,
    k: options.Samples = 8,
    out: options.Out = stream.STANDARD,
) -> None:
    """Read questions and write K samples of each, in the order of the file; an interrupted call continues."""
    recipe.read_by("sample")
    items = stream.items(stream.read(file), file, fields=columns.fields)
    with samples_of(recipe, items, k=k, out=out) as rows:
        stream.write(rows, out)


@contextmanager
def samples_of(recipe: Recipe, items: Iterable[Item], *, k: int, out: str) -> Iterator[list[dict[str, Any]]]:
    """Provide K samples of each question, in the order of ``items``; what is drawn is kept until ``out`` is written."""
    asked = _distinct(items)
    questions = sorted((item.question for item in asked), key=lambda question: question.id)
    with workplace(out, {**recipe.facts(questions, "sample"), "k": k}) as folder:
        drawn = _drawn(recipe, questions, folder, k=k, decoding=recipe.settings.sampling)
        rows = [row for place in drawn for row in files.read_jsonl(place / "samples.jsonl")]
        yield with_own_ids(rows, asked)


def with_own_ids(rows: Iterable[Mapping[str, Any]], items: Sequence[Item]) -> list[dict[str, Any]]:
    """Return rows that have a ``question_id`` and a ``k`` in the order of ``items``, with the ids that these have."""
    places = {item.question.id: place for place, item in enumerate(items)}
    ordered = sorted(rows, key=lambda row: (places[row["question_id"]], row["k"]))
    own = {item.question.id: {} if item.own_id is None else {"id": item.own_id} for item in items}
    return [{**own[row["question_id"]], **row} for row in ordered]


def train(
    recipe: Recipe,
    columns: Columns,
    file: options.File = stream.STANDARD,
    out: Annotated[str, typer.Option("--out", metavar="FOLDER", help="The new model folder.")] = "student",
    json: options.Json = False,
) -> None:
    """Read questions with a ``solution`` (or an ``answer`` that holds one) and write a model folder.

    Files of `label` can be read directly: rows without a solution are left out and counted.
    """
    settings = recipe.read_by("train").settings
    given, named = list(stream.read(file)), columns.answer or "answer"
    labeled = any("label" in row.values for row in given)
    # Beside a label, another usual column of answers is not asked.
    fields = columns.fields.model_copy(update={"answer": named}) if labeled else columns.fields
    rows = stream.items((_own(row, named) for row in given), file, fields=fields)
    items = [marked(item, settings.data.source.marks) for item in rows]
    asked = {item.question.id: item.question for item in items}
    labels = [Label(item.question.id, item.answer or "", item.solution, "gold") for item in items]
    made = examples(dict.fromkeys(labels))
    if not made.rows:
        raise UserError(
            f"None of the {len(items)} questions has a worked solution to learn from.",
            do="Add a column solution, or label the questions with `label`.",
            code="no-solutions",
        )
    base = recipe.shared.base
    out = _new_folder(out)
    targets = [[row.question_id, row.target] for row in made.rows]
    with workplace(out, {**recipe.facts(asked.values(), "train-sft"), "examples": targets}) as folder:
        split, read = folder / "split", folder / "examples"
        for place in (split, read):
            place.mkdir(exist_ok=True)
        write_questions(split / "labeled.jsonl", asked.values())
        write_questions(split / "unlabeled.jsonl", ())
        write_examples(read / "examples.jsonl", made.rows)
        spec = {**specs.sft(settings), "model": base.spec, "seed": recipe.seed, "paths": base.paths}
        summary = _run("train-sft", spec, {"split": [split], "examples": [read]}, folder / "train")
        student = folder / "train" / "data" / "model"
        origin = base_of(base.spec, base.paths["model"], name=settings.model.id)
        add_papers(student, origin, Student(Path(out).name, Path(out).name, spec, summary))
        student.rename(out)
    if json:
        emit({"schema": 1, "model": out, "without_solution": made.without_solution, **summary})
        return
    left = made.without_solution + summary["too_long"]
    omitted = f"; {left} left out (no solution, or too long)" if left else ""
    say(f"{out}: {summary['examples']} examples, {summary['steps']} steps{omitted}")
    if not summary["seeded"]:
        say(UNSEEDED)
    say(loading_line(Path(out)))


def evaluate(
    recipe: Recipe,
    columns: Columns,
    file: options.File = stream.STANDARD,
    skip_unanswered: Annotated[
        bool, typer.Option("--skip-unanswered", help="Leave out questions without an answer, and count them.")
    ] = False,
    out: options.Out = stream.STANDARD,
    json: options.Json = False,
) -> None:
    """Read questions with answers and write one grade each; the accuracy goes to standard error.

    `compare` compares two such files.
    """
    if json and out == stream.STANDARD:
        raise UserError(
            "--json needs --out: grades and summary would both go to standard output.",
            do="Give --out FILE.",
            code="flag-needs-another",
        )
    settings = recipe.read_by("evaluate").settings
    need: Need = "optional" if skip_unanswered else "required"
    every = _distinct(stream.items(stream.read(file), file, answers=need, fields=columns.fields))
    items = [item for item in every if item.answer is not None]
    if not items:
        raise UserError(f"No question of {stream.name_of(file)} has an answer.", do="Give answers.", code="no-answers")
    if len(items) < len(every):
        remark(f"{count(len(every) - len(items))} questions without an answer are left out.")
    asked = sorted((item.question for item in items), key=lambda question: question.id)
    entries = [KeyEntry(item.question.id, item.answer or "", item.solution) for item in items]
    facts = {
        **recipe.facts(asked, "sample", "grade"),
        "answers": sorted((item.question.id, item.answer) for item in items),
    }
    with workplace(out, facts) as folder:
        truth = folder / "key"
        truth.mkdir(exist_ok=True)
        write_key(truth / "key.jsonl", AnswerKey({entry.question_id: entry for entry in entries}))
        drawn = _drawn(recipe, asked, folder, k=1, decoding=settings.evaluation.decoding)
        spec = {"truncated": settings.answers.truncated}
        summary = _run("grade", spec, {"key": [truth], "samples": drawn}, folder / "grade")["grades"]
        grades = files.read_jsonl(folder / "grade" / "data" / "grades.jsonl")
        stream.write(with_own_ids(grades, items), out)
    # Statistics need scipy, which the other verbs must not wait for.
    from noisy_student.statistics.intervals import wilson

    right, accuracy = summary["correct"], summary["correct"] / summary["n"]
    interval = wilson(right, summary["n"])
    bounds = [interval.low, interval.high]
    if json:
        emit({"schema": 1, **summary, "accuracy": accuracy, "interval": bounds})
        return
    told = f"{count(right)} of {count(summary['n'])} right: {percent(accuracy)}, 95 % {percent_interval(bounds)}"
    remark(f"{told}; {count(summary['truncated'])} cut off")


@contextmanager
def workplace(out: str, facts: Mapping[str, Any]) -> Iterator[Path]:
    """Provide a working folder that is kept after an interruption, if it holds results, and removed after success.

    Raises UserError if the folder holds partial results with other ``facts``, or is in use.
    """
    digest = identity.digest(dict(facts))
    if out == stream.STANDARD:
        folder = options.STORE / "partial" / digest[:16]
    else:
        target = stream.new_path(out)
        folder = target.with_name(f"{target.name}.partial")
    folder.mkdir(parents=True, exist_ok=True)
    mark, lock = folder / "identity", FileLock(folder / ".lock", timeout=0)
    try:
        with lock, stop_on_signals():
            known = mark.read_text() if mark.is_file() else None
            others = any(path.name != ".lock" for path in folder.iterdir()) if known is None else known != digest
            if others and (known is None or _holds_results(folder)):
                raise UserError(
                    f"{folder} holds partial results of another call.",
                    why="That call had other questions, settings or another model.",
                    do="Remove that folder, or give another --out.",
                    code="partial-work-differs",
                )
            if others:
                files.empty_folder(folder, keep=frozenset({".lock"}))
            mark.write_text(digest)
            try:
                yield folder
            except BaseException:
                # A fault before the first result must not stand in the way of the corrected command.
                if not _holds_results(folder):
                    shutil.rmtree(folder)
                raise
    except Timeout:
        raise UserError(f"Another process works in {folder}.", do="Wait until it ends.", code="folder-in-use") from None
    shutil.rmtree(folder)


def _holds_results(folder: Path) -> bool:
    """Return whether a stage wrote something that the same call would not have to compute again."""
    return any(path.is_file() for name in ("scratch", "data") for path in folder.glob(f"*/{name}/**/*"))


def _new_folder(out: str) -> str:
    """Return the path of a new folder; raises UserError for standard output."""
    if out == stream.STANDARD:
        raise UserError("--out is -.", why="The result is a folder.", do="Give --out FOLDER.", code="output-is-folder")
    return str(stream.new_path(out))


def _run(stage: str, spec: Mapping[str, Any], inputs: Mapping[str, Sequence[Path]], folder: Path) -> dict[str, Any]:
    """Run one stage, which writes into ``folder / "data"``, and return its summary."""
    module = importlib.import_module(STAGES.get(stage).module)
    folder.mkdir(parents=True, exist_ok=True)
    return dict(module.run(spec, inputs, Context(folder)))


def _drawn(recipe: Recipe, asked: Sequence[Question], folder: Path, *, k: int, decoding: Decoding) -> list[Path]:
    """Sample K answers to each question, working in ``folder``; return one folder per shard."""
    shared, base, split = recipe.shared, recipe.shared.base, folder / "split"
    split.mkdir(exist_ok=True)
    write_questions(split / "unlabeled.jsonl", asked)
    part = {"part": "unlabeled", "block": [0, len(asked)]}
    made = []
    for shard in shards(k):
        own = specs.sample(shared.settings, shard, decoding=decoding, filters=shared.filters)
        spec = {**own, **part, "model": base.spec, "seed": recipe.seed, "paths": base.paths}
        place = folder / f"shard-{shard.first}"
        too_long = _run("sample", spec, {"split": [split]}, place)["too_long"]
        if too_long and shard.first == 0:
            remark(f"{len(too_long)} questions are longer than the model's context: {', '.join(too_long[:5])} …")
        made.append(place / "data")
    return made


def _distinct(items: Iterable[Item]) -> list[Item]:
    """Return each question once; a remark names rows that repeat a question under an id of their own."""
    every = list(items)
    kept = distinct(every)
    if gone := sorted({item.own_id for item in every if item.own_id} - {item.own_id for item in kept}):
        remark(f"Rows that repeat a question are left out: {count(len(gone))}, such as {', '.join(gone[:5])}.")
    return kept


def _own(row: SourceRow, answer: str) -> SourceRow:
    """Return a row of `label` with its label in place of the answer that came with the question."""
    return replace(row, values={**row.values, answer: row.values["label"]}) if "label" in row.values else row
