"""A vote on unseen questions → whether more samples are needed: skipped, with those samples, once it passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from noisy_student import files
from noisy_student.context import Context
from noisy_student.errors import NotTrainable
from noisy_student.evaluation.preflight.answers import vote_passes

LIBRARIES: tuple[str, ...] = ()


def run(spec: Mapping[str, Any], inputs: Mapping[str, Sequence[Path]], context: Context) -> dict[str, Any]:
    """Write ``more.json``; raises NotTrainable where the vote passes already."""
    context.check()
    found = files.read_json(inputs["votes"][0] / "votes.json")
    if vote_passes(found["right"], found["questions"]):
        raise NotTrainable(f"{found['K']} samples make a vote that passes, so no more are drawn.")
    files.write_json(context.data / "more.json", found)
    return {"K": found["K"]}
