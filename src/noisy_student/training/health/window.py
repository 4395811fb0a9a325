"""Input and output of a health rule: setup and measurements of a training so far, and a diagnosis."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from noisy_student.training.measurements import Group, Point, slope
from noisy_student.training.specs.grpo import GrpoSpec

Finding = tuple[str, str, str]
"""Result of a rule: its evidence, the likely cause, and the remedy."""
RECENT = 10
"""Generation batches that are judged together, or more until they hold ``LEAST_GROUPS``: eight groups say little."""
LEAST_GROUPS = 30
WARM = 0.3
"""Mean learning rate as a share of its peak, below which a training is still warming up."""
SURE = 2.0
"""Standard errors by which the latest share of right answers must differ from the first to be better or worse."""


@dataclass(frozen=True, slots=True)
class Setup:
    """Constants of a training; ``grpo`` is None for fine-tuning."""

    learning_rate: float
    dtype: str
    adapter: bool = False
    grpo: GrpoSpec | None = None
    gold: int = 0
    """Gold labels of the training."""
    unreadable: int = 0
    """Gold labels that no answer can be compared with."""

    @property
    def half(self) -> bool:
        """True where weights are stored in half precision."""
        return self.dtype in ("bfloat16", "float16")

    @property
    def samples(self) -> bool:
        """True if the student samples answers while it learns."""
        return self.grpo is not None

    @property
    def method(self) -> Literal["grpo", "sft"]:
        """The training method, which is also its table of settings in a remedy."""
        return "grpo" if self.samples else "sft"


@dataclass(frozen=True, slots=True)
class Window:
    """State of a training after ``step`` steps.

    ``facts`` has a row for each generation batch, ``groups`` its groups, both in order; ``points`` are the trainer's
    logs; ``checks`` has the measurements of each check, perhaps one of step 0 first and the current one last.
    """

    setup: Setup
    step: int
    points: Sequence[Point]
    facts: Sequence[Mapping[str, Any]] = ()
    groups: Sequence[Group] = ()
    checks: Sequence[Mapping[str, Any]] = ()

    @property
    def grpo(self) -> GrpoSpec:
        """Settings of GRPO, for the rules that apply to it alone."""
        assert self.setup.grpo is not None
        return self.setup.grpo

    @property
    def cycle(self) -> int:
        """Optimiser steps on each generation batch; ``step`` counts the former, ``facts`` the latter."""
        return 1 if self.setup.grpo is None else self.setup.grpo.num_iterations

    def mean(self, name: str) -> float:
        """Return the mean of a fact over the latest batches; one of them at least must have it."""
        known = [float(row[name]) for row in self.facts[-RECENT:] if row.get(name) is not None]
        return sum(known) / len(known)

    @property
    def recent_groups(self) -> list[Group]:
        """The groups of the latest batches; empty where they are too few to judge."""
        steps = {int(row["step"]) for row in self.facts[-max(RECENT, -(-LEAST_GROUPS // self.grpo.prompts)) :]}
        groups = [group for group in self.groups if group.step in steps]
        return groups if len(groups) >= LEAST_GROUPS else []

    def change(self) -> Change | None:
        """Compare the share of right answers in the first and latest batches; None while these overlap."""
        if len(self.facts) < 2 * RECENT:
            return None
        spans = [{int(row["step"]) for row in rows} for rows in (self.facts[:RECENT], self.facts[-RECENT:])]
        first, last = ([group.right / group.answers for group in self.groups if group.step in span] for span in spans)
        # Groups are the units: answers to one question are right or wrong together.
        error = math.sqrt(statistics.variance(first) / len(first) + statistics.variance(last) / len(last))
        before, now = statistics.fmean(first), statistics.fmean(last)
        gain = now - before
        return Change(before, now, gain / error if error else math.copysign(math.inf, gain) if gain else 0.0)

    @property
    def warm(self) -> bool:
        """True where the mean learning rate so far is near its peak, or no rate was logged."""
        rates = [point.learning_rate for point in self.points if point.learning_rate is not None]
        return not rates or statistics.fmean(rates) >= WARM * self.setup.learning_rate

    @property
    def kl_to_start(self) -> list[tuple[int, float]]:
        """Optimiser steps and divergences from the start in nats a token, measured here or logged by TRL."""
        known = [row for row in self.facts if row.get("kl") is not None]
        measured = [(self.cycle * int(row["step"]), float(row["kl"])) for row in known]
        # A point's step counts from 1, and its divergence was taken before that step.
        logged = [(point.step - 1, point.kl) for point in self.points if point.kl is not None]
        return measured or logged

    @property
    def entropy_slope(self) -> float | None:
        """Change of the entropy of the answers' tokens in nats a step, by least squares."""
        return slope([(point.step, point.entropy) for point in self.points if point.entropy is not None])


@dataclass(frozen=True, slots=True)
class Change:
    """Two shares of right answers and their difference in standard errors."""

    before: float
    now: float
    errors: float

    def __str__(self) -> str:
        return f"right answers went from {percent(self.before)} to {percent(self.now)}"


def percent(share: float) -> str:
    """Format a share for evidence.

    >>> percent(0.274)
    '27 %'
    """
    return f"{100 * share:.0f} %"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A named condition: the measured evidence, its likely cause, and the change to make."""

    name: str
    evidence: str
    cause: str
    remedy: str


def first_seen(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return every condition of the checks ``rows`` once, with the step at which it was first found.

    >>> checks = [{"step": 30, "diagnoses": [{"name": "a"}]}, {"step": 60, "diagnoses": [{"name": "a"}]}]
    >>> first_seen(checks)
    [{'step': 30, 'name': 'a'}]
    """
    first: dict[str, dict[str, Any]] = {}
    for row in rows:
        for diagnosis in row["diagnoses"]:
            first.setdefault(diagnosis["name"], {"step": row["step"], **diagnosis})
    return list(first.values())
