"""What a rule is shown: how a training is set up, and the facts of its steps so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from noisy_student.training.curves import Point
from noisy_student.training.groups import Group
from noisy_student.training.grpo_spec import GrpoSpec

RECENT = 10
"""Steps that are judged together: one step of eight groups says little."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What does not change while a training goes on; ``grpo`` is None for fine-tuning."""

    learning_rate: float
    dtype: str
    adapter: bool = False
    grpo: GrpoSpec | None = None
    gold: int = 0
    """Gold labels that were given."""
    unreadable: int = 0
    """Those of them that no answer can be compared with."""

    @property
    def half(self) -> bool:
        """Whether weights are kept in half precision."""
        return self.dtype in ("bfloat16", "float16")

    @property
    def table(self) -> Literal["grpo", "sft"]:
        """The table of settings that a remedy names."""
        return "sft" if self.grpo is None else "grpo"


@dataclass(frozen=True, slots=True)
class Window:
    """A training as it stands after ``step`` steps.

    ``facts`` has a row for each generation batch, ``groups`` its groups, both in order; ``points`` is what the trainer
    logged; ``looks`` holds what was measured at each look so far, the last of them now, and ``start`` what was measured
    before the first step.
    """

    setup: Setup
    step: int
    points: Sequence[Point]
    facts: Sequence[Mapping[str, Any]] = ()
    groups: Sequence[Group] = ()
    looks: Sequence[Mapping[str, Any]] = ()

    def mean(self, name: str, *, first: bool = False) -> float:
        """The mean of a fact over the latest steps, or over the first ones; it must be known in one of them."""
        rows = self.facts[:RECENT] if first else self.facts[-RECENT:]
        known = [float(row[name]) for row in rows if row.get(name) is not None]
        return sum(known) / len(known)

    @property
    def recent_groups(self) -> list[Group]:
        """The groups of the latest steps."""
        steps = {int(row["step"]) for row in self.facts[-RECENT:]}
        return [group for group in self.groups if group.step in steps]

    @property
    def drift(self) -> list[tuple[int, float]]:
        """Steps and divergences from the start in nats a token, whoever measured them."""
        measured = [(int(row["step"]), float(row["kl"])) for row in self.facts if row.get("kl") is not None]
        # A point's step counts from 1, and its divergence was taken before that step.
        logged = [(point.step - 1, point.kl) for point in self.points if point.kl is not None]
        return measured or logged


def leading_share(answers: Iterable[str | None]) -> float:
    """The share of the most common answer among those of several questions; 0 for none.

    >>> leading_share(["4", "4", None, "7"])
    0.5
    """
    every = list(answers)
    counts = Counter(answer for answer in every if answer is not None)
    return max(counts.values(), default=0) / len(every) if every else 0.0


def percent(share: float) -> str:
    """A share as evidence shows it.

    >>> percent(0.274)
    '27 %'
    """
    return f"{100 * share:.0f} %"
