"""``train``: a student by supervised fine-tuning on solved questions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from noisy_student.cli import box, options, stream
from noisy_student.cli.box import Recipe
from noisy_student.cli.console import emit, output
from noisy_student.data.read import marked
from noisy_student.data.rows import question_row, write_questions
from noisy_student.errors import UserError
from noisy_student.labeling.examples import examples, write_examples
from noisy_student.records import Label
from noisy_student.study.plan import specs


def command(
    file: options.File = stream.STANDARD,
    out: Annotated[str, typer.Option("--out", metavar="FOLDER", help="The new model folder.")] = "student",
    model: options.Model = None,
    seed: options.Seed = 1,
    scale: options.Scale = options.SCALE,
    protocol: options.Protocol = options.PROTOCOL,
    sets: options.Sets = None,
    json: options.Json = False,
) -> None:
    """Read questions with a ``solution`` (or an ``answer`` that holds one), write a model folder.

    What `label` wrote can be read as it is: rows without a solution are left out and counted.
    """
    recipe = Recipe(model, scale, protocol, seed, sets or ())
    settings = recipe.settings
    items = [marked(item, settings.data.source.marks) for item in box.items(map(_own, stream.read(file)), file)]
    asked = {item.question.id: item.question for item in items}
    labels = [Label(item.question.id, item.answer or "", item.solution, "gold") for item in items]
    made = examples(dict.fromkeys(labels))
    if not made.rows:
        raise UserError(
            f"None of the {len(items)} questions has a worked solution.",
            why="A student learns from worked texts.",
            do="Put them into a column solution, or let `label` make them.",
        )
    base = recipe.shared.base
    facts = {**recipe.facts("train-sft"), "asked": [question_row(question) for question in asked.values()]}
    out = box.new_folder(out)
    with box.workplace(out, {**facts, "examples": [[row.question_id, row.target] for row in made.rows]}) as folder:
        split, read = folder / "split", folder / "examples"
        for place in (split, read):
            place.mkdir(exist_ok=True)
        write_questions(split / "labeled.jsonl", asked.values())
        write_questions(split / "unlabeled.jsonl", ())
        write_examples(read / "examples.jsonl", made.rows)
        spec = {**specs.sft(settings), "model": base.spec, "seed": seed, "paths": base.paths}
        summary = box.run("train-sft", spec, {"split": [split], "examples": [read]}, folder / "train")
        (folder / "train" / "data" / "model").rename(out)
    if json:
        emit({"schema": 1, "model": out, "without_solution": made.without_solution, **summary})
        return
    told = f"{out}: {summary['examples']} examples, {summary['steps']} steps"
    left = made.without_solution + summary["too_long"]
    output().print(Text(told + (f"; {left} left out (no solution, or too long)" if left else "")), soft_wrap=True)
    output().print(Text(f'AutoModelForCausalLM.from_pretrained("{Path(out)}")'), soft_wrap=True)


def _own(row: dict[str, Any]) -> dict[str, Any]:
    """A row that `label` wrote with its own label in the place of an answer that came with the question."""
    return {**row, "answer": row["label"]} if "label" in row else row
