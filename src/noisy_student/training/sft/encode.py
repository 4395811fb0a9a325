"""Examples and their questions in, what a trainer reads out: ids, mask, and a note of what was left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from noisy_student.errors import NotTrainable, UserError
from noisy_student.models.chat import EncodedExample, Renderer
from noisy_student.records import Example, Question


@dataclass(frozen=True, slots=True)
class Encoded:
    """Examples as ids, in the order they came, and the question ids of those that were too long."""

    rows: tuple[EncodedExample, ...]
    too_long: tuple[str, ...]


def encode(
    renderer: Renderer, examples: Sequence[Example], questions: Mapping[str, Question], *, max_length: int
) -> Encoded:
    """Render every example; one longer than ``max_length`` tokens is left out whole, never cut.

    Raises NotTrainable when nothing is left and UserError for a weight other than 1.
    """
    rows: list[EncodedExample] = []
    too_long: list[str] = []
    for example in examples:
        if example.weight != 1.0:
            raise UserError(
                f"The example of question {example.question_id} has the weight {example.weight}.",
                why="SFT weighs all examples alike.",
                do="Leave the weights at 1, or select examples instead.",
            )
        row = renderer.encode_example(questions[example.question_id], example.target)
        if len(row.ids) > max_length:
            too_long.append(example.question_id)
        else:
            rows.append(row)
    if not rows:
        raise NotTrainable(
            f"None of {len(too_long)} examples fits into {max_length} tokens."
            if too_long
            else "There are no examples to train on.",
            why="The student would equal the model it starts from.",
            do="Raise train.max_length." if too_long else "Loosen the selection, or check the labels.",
        )
    return Encoded(tuple(rows), tuple(too_long))
