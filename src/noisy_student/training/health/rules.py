"""The table of rules: what may be found, in which order, and what each finding explains away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from noisy_student.training.health import collapse, endings, groups, lessons, updates
from noisy_student.training.health.window import Diagnosis, Window


@dataclass(frozen=True, slots=True)
class Rule:
    """A question to a window, and the conditions that follow from its own: of a chain only the cause is named."""

    name: str
    judge: Callable[[Window], Diagnosis | None]
    explains: tuple[str, ...] = ()
    stops: bool = True
    """Whether it is a reason to end a training: not where what was learned is as good as it was."""


NO_SIGNAL = ("pool-all-wrong", "pool-all-right", "group-too-small", "learning-rate-too-low")
RULES = (
    Rule("unreadable-gold", lessons.unreadable_gold, stops=False),
    Rule("template-mismatch", lessons.template_mismatch,
         ("learning-rate-too-high", "no-anchor-drift", "collapse", *NO_SIGNAL)),
    Rule("updates-swallowed", updates.updates_swallowed, ("learning-rate-too-low",)),
    Rule("learning-rate-too-high", updates.learning_rate_too_high,
         ("answers-never-end", "degenerate-repetition", "cap-too-short", "one-answer", "collapse", "no-anchor-drift",
          *NO_SIGNAL)),
    Rule("answers-never-end", endings.answers_never_end,
         ("degenerate-repetition", "cap-too-short", "no-anchor-drift", *NO_SIGNAL)),
    Rule("degenerate-repetition", endings.degenerate_repetition, ("cap-too-short", "no-anchor-drift", *NO_SIGNAL)),
    Rule("cap-too-short", endings.cap_too_short, ("no-anchor-drift", *NO_SIGNAL)),
    Rule("one-answer", collapse.one_answer, ("collapse", "no-anchor-drift", *NO_SIGNAL)),
    Rule("collapse", collapse.collapse, ("no-anchor-drift", *NO_SIGNAL)),
    Rule("group-too-small", groups.group_too_small, ("learning-rate-too-low",)),
    Rule("pool-all-wrong", groups.pool_all_wrong, ("no-anchor-drift", "learning-rate-too-low")),
    Rule("pool-all-right", groups.pool_all_right, ("no-anchor-drift", "learning-rate-too-low"), stops=False),
    Rule("no-anchor-drift", updates.no_anchor_drift),
    Rule("learning-rate-too-low", updates.learning_rate_too_low),
)  # fmt: skip


def diagnose(window: Window) -> tuple[Diagnosis, ...]:
    """What is wrong, causes before what hangs on them, without what they explain; nothing for a healthy training."""
    found: list[Diagnosis] = []
    explained: set[str] = set()
    for rule in RULES:
        diagnosis = None if rule.name in explained else rule.judge(window)
        if diagnosis is not None:
            assert diagnosis.name == rule.name
            found.append(diagnosis)
            explained |= set(rule.explains)
    return tuple(found)


STOPPING = frozenset(rule.name for rule in RULES if rule.stops)
