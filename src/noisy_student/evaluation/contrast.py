"""Findings on the difference between two conditions of a study, their verdicts, and judgements of what was expected.

Correctness by seed and question comes in. With one or two seeds the questions are the sample and the Finding speaks
of these checkpoints; with three or more the seeds are, it speaks of the recipe, and the questions' Finding stands
beside it. A contrast cannot know its family, so ``judge`` adjusts afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from noisy_student.errors import UserError
from noisy_student.evaluation.question_test import (
    PairedTest,
    question_means_test,
    question_test,
    require_same_questions,
)
from noisy_student.records import Finding, Verdict
from noisy_student.statistics.differences import paired_t
from noisy_student.statistics.intervals import Interval
from noisy_student.statistics.multiple import benjamini_hochberg, holm
from noisy_student.statistics.power import ALPHA, seeds_mde
from noisy_student.statistics.unpaired import EQUIVALENCE_CONFIDENCE

RECIPE_SEEDS = 3  # from this many seeds on, the claim is about the recipe
Held = Literal["held", "failed", "unsure"]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """One condition's correctness: seed -> question id -> right or not, or the fraction of its samples right."""

    condition: str
    by_seed: Mapping[int, Mapping[str, float]]

    def minus(self, other: Outcomes) -> Outcomes:
        """Return the difference to another condition by question, for seeds and questions that both have."""
        by_seed = {
            seed: {i: right - other.by_seed[seed][i] for i, right in outcomes.items()}
            for seed, outcomes in self.shared_with(other).by_seed.items()
        }
        return Outcomes(f"({self.condition} - {other.condition})", by_seed)

    def shared_with(self, other: Outcomes) -> Outcomes:
        """Return these outcomes on the questions that the other condition has for the same seed."""
        kept = {
            seed: {i: right for i, right in outcomes.items() if i in other.by_seed[seed]}
            for seed, outcomes in self.by_seed.items()
            if seed in other.by_seed
        }
        return Outcomes(self.condition, kept)


def contrast(
    name: str, a: Outcomes, b: Outcomes, *, margin: float | None, primary: bool, family: str
) -> tuple[Finding, ...]:
    """Return the unadjusted Findings of A - B: one on the questions, before it one on the recipe from three seeds on.

    Joins on seed (a seed that only one condition has is left out) and question id. A primary Finding's verdict is
    what can be said without its family, "no-difference" or "undecided". Raises UserError without a common seed or
    where the questions of a seed differ (``shared_with`` drops them on purpose).
    """
    common = sorted(set(a.by_seed) & set(b.by_seed))
    if not common:
        raise UserError(
            f'"{a.condition}" and "{b.condition}" have no seed in common.',
            why="A contrast pairs runs of the same seed.",
            do="Run both conditions with the same --seeds.",
            code="no-common-seed",
        )
    for seed in common:
        names = (f'"{a.condition}" (seed {seed})', f'"{b.condition}" (seed {seed})')
        require_same_questions(a.by_seed[seed], b.by_seed[seed], names=names)

    def finding(title: str, test: PairedTest, unit: Literal["checkpoints", "recipe"], *, primary: bool) -> Finding:
        inside = margin is not None and test.narrow is not None and test.narrow.within(margin)
        return Finding(
            name=title,
            a=a.condition,
            b=b.condition,
            difference=test.difference,
            interval=None if test.interval is None else (test.interval.low, test.interval.high),
            p_value=test.p_value,
            p_adjusted=None,
            method=test.method,
            primary=primary,
            family=family,
            unit=unit,
            seeds=len(common),
            n=test.n,
            margin=margin,
            mde=test.mde,
            verdict=("no-difference" if inside else "undecided") if primary else None,
        )

    questions = _on_questions(a, b, common)
    if len(common) < RECIPE_SEEDS:
        return (finding(name, questions, "checkpoints", primary=primary),)
    recipe = finding(name, _on_seeds(a, b, common), "recipe", primary=primary)
    return recipe, finding(f"{name} (questions)", questions, "checkpoints", primary=False)


