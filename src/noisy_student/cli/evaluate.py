"""``evaluate``: grade a model's greedy answers to questions with known answers."""

from __future__ import annotations

from rich.text import Text

from noisy_student import files
from noisy_student.answer_key import AnswerKey, KeyEntry
from noisy_student.cli import options, single_stage, stream
from noisy_student.cli.console import aside, emit
from noisy_student.cli.single_stage import Recipe
from noisy_student.data.key_file import write_key
from noisy_student.data.rows import question_row, write_questions
from noisy_student.data.source import merge
from noisy_student.errors import UserError
from noisy_student.report.numbers import count, percent, percent_interval
from noisy_student.statistics.intervals import wilson


def command(
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
            "--json needs --out.",
            why="Grades and summary would both go to standard output.",
            do="Give --out FILE.",
            code="flag-needs-another",
        )
    settings = recipe.settings
    items = merge(single_stage.items(stream.read(file), file, answers="required")).items
    asked = [item.question for item in items]
    key = AnswerKey(
        {i.question.id: KeyEntry(i.question.id, i.answer, i.solution) for i in items if i.answer is not None}
    )
    facts = {**recipe.facts("sample", "grade"), "asked": [question_row(question) for question in asked]}
    with single_stage.workplace(out, {**facts, "answers": [item.answer for item in items]}) as folder:
        split, truth = folder / "split", folder / "key"
        for place in (split, truth):
            place.mkdir(exist_ok=True)
        write_questions(split / "unlabeled.jsonl", asked)
        write_key(truth / "key.jsonl", key)
        drawn = single_stage.sample(recipe, split, folder, k=1, count=len(asked), decoding=settings.evaluation.decoding)
        spec = {"truncated": settings.answers.truncated}
        summary = single_stage.run("grade", spec, {"key": [truth], "samples": drawn}, folder / "grade")["grades"]
        stream.write(files.read_jsonl(folder / "grade" / "data" / "grades.jsonl"), out)
    interval = wilson(summary["correct"], summary["n"])
    if json:
        accuracy = summary["correct"] / summary["n"]
        emit({"schema": 1, **summary, "accuracy": accuracy, "interval": [interval.low, interval.high]})
        return
    right = f"{count(summary['correct'])} of {count(summary['n'])} right: {percent(summary['correct'] / summary['n'])}"
    bounds = percent_interval([interval.low, interval.high])
    aside().print(Text(f"{right}, 95 % {bounds}; {count(summary['truncated'])} cut off"))
