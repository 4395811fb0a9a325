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
    asks: str


RULES = (
    Rule(baseline_accuracy.NAME, baseline_accuracy.judge, "Is the trained baseline neither hopeless nor finished?"),
    Rule(vote_quality.NAME, vote_quality.judge, "Is the vote right more often than not, and with how many samples?"),
    Rule(speed.NAME, speed.judge, "Are answers drawn together faster than one at a time?"),
    Rule(parsing.NAME, parsing.judge, "Do samples hold an answer that can be read?"),
    Rule(truncation.NAME, truncation.judge, "Do answers end before the cap?"),
    Rule(stop_ids.NAME, stop_ids.judge, "Does the engine know what ends a text, and is padding something else?"),
    Rule(template.NAME, template.judge, "Is the prompt of training the prompt of sampling?"),
    Rule(extractor.NAME, extractor.judge, "Are gold answers read as what they are, and wrong ones not?"),
    Rule(dtype.NAME, dtype.judge, "Are the weights fine enough for their updates?"),
    Rule(overlap.NAME, overlap.judge, "Does the training side repeat test questions?"),
    Rule(batches.NAME, batches.judge, "Does the work divide into steps?"),
    Rule(memory.NAME, memory.judge, "Does one step of the longest rows fit into memory?"),
    Rule(disk.NAME, disk.judge, "Do the checkpoints fit on the disk?"),
    Rule(pool_gap.NAME, pool_gap.judge, "Is the training file easier than the test, as if it were known by heart?"),
    Rule(completion.NAME, completion.judge, "Can the model go on with a question that it was shown half of?"),
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
