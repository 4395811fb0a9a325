"""Table of the health rules: their order, and the findings that each one explains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from noisy_student.training.health import answers, groups, updates
from noisy_student.training.health.window import Diagnosis, Finding, Window


@dataclass(frozen=True, slots=True)
class HealthRule:
    """A named diagnosis; ``explains`` names its consequences, which are not reported beside it."""

    name: str
    judge: Callable[[Window], Finding | None]
    explains: tuple[str, ...] = ()
    stops: bool = True
    """May end a training; false where the student learned so far is still good."""
    needs_answers: bool = True
    """Judges answers that the student samples while it learns, so it applies to no other training."""


NO_SIGNAL = ("pool-all-wrong", "pool-all-right", "group-too-small", "learning-rate-too-low")
RULES = (
    HealthRule("unreadable-gold", answers.unreadable_gold, stops=False),
    HealthRule("template-mismatch", answers.template_mismatch,
               ("learning-rate-too-high", "no-anchor-drift", "collapse", *NO_SIGNAL)),
    HealthRule("updates-swallowed", updates.updates_swallowed, ("learning-rate-too-low",), needs_answers=False),
    HealthRule("learning-rate-too-high", updates.learning_rate_too_high,
               ("answers-never-end", "degenerate-repetition", "cap-too-short", "one-answer", "collapse",
                "no-anchor-drift", *NO_SIGNAL), needs_answers=False),
    HealthRule("answers-never-end", answers.answers_never_end,
               ("degenerate-repetition", "cap-too-short", "no-anchor-drift", *NO_SIGNAL)),
    HealthRule("degenerate-repetition", answers.degenerate_repetition,
               ("cap-too-short", "no-anchor-drift", *NO_SIGNAL)),
    HealthRule("cap-too-short", answers.cap_too_short, ("no-anchor-drift", *NO_SIGNAL)),
    HealthRule("one-answer", groups.one_answer, ("collapse", "no-anchor-drift", *NO_SIGNAL)),
    HealthRule("collapse", groups.collapse, ("no-anchor-drift", *NO_SIGNAL)),
    HealthRule("group-too-small", groups.group_too_small, ("learning-rate-too-low",)),
    HealthRule("pool-all-wrong", groups.pool_all_wrong, ("no-anchor-drift", "learning-rate-too-low")),
    HealthRule("pool-all-right", groups.pool_all_right, ("no-anchor-drift", "learning-rate-too-low"), stops=False),
    HealthRule("no-anchor-drift", updates.no_anchor_drift),
    HealthRule("learning-rate-too-low", updates.learning_rate_too_low, needs_answers=False),
)  # fmt: skip
"""Causes stand before their consequences."""
STOPPING = frozenset(rule.name for rule in RULES if rule.stops)


def diagnose(window: Window) -> tuple[Diagnosis, ...]:
    """Apply the rules that fit the training; findings that an earlier one explains are left out."""
    found: list[Diagnosis] = []
    explained: set[str] = set()
    for rule in RULES:
        applies = (window.setup.samples or not rule.needs_answers) and rule.name not in explained
        finding = rule.judge(window) if applies else None
        if finding is not None:
            found.append(Diagnosis(rule.name, *finding))
            explained |= set(rule.explains)
    return tuple(found)
