"""Examples of fine-tuning: their token ids and loss masks, and their order in training, which a seed decides."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from noisy_student import seeds
from noisy_student.errors import NotTrainable
from noisy_student.models.chat import EncodedExample, Renderer
from noisy_student.records import Example, Question
from noisy_student.training.specs.sft import SftSpec

POOL_BATCHES = 8
"""Batches whose rows are sorted together when grouped by length: enough to save nearly all padding, few enough to mix
short and long rows over an epoch."""


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
    encoded = [
        (each.question_id, renderer.encode_example(questions[each.question_id], each.target)) for each in examples
    ]
    rows = tuple(row for _, row in encoded if len(row.ids) <= max_length)
    too_long = tuple(name for name, row in encoded if len(row.ids) > max_length)
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
    return Encoded(rows, too_long)


def batch_order(lengths: Sequence[int], spec: SftSpec, *, seed: int) -> list[int]:
    """Return positions of examples in the order of training; every epoch is a fresh shuffle of all of them.

    ``lengths`` are their tokens. Batches are consecutive runs of ``spec.batch`` and may cross the end of an epoch, so
    all but the last are full. Matched by steps, epochs follow until the steps are filled.
    """
    rows = _row_count(len(lengths), spec)
    result: list[int] = []
    for epoch in range(-(-rows // len(lengths))):
        chance = seeds.generator(seed, "training-order", step=epoch)
        positions = list(range(len(lengths)))
        chance.shuffle(positions)
        if spec.group_by_length:
            opened = min(-len(result) % spec.batch, len(positions))
            positions[opened:] = _grouped(positions[opened:], lengths, spec.batch, chance)
        result += positions
    return result[:rows]


def order_matters(examples: int, spec: SftSpec) -> bool:
    """Return whether another order of so many examples puts others into some step.

    >>> order_matters(4, SftSpec(batch=4)), order_matters(4, SftSpec(batch=3)), order_matters(4, SftSpec(epochs=1.5))
    (False, True, True)
    """
    rows = _row_count(examples, spec)
    one_step, whole_epochs = rows <= spec.batch, spec.batch % examples == 0
    return rows % examples != 0 or not (one_step or whole_epochs)


def _row_count(examples: int, spec: SftSpec) -> int:
    """Rows that are trained on, over all epochs."""
    return spec.steps * spec.batch if spec.steps is not None else max(1, round(examples * spec.epochs))


def _grouped(positions: list[int], lengths: Sequence[int], batch: int, chance: random.Random) -> list[int]:
    """Positions in batches of about equal length, in random order; a batch that is not full stays last."""
    batches: list[list[int]] = []
    for start in range(0, len(positions), batch * POOL_BATCHES):
        pool = sorted(positions[start : start + batch * POOL_BATCHES], key=lengths.__getitem__)
        batches += [pool[first : first + batch] for first in range(0, len(pool), batch)]
    full = [rows for rows in batches if len(rows) == batch]
    chance.shuffle(full)
    return [position for rows in [*full, *(rows for rows in batches if len(rows) < batch)] for position in rows]