def judge(findings: Sequence[Finding], *, declared: int = 0) -> list[Finding]:
    """Return the Findings in their order, adjusted within their family and with verdicts.

    Holm over the primary ones with a p value, Benjamini-Hochberg over the others. A primary Finding helps or hurts
    when its adjusted p value is at most .05; otherwise it keeps the verdict that ``contrast`` gave. ``declared`` is how
    many primary comparisons were named before the run; those that are missing count as if nothing was found in them.
    """
    judged = list(findings)
    for key in dict.fromkeys((finding.family, finding.primary) for finding in findings):
        member = [i for i, f in enumerate(findings) if (f.family, f.primary) == key and f.p_value is not None]
        adjust = holm if key[1] else benjamini_hochberg
        p_values = [p for p in (findings[i].p_value for i in member) if p is not None]
        missing = max(0, declared - len(p_values)) if key[1] else 0
        for i, p_adjusted in zip(member, adjust([*p_values, *[1.0] * missing]), strict=False):
            judged[i] = replace(findings[i], p_adjusted=p_adjusted)
    return [replace(finding, verdict=_verdict(finding)) for finding in judged]


def criterion_answer(expected: str, finding: Finding) -> Held:
    """Judge a finding against the verdict that was expected of its comparison.

    A verdict that is neither the expected one nor "undecided" fails the criterion; a withheld one leaves it open.
    Equivalence fails only where the 95 % interval lies outside the margin, since a
    certain difference may still be within it.
    """
    if finding.verdict == expected:
        return "held"
    if finding.verdict is None:
        return "unsure"
    if expected != "no-difference":
        return "unsure" if finding.verdict == "undecided" else "failed"
    if finding.interval is None or finding.margin is None:
        return "unsure"
    low, high = finding.interval
    return "failed" if low > finding.margin or high < -finding.margin else "unsure"


def prediction_answer(interval: Interval, *, above: float | None, below: float | None) -> Held:
    """Judge a share against its one bound: ``held`` or ``failed`` where the whole interval lies on one side."""
    if above is not None:
        return "held" if interval.low > above else "failed" if interval.high <= above else "unsure"
    assert below is not None, "a prediction has one bound"
    return "held" if interval.high < below else "failed" if interval.low >= below else "unsure"


def beats_control(condition: str, control: str, findings: Sequence[Finding]) -> bool | None:
    """Return whether ``condition`` is better than its control by the test of the pair; None without a p value.

    Of several findings of the pair the first counts: from three seeds on it is the one about the recipe.
    """
    finding = next((finding for finding in findings if {finding.a, finding.b} == {condition, control}), None)
    if finding is None or finding.difference is None or finding.p_adjusted is None:
        return None
    gain = finding.difference if finding.a == condition else -finding.difference
    return gain > 0 and finding.p_adjusted <= ALPHA


def _on_questions(a: Outcomes, b: Outcomes, seeds: list[int]) -> PairedTest:
    """The test on each question's difference, averaged over the seeds whose test set holds it."""
    if len(seeds) == 1:
        return question_test(a.by_seed[seeds[0]], b.by_seed[seeds[0]])
    collected: dict[str, list[float]] = {}
    for seed in seeds:
        for i, right in a.by_seed[seed].items():
            collected.setdefault(i, []).append(float(right) - float(b.by_seed[seed][i]))
    return question_means_test({i: sum(values) / len(values) for i, values in collected.items()})


def _on_seeds(a: Outcomes, b: Outcomes, seeds: list[int]) -> PairedTest:
    differences = [_accuracy(a.by_seed[seed]) - _accuracy(b.by_seed[seed]) for seed in seeds]
    test = paired_t(differences)
    return PairedTest(
        difference=test.difference,
        interval=test.interval,
        narrow=paired_t(differences, confidence=EQUIVALENCE_CONFIDENCE).interval,
        p_value=test.p_value,
        p_exact=None,
        method="paired t on per-seed differences",
        n=len({i for seed in seeds for i in a.by_seed[seed]}),
        mde=seeds_mde(test.se * len(seeds) ** 0.5, len(seeds)) if test.se else None,
        n_needed=None,
    )


def _verdict(finding: Finding) -> Verdict | None:
    if not finding.primary:
        return None
    if finding.p_adjusted is not None and finding.p_adjusted <= ALPHA and finding.difference:
        return "helps" if finding.difference > 0 else "hurts"
    return finding.verdict or "undecided"


def _accuracy(outcomes: Mapping[str, float]) -> float:
    return sum(float(outcomes[i]) for i in sorted(outcomes)) / len(outcomes)
