"""``train``: fine-tune a student on solved questions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from noisy_student.cli import options, single_stage, stream
from noisy_student.cli.console import emit, say
from noisy_student.cli.single_stage import Recipe
from noisy_student.data.parts import marked
from noisy_student.data.rows import question_row, write_questions
from noisy_student.errors import UserError
from noisy_student.labeling.examples import examples, write_examples
from noisy_student.records import Label
from noisy_student.study.plan import specs


def command(
    recipe: Recipe,
    file: options.File = stream.STANDARD,
    out: Annotated[str, typer.Option("--out", metavar="FOLDER", help="The new model folder.")] = "student",
    json: options.Json = False,
) -> None:
    """Read questions with a ``solution`` (or an ``answer`` that holds one) and write a model folder.

    Files of `label` can be read directly: rows without a solution are left out and counted.
    """
    settings = recipe.settings
    items = [
        marked(item, settings.data.source.marks) for item in single_stage.items(map(_own, stream.read(file)), file)
    ]
    asked = {item.question.id: item.question for item in items}
    labels = [Label(item.question.id, item.answer or "", item.solution, "gold") for item in items]
    made = examples(dict.fromkeys(labels))
    if not made.rows:
        raise UserError(
            f"None of the {len(items)} questions has a worked solution.",
            why="A student learns from worked texts.",
            do="Add a column solution, or label the questions with `label`.",
            code="no-solutions",
        )
    base = recipe.shared.base
    facts = {**recipe.facts("train-sft"), "asked": [question_row(question) for question in asked.values()]}
    out = single_stage.new_folder(out)
    with single_stage.workplace(
        out, {**facts, "examples": [[row.question_id, row.target] for row in made.rows]}
    ) as folder:
        split, read = folder / "split", folder / "examples"
        for place in (split, read):
            place.mkdir(exist_ok=True)
        write_questions(split / "labeled.jsonl", asked.values())
        write_questions(split / "unlabeled.jsonl", ())
        write_examples(read / "examples.jsonl", made.rows)
        spec = {**specs.sft(settings), "model": base.spec, "seed": recipe.seed, "paths": base.paths}
        summary = single_stage.run("train-sft", spec, {"split": [split], "examples": [read]}, folder / "train")
        (folder / "train" / "data" / "model").rename(out)
    if json:
        emit({"schema": 1, "model": out, "without_solution": made.without_solution, **summary})
        return
    made_of = f"{out}: {summary['examples']} examples, {summary['steps']} steps"
    left = made.without_solution + summary["too_long"]
    say(
        made_of + (f"; {left} left out (no solution, or too long)" if left else ""),
        f'AutoModelForCausalLM.from_pretrained("{Path(out)}")',
    )


def _own(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of `label` with its label in place of the answer that came with the question."""
    return {**row, "answer": row["label"]} if "label" in row else row
