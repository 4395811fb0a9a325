"""Whether one step of the longest rows fits into memory, as a rehearsal found."""

from __future__ import annotations

from noisy_student.evaluation.preflight.check import Check, Result, size
from noisy_student.evaluation.preflight.facts import Facts, Rehearsal

NAME = "memory"
TIGHT = 0.9
"""Ours: a tenth stays for what else the machine does."""


def judge(facts: Facts) -> Check | None:
    """Fail where a step did not fit or took more than is free, warn above nine tenths; the heaviest step counts."""
    if not facts.rehearsals:
        return None
    worst = max(facts.rehearsals, key=_load)
    load = _load(worst)
    outcome: Result = "fail" if load > 1 else "warn" if load > TIGHT else "pass"
    known = [each for each in facts.rehearsals if each.peak is not None]
    detail = "; ".join(
        f"{each.method}: {each.rows} rows of {each.tokens} tokens"
        + (f" took {size(each.peak)}" if each.peak is not None else f": {each.reason}")
        for each in facts.rehearsals
    )
    free = "" if worst.free is None else f" of {size(worst.free)} free ({worst.where})"
    measured = f"{size(worst.peak)}{free}" if worst.peak is not None else f"did not fit{free}"
    half = max(1, worst.rows // 2)
    checkpointing = " --set sft.activation_checkpointing=true" if worst.method == "sft" else ""
    return Check(
        NAME,
        outcome,
        float(worst.peak) if worst.peak is not None else None,
        measured,
        f"at most {TIGHT:.0%} of what is free (fail above all of it)",
        None if outcome == "pass" else f"--set {worst.method}.micro_batch={half}{checkpointing}",
        detail + ("" if len(known) == len(facts.rehearsals) else "; not all could be measured"),
    )


def _load(each: Rehearsal) -> float:
    """Peak ÷ free; infinite where it did not fit, 0 where what is free is not known."""
    if each.peak is None:
        return float("inf")
    return each.peak / each.free if each.free else 0.0
