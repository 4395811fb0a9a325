"""The table of checks: what is looked at before the money is spent, the plan's four first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from noisy_student.evaluation.preflight import (
    baseline_accuracy,
    batches,
    completion,
    disk,
    dtype,
    extractor,
    memory,
    overlap,
    parsing,
    pool_gap,
    speed,
    stop_ids,
    template,
    truncation,
    vote_quality,
)
from noisy_student.evaluation.preflight.check import Check
from noisy_student.evaluation.preflight.facts import Facts


@dataclass(frozen=True, slots=True)
class Rule:
    """A question to what was measured; ``judge`` is None where its numbers are not there."""

    name: str
    judge: Callable[[Facts], Check | None]


RULES = (
    Rule(baseline_accuracy.NAME, baseline_accuracy.judge),
    Rule(vote_quality.NAME, vote_quality.judge),
    Rule(speed.NAME, speed.judge),
    Rule(parsing.NAME, parsing.judge),
    Rule(truncation.NAME, truncation.judge),
    Rule(stop_ids.NAME, stop_ids.judge),
    Rule(template.NAME, template.judge),
    Rule(extractor.NAME, extractor.judge),
    Rule(dtype.NAME, dtype.judge),
    Rule(overlap.NAME, overlap.judge),
    Rule(batches.NAME, batches.judge),
    Rule(memory.NAME, memory.judge),
    Rule(disk.NAME, disk.judge),
    Rule(pool_gap.NAME, pool_gap.judge),
    Rule(completion.NAME, completion.judge),
)


def judged(facts: Facts) -> tuple[Check, ...]:
    """One check a rule, in the order of the table.

    What does not apply passes with the reason; what could not be measured fails with it, since a check that nobody
    could make has shown nothing; what was not asked for is unsure.
    """
    return tuple(_one(rule, facts) for rule in RULES)


def _one(rule: Rule, facts: Facts) -> Check:
    found = rule.judge(facts)
    if found is not None:
        assert found.check == rule.name
        return found
    if rule.name in facts.excused:
        return Check(rule.name, "pass", None, "not applicable", "", None, facts.excused[rule.name])
    if rule.name in facts.missing:
        mend = "Mend it and run the same command again"
        return Check(rule.name, "fail", None, "could not be measured", "", mend, facts.missing[rule.name])
    return Check(rule.name, "unsure", None, "not measured", "", None, "it was not asked for")
