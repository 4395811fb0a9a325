"""``sample``: draw K answers of a model to each question of a file."""

from __future__ import annotations

from typing import Annotated

import typer

from noisy_student import files
from noisy_student.cli import options, single_stage, stream
from noisy_student.cli.single_stage import Recipe
from noisy_student.data.rows import question_row, write_questions
from noisy_student.data.source import merge


def command(
    recipe: Recipe,
    file: options.File = stream.STANDARD,
    k: Annotated[int, typer.Option("--k", min=1, max=256, metavar="K", help="Samples per question.")] = 8,
    out: options.Out = stream.STANDARD,
) -> None:
    """Read questions and write K samples of each, sorted by question and k; an interrupted call continues."""
    asked = [item.question for item in merge(single_stage.items(stream.read(file), file)).items]
    decoding = recipe.settings.sampling
    facts = {**recipe.facts("sample"), "asked": [question_row(question) for question in asked], "k": k}
    with single_stage.workplace(out, facts) as folder:
        split = folder / "split"
        split.mkdir(exist_ok=True)
        write_questions(split / "unlabeled.jsonl", asked)
        drawn = single_stage.sample(recipe, split, folder, k=k, count=len(asked), decoding=decoding)
        rows = [row for place in drawn for row in files.read_jsonl(place / "samples.jsonl")]
        stream.write(sorted(rows, key=lambda row: (row["question_id"], row["k"])), out)
