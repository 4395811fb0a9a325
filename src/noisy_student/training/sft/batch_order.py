"""Order of the examples in training, a pure function of their lengths and a seed. No torch."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from noisy_student import seeds
from noisy_student.training.specs.sft import SftSpec

POOL_BATCHES = 8
"""Batches whose rows are sorted together when grouped by length: enough to save nearly all padding, few enough to mix
short and long rows over an epoch."""


def batch_order(lengths: Sequence[int], spec: SftSpec, *, seed: int) -> list[int]:
    """Return positions of examples in the order of training; every epoch is a fresh shuffle of all of them.

    ``lengths`` are their tokens. Batches are consecutive runs of ``spec.batch`` and may cross the end of an epoch, so
    all but the last are full. Matched by steps, epochs follow until the steps are filled.
    """
    rows = spec.steps * spec.batch if spec.steps is not None else max(1, round(len(lengths) * spec.epochs))
    result: list[int] = []
    epoch = 0
    while len(result) < rows:
        chance = seeds.generator(seed, "training-order", step=epoch)
        positions = list(range(len(lengths)))
        chance.shuffle(positions)
        if spec.group_by_length:
            opened = min(-len(result) % spec.batch, len(positions))
            positions[opened:] = _grouped(positions[opened:], lengths, spec.batch, chance)
        result += positions
        epoch += 1
    return result[:rows]


def _grouped(positions: list[int], lengths: Sequence[int], batch: int, chance: random.Random) -> list[int]:
    """Positions in batches of about equal length, in random order; a batch that is not full stays last."""
    batches: list[list[int]] = []
    for start in range(0, len(positions), batch * POOL_BATCHES):
        pool = sorted(positions[start : start + batch * POOL_BATCHES], key=lengths.__getitem__)
        batches += [pool[first : first + batch] for first in range(0, len(pool), batch)]
    full = [rows for rows in batches if len(rows) == batch]
    chance.shuffle(full)
    return [position for rows in [*full, *(rows for rows in batches if len(rows) < batch)] for position in rows]


def step_count(rows: int, spec: SftSpec) -> int:
    """Return the optimiser steps for ``rows`` rows; the last batch may be smaller.

    >>> step_count(9, SftSpec(batch=4))
    3
    """
    return math.ceil(rows / spec.batch)
