"""The order of training: which example is seen when, a pure function of sizes and seed. No torch."""

from __future__ import annotations

import math

from noisy_student import seeds
from noisy_student.training.spec import SftSpec


def order(count: int, spec: SftSpec, *, seed: int) -> list[int]:
    """Positions of examples in the order of training; every epoch is a fresh shuffle of all ``count``.

    Batches are consecutive runs of ``spec.batch`` and may reach over the end of an epoch, so that all but the last
    are full. Matched by steps, the order is repeated until it fills them.
    """
    rows = spec.steps * spec.batch if spec.steps is not None else max(1, round(count * spec.epochs))
    result: list[int] = []
    epoch = 0
    while len(result) < rows:
        positions = list(range(count))
        seeds.generator(seed, "training-order", step=epoch).shuffle(positions)
        result += positions
        epoch += 1
    return result[:rows]


def step_count(rows: int, spec: SftSpec) -> int:
    """Optimiser steps for ``rows`` rows; the last batch may be smaller.

    >>> step_count(9, SftSpec(batch=4))
    3
    """
    return math.ceil(rows / spec.batch)
