"""Samples → the number of words in them, a measurement that a study asks for by ``measures``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from noisy_student.context import Context
from noisy_student.sampling.sample import read_folders

LIBRARIES: tuple[str, ...] = ()
MEASURES = True
LANE = "training"
WEIGHT = 0.1


def run(spec: Mapping[str, Any], inputs: Mapping[str, Sequence[Path]], context: Context) -> dict[str, Any]:
    """Return the counts; they need no file."""
    words = [len(sample.text.split()) for sample in read_folders(inputs["samples"], context.check)]
    return {"samples": len(words), "words": sum(words)}
