"""A chain of students → the last one that was not turned down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from noisy_student import files
from noisy_student.context import Context
from noisy_student.errors import NotTrainable

LIBRARIES: tuple[str, ...] = ()
OPTIONAL = ("train-",)
FORWARDS = "train-"


def run(spec: Mapping[str, Any], inputs: Mapping[str, Sequence[Path]], context: Context) -> dict[str, Any]:
    """Hand on all that the last of ``train-0``, ``train-1`` … wrote; NotTrainable where there is none."""
    context.check()
    there = [number for number in range(len(spec["chain"])) if f"train-{number}" in inputs]
    if not there:
        raise NotTrainable(
            f"Of the chain {', '.join(spec['chain'])} no student could be trained.",
            why="Not even the first, which is never turned down.",
            do="See why that one was skipped.",
        )
    files.link_children(inputs[f"train-{there[-1]}"][0], context.data)
    return {"chosen": there[-1], "name": spec["chain"][there[-1]]}
