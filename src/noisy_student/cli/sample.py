"""``sample`` and ``evaluate``: draw a model's answers to questions, and grade its greedy ones."""

from __future__ import annotations

from typing import Annotated

import typer

from noisy_student import files
from noisy_student.answer_key import AnswerKey, KeyEntry
from noisy_student.cli import options, single_stage, stream
from noisy_student.cli.console import emit, remark
from noisy_student.cli.single_stage import Recipe
from noisy_student.data.key_file import write_key
from noisy_student.data.rows import question_row
from noisy_student.data.source import merge
from noisy_student.errors import UserError
from noisy_student.report.numbers import count, percent, percent_interval
from noisy_student.statistics.intervals import wilson


def command(
    recipe: Recipe,
    file: options.File = stream.STANDARD,
    k: Annotated[int, typer.Option("--k", min=1, max=256, metavar="K", help="Samples per question.")] = 8,
    out: options.Out = stream.STANDARD,
) -> None:
    """Read questions and write K samples of each, sorted by question and k; an interrupted call continues."""
    asked = [item.question for item in merge(single_stage.items(stream.read(file), file)).items]
    facts = {**recipe.facts("sample"), "asked": [question_row(question) for question in asked], "k": k}
    with single_stage.workplace(out, facts) as folder:
        drawn = single_stage.sample(recipe, asked, folder, k=k, decoding=recipe.settings.sampling)
        rows = [row for place in drawn for row in files.read_jsonl(place / "samples.jsonl")]
        stream.write(sorted(rows, key=lambda row: (row["question_id"], row["k"])), out)


def evaluate(
    recipe: Recipe,
    file: options.File = stream.STANDARD,
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
    settings = recipe.settings
    items = merge(single_stage.items(stream.read(file), file, answers="required")).items
    asked = [item.question for item in items]
    entries = [KeyEntry(i.question.id, i.answer, i.solution) for i in items if i.answer is not None]
    facts = {**recipe.facts("sample", "grade"), "asked": [question_row(question) for question in asked]}
    with single_stage.workplace(out, {**facts, "answers": [item.answer for item in items]}) as folder:
        truth = folder / "key"
        truth.mkdir(exist_ok=True)
        write_key(truth / "key.jsonl", AnswerKey({entry.question_id: entry for entry in entries}))
        drawn = single_stage.sample(recipe, asked, folder, k=1, decoding=settings.evaluation.decoding)
        spec = {"truncated": settings.answers.truncated}
        summary = single_stage.run("grade", spec, {"key": [truth], "samples": drawn}, folder / "grade")["grades"]
        stream.write(files.read_jsonl(folder / "grade" / "data" / "grades.jsonl"), out)
    right, accuracy = summary["correct"], summary["correct"] / summary["n"]
    interval = wilson(right, summary["n"])
    bounds = [interval.low, interval.high]
    if json:
        emit({"schema": 1, **summary, "accuracy": accuracy, "interval": bounds})
        return
    told = f"{count(right)} of {count(summary['n'])} right: {percent(accuracy)}, 95 % {percent_interval(bounds)}"
    remark(f"{told}; {count(summary['truncated'])} cut off")
