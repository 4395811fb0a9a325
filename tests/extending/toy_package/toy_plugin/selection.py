"""The selection ``top-half``: of the questions with a winner, the half with the most votes for it."""

from __future__ import annotations

from typing import Any

from noisy_student.labeling.select import SELECTIONS, SelectionRule
from noisy_student.records import Vote


def top_half(decided: list[Vote], value: Any, run_seed: int) -> list[Vote]:
    """Keep half of the votes, rounded up; equal ones in the order of their question ids."""
    ranked = sorted(decided, key=lambda vote: (-vote.votes, vote.question_id))
    return ranked[: (len(ranked) + 1) // 2]


SELECTIONS.register("top-half", SelectionRule(lambda value: value is True, "true", top_half))
