"""A student and its review → the student handed on, or skipped with all that would hang on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from noisy_student import files
from noisy_student.context import Context
from noisy_student.errors import NotTrainable

LIBRARIES: tuple[str, ...] = ()
FORWARDS = "train"


def run(spec: Mapping[str, Any], inputs: Mapping[str, Sequence[Path]], context: Context) -> dict[str, Any]:
    """Hand on all that the training wrote; NotTrainable with the review's reason where the student was turned down."""
    context.check()
    found = files.read_json(inputs["review"][0] / "review.json")
    if not found["accepted"]:
        raise NotTrainable(f"{spec['name']} was turned down: {found['reason']}.")
    files.link_children(inputs["train"][0], context.data)
    return {"accepted": True}
