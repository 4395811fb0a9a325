"""Whether the model can go on with a question that it was shown half of: it has then seen the data before."""

from __future__ import annotations

from collections.abc import Sequence

from noisy_student.evaluation.preflight.check import Check, Result, share
from noisy_student.evaluation.preflight.facts import Facts
from noisy_student.statistics.intervals import wilson

NAME = "prompt-completion"
VERBATIM = 20
"""Tokens in a row that are no chance; Carlini et al. 2023 (arXiv 2202.07646) ask for 50 of web text, of which the
second half of a word problem has fewer."""
SOME, MANY = 0.05, 0.20
"""Ours: clean models complete none; Wu et al. 2025 (arXiv 2507.10532) found half of MATH-500 completed by Qwen2.5."""


def run_length(written: Sequence[int], known: Sequence[int]) -> int:
    """How many tokens from the start are the same.

    >>> run_length([1, 2, 3], [1, 2, 4])
    2
    """
    pairs = enumerate(zip(written, known, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(written), len(known)))


def judge(facts: Facts) -> Check | None:
    """Warn from one in twenty verbatim continuations on, fail from one in five on."""
    found = facts.completion
    if found is None or not found.questions:
        return None
    rate, interval = found.verbatim / found.questions, wilson(found.verbatim, found.questions)
    outcome: Result = "fail" if rate >= MANY else "warn" if rate >= SOME else "pass"
    return Check(
        NAME,
        outcome,
        rate,
        share(found.verbatim, found.questions),
        f"below {SOME:.0%} (fail from {MANY:.0%})",
        None if outcome == "pass" else "The questions may be memorised: take questions that were made later",
        f"{found.verbatim} of {found.questions} first halves were continued word for word for {found.least} tokens or "
        f"more (95 % interval to {100 * interval.high:.1f} %); the longest run has {found.longest}",
    )
