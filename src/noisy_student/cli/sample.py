"""``sample``: K answers of a model to each question of a file."""

from __future__ import annotations

from typing import Annotated

import typer

from noisy_student import files
from noisy_student.cli import box, options, stream
from noisy_student.cli.box import Recipe
from noisy_student.data.rows import question_row, write_questions
from noisy_student.data.source import merge


def command(
    file: options.File = stream.STANDARD,
    model: options.Model = None,
    k: Annotated[int, typer.Option("--k", min=1, max=256, metavar="K", help="Samples a question.")] = 8,
    seed: options.Seed = 1,
    scale: options.Scale = options.SCALE,
    protocol: options.Protocol = options.PROTOCOL,
    sets: options.Sets = None,
    out: options.Out = stream.STANDARD,
) -> None:
    """Read questions, write K samples of each, by question and k; an interrupted call goes on where it was."""
    recipe = Recipe(model, scale, protocol, seed, sets or ())
    asked = [item.question for item in merge(box.items(stream.read(file), file)).items]
    decoding = recipe.settings.sampling
    facts = {**recipe.facts("sample"), "asked": [question_row(question) for question in asked], "k": k}
    with box.workplace(out, facts) as folder:
        split = folder / "split"
        split.mkdir(exist_ok=True)
        write_questions(split / "unlabeled.jsonl", asked)
        drawn = box.sample(recipe, split, folder, k=k, count=len(asked), decoding=decoding)
        rows = [row for place in drawn for row in files.read_jsonl(place / "samples.jsonl")]
        stream.write(sorted(rows, key=lambda row: (row["question_id"], row["k"])), out)
