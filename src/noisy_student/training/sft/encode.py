"""Encoding of examples and their questions as token ids and loss masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from noisy_student.errors import NotTrainable
from noisy_student.models.chat import EncodedExample, Renderer
from noisy_student.records import Example, Question


@dataclass(frozen=True, slots=True)
class Encoded:
    """Examples as ids, in their given order, and the question ids of those that were too long."""

    rows: tuple[EncodedExample, ...]
    too_long: tuple[str, ...]


def encode(
    renderer: Renderer, examples: Sequence[Example], questions: Mapping[str, Question], *, max_length: int
) -> Encoded:
    """Encode every example; one longer than ``max_length`` tokens is left out, never cut.

    Raises NotTrainable when none is left.
    """
    rows: list[EncodedExample] = []
    too_long: list[str] = []
    for example in examples:
        row = renderer.encode_example(questions[example.question_id], example.target)
        if len(row.ids) > max_length:
            too_long.append(example.question_id)
        else:
            rows.append(row)
    if not rows and too_long:
        raise NotTrainable(
            f"None of {len(too_long)} examples fits into {max_length} tokens.",
            why="The student would equal the model it starts from.",
            do="Raise sft.max_length.",
            code="examples-too-long",
        )
    if not rows:
        raise NotTrainable(
            "There are no examples to train on.",
            why="The student would equal the model it starts from.",
            do="Loosen the selection, or check the labels.",
            code="no-examples",
        )
    return Encoded(tuple(rows), tuple(too_long))
