"""Review of a round of self-training on dev: accepts or rejects the student, and names signs of collapse.

A student is rejected if it is significantly worse on dev, or if two rounds in a row raise an alarm. Of all runs at most
the share ``error`` rejects a student for being worse whose true accuracy has not fallen (Bonferroni over the rounds).
Alarms need no true answers, or only those of dev. They are the signs of Shafayat et al. 2025 (arXiv 2505.21444), where
agreement continued to rise while held-out accuracy collapsed.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from noisy_student.statistics.paired import worse_exact

FALL = 0.1
"""Largest share of the answers' entropy that may be lost from one round to the next."""
LEADING = 0.05
"""Most by which the share of the most common answer may rise."""
READABLE = 0.05
"""Most by which the share of readable answers may fall."""
LENGTH = 1.5
"""The factor by which answers may get longer or shorter."""
APART = 0.02
"""Least by which agreement must rise, and accuracy or precision fall, to be an alarm."""


@dataclass(frozen=True, slots=True)
class Round:
    """A student's answers to the dev questions: greedy ones (``right``, by question), and votes of K samples.

    ``winners`` are the votes' answers, None without one; ``agreement`` the mean share of K of the leading one;
    ``coverage`` and ``precision`` those of the votes that would be selected, precision None if none is; ``readable``
    the share of samples with an answer, ``length`` their mean number of tokens.
    """

    right: tuple[bool, ...]
    winners: tuple[str | None, ...]
    agreement: float
    coverage: float
    precision: float | None
    readable: float
    length: float

    @property
    def accuracy(self) -> float:
        """The share of greedy answers that are right."""
        return sum(self.right) / len(self.right)


@dataclass(frozen=True, slots=True)
class Alarm:
    """One sign of collapse, with its number in the round before and in this one."""

    name: str
    before: float
    now: float


@dataclass(frozen=True, slots=True)
class Review:
    """The result of a review: ``p_worse`` is one-sided and exact, compared with ``level``."""

    accepted: bool
    reason: str | None
    p_worse: float
    level: float
    alarms: tuple[Alarm, ...]


def review(before: Round, now: Round, *, error: float, rounds: int, alarmed_before: bool) -> Review:
    """Accept or turn down a round's student in a chain of at most ``rounds``; both hold the same questions in order."""
    lost = sum(a and not b for a, b in zip(before.right, now.right, strict=True))
    gained = sum(b and not a for a, b in zip(before.right, now.right, strict=True))
    p_worse, level, found = worse_exact(lost, gained), error / rounds, alarms(before, now)
    reason = None
    if p_worse <= level:
        reason = f"on dev {lost} answers became wrong and {gained} right (one-sided p {p_worse:.4f}, limit {level:.4f})"
    elif found and alarmed_before:
        reason = f"the second round in a row with an alarm: {', '.join(alarm.name for alarm in found)}"
    return Review(reason is None, reason, p_worse, level, found)


def alarms(before: Round, now: Round) -> tuple[Alarm, ...]:
    """Return the signs of collapse between two rounds."""
    found = []
    for rule in ALARMS:
        was, is_now = rule.number(before), rule.number(now)
        rises = rule.rising is None or rule.rising(now) > rule.rising(before) + APART
        if was is not None and is_now is not None and rises and rule.alarming(was, is_now):
            found.append(Alarm(rule.name, was, is_now))
    return tuple(found)


def entropy(winners: Sequence[str | None]) -> float:
    """Return the entropy of the winners over questions, in bits; questions without a winner are left out.

    >>> entropy(["4", "5", None]), entropy(["4", "4"])
    (1.0, 0.0)
    """
    counts = Counter(winner for winner in winners if winner is not None)
    total = counts.total()
    return sum(count / total * math.log2(total / count) for count in counts.values()) + 0.0


def share_of_answered(winners: Sequence[str | None]) -> float:
    """Return the share of the most common answer among questions with a winner; 0 without a winner."""
    counts = Counter(winner for winner in winners if winner is not None)
    return counts.most_common(1)[0][1] / counts.total() if counts else 0.0


@dataclass(frozen=True, slots=True)
class AlarmRule:
    """A sign of collapse: how its number changes, and the number that must rise at the same time, if any."""

    name: str
    number: Callable[[Round], float | None]
    alarming: Callable[[float, float], bool]
    rising: Callable[[Round], float] | None = None


def _falls(was: float, now: float) -> bool:
    return now < was - APART


ALARMS = (
    AlarmRule("answers become alike", lambda one: entropy(one.winners), lambda was, now: now < (1 - FALL) * was),
    AlarmRule("one answer spreads", lambda one: share_of_answered(one.winners), lambda was, now: now > was + LEADING),
    AlarmRule("answers cannot be read", lambda one: one.readable, lambda was, now: now < was - READABLE),
    AlarmRule(
        "answers change their length", lambda one: one.length, lambda was, now: not was / LENGTH <= now <= was * LENGTH
    ),
    AlarmRule("agreement rises while accuracy falls", lambda one: one.accuracy, _falls, lambda one: one.agreement),
    AlarmRule("more is selected and less of it is right", lambda one: one.precision, _falls, lambda one: one.coverage),
)
"""The rules for signs of collapse."""
