"""Paired test of two conditions on the same questions, with its interval, smallest detectable effect and size.

Outcomes of both by question id come in. One 0/1 answer a question gives McNemar's mid-p test; fractions (several
samples, or several seeds averaged) give a paired t test on question means, exact sign flips where few differ.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from noisy_student.errors import UserError
from noisy_student.statistics.differences import EXACT_FLIPS, paired_t, sign_flip
from noisy_student.statistics.intervals import Interval
from noisy_student.statistics.paired import PairedCounts, mcnemar_exact, mcnemar_midp, newcombe_paired
from noisy_student.statistics.power import AnswerNoise, mean_mde, mean_n, paired_mde, paired_n
from noisy_student.statistics.unpaired import EQUIVALENCE_CONFIDENCE

_NAMED = 3  # question ids named in an error


@dataclass(frozen=True, slots=True)
class PairedTest:
    """A paired comparison; ``narrow`` is the 90 % interval that decides equivalence, ``n_needed`` counts questions."""

    difference: float
    interval: Interval | None
    narrow: Interval | None
    p_value: float | None
    p_exact: float | None
    method: str
    n: int
    mde: float | None
    n_needed: int | None


def require_same_questions(a: Mapping[str, float], b: Mapping[str, float], *, names: tuple[str, str]) -> None:
    """Raise UserError unless both hold the same questions, and at least one."""
    if not a and not b:
        raise UserError(
            f"{names[0]} and {names[1]} have no graded question.",
            why="A comparison needs at least one question.",
            do="Grade some answers first.",
            code="nothing-graded",
        )
    missing = [(names[0], sorted(set(a) - set(b))), (names[1], sorted(set(b) - set(a)))]
    parts = [f"{len(ids)} only in {name} ({_listed(ids)})" for name, ids in missing if ids]
    if parts:
        raise UserError(
            f"{names[0]} and {names[1]} were graded on different questions: {', '.join(parts)}.",
            why="A paired test compares answers to the same questions.",
            do="Grade both on one test file, or compare the shared questions only with --inner.",
            code="different-questions",
        )


def question_test(a: Mapping[str, float], b: Mapping[str, float]) -> PairedTest:
    """Return the paired test of outcomes in [0, 1] by question; both must hold the same questions."""
    assert a.keys() == b.keys() and a, "join the questions first"
    ids = sorted(a)
    if all(a[i] in (0, 1) and b[i] in (0, 1) for i in ids):
        return _on_counts(PairedCounts.of((a[i] == 1, b[i] == 1) for i in ids))
    return question_means_test({i: float(a[i]) - float(b[i]) for i in ids})


def question_means_test(differences: Mapping[str, float]) -> PairedTest:
    """Return the paired test of one mean difference a question."""
    values = [differences[i] for i in sorted(differences)]
    test = paired_t(values)
    p_value, method = test.p_value, "paired t on question means"
    if sum(value != 0 for value in values) <= EXACT_FLIPS:
        # so few are counted in full: the seed is not used
        p_value, method = sign_flip(values, run_seed=0), "exact sign flips of question means, t interval"
    mde = needed = None
    if test.se:
        noise = AnswerNoise(between=test.se**2 * test.n)
        mde = mean_mde(noise, test.n)
        needed = math.ceil(mean_n(noise, test.difference)) if test.difference else None
    narrow = paired_t(values, confidence=EQUIVALENCE_CONFIDENCE).interval
    return PairedTest(test.difference, test.interval, narrow, p_value, None, method, test.n, mde, needed)


def _on_counts(counts: PairedCounts) -> PairedTest:
    mde = paired_mde(counts.discordance, counts.n) if counts.discordance else None
    needed = math.ceil(paired_n(counts.discordance, counts.difference)) if counts.difference else None
    return PairedTest(
        difference=counts.difference,
        interval=newcombe_paired(counts),
        narrow=newcombe_paired(counts, confidence=EQUIVALENCE_CONFIDENCE),
        p_value=mcnemar_midp(counts.only_a, counts.only_b),
        p_exact=mcnemar_exact(counts.only_a, counts.only_b),
        method="McNemar mid-p, Newcombe paired interval",
        n=counts.n,
        mde=mde,
        n_needed=needed,
    )


def _listed(ids: list[str]) -> str:
    return ", ".join(ids[:_NAMED]) + (", ..." if len(ids) > _NAMED else "")
