"""Whether one step of the longest rows fits into memory, as a rehearsal found."""

from __future__ import annotations

from noisy_student.evaluation.preflight.check import Check, Result, size
from noisy_student.evaluation.preflight.facts import Facts, Rehearsal

NAME = "memory"
TIGHT = 0.9
"""Ours: a tenth stays for what else the machine does."""
SMALLER = "a smaller model, or adapters: --set conditions.NAME.lora.rank=8"


def judge(facts: Facts) -> Check | None:
    """Fail where a step did not fit or took more than is free, warn above nine tenths; the heaviest step counts.

    Several workers train at once, so each has its share of what is free. Unsure where the system does not say.
    """
    if not facts.rehearsals:
        return None
    worst = max(facts.rehearsals, key=lambda each: _load(each, facts.workers))
    load = _load(worst, facts.workers)
    outcome: Result = "fail" if load > 1 else "warn" if load > TIGHT else "pass"
    if worst.peak is None and not worst.reason:
        outcome = "unsure"
    free = "" if worst.free is None else f" of {size(worst.free)} free"
    took = "did not fit" if worst.reason else "not known" if worst.peak is None else size(worst.peak)
    many = f" for each of {facts.workers} workers" if facts.workers > 1 else ""
    return Check(
        NAME,
        outcome,
        None if worst.peak is None else float(worst.peak),
        f"{took}{many}{free}",
        f"at most {TIGHT:.0%} of what is free (fail above all of it)",
        _remedy(worst, facts.workers) if outcome in ("warn", "fail") else None,
        "; ".join(_told(each) for each in facts.rehearsals),
    )


def _load(each: Rehearsal, workers: int) -> float:
    """Peaks ÷ free; infinite where it did not fit, 0 where something is not known."""
    if each.reason:
        return float("inf")
    return workers * each.peak / each.free if each.peak is not None and each.free else 0.0


def _remedy(each: Rehearsal, workers: int) -> str:
    if workers > 1:
        return "--set compute.workers=1"
    if each.rows == 1:
        return SMALLER[0].upper() + SMALLER[1:]
    # Any divisor of what divides the batch divides it, too.
    fewer = max(rows for rows in range(1, each.rows) if not each.rows % rows)
    checkpointing = " --set sft.activation_checkpointing=true" if each.method == "sft" else ""
    return f"--set {each.method}.micro_batch={fewer}{checkpointing}, {SMALLER}"


def _told(each: Rehearsal) -> str:
    took = each.reason or ("not known" if each.peak is None else f"took {size(each.peak)} ({each.where})")
    return f"{each.method}: {each.rows} rows of {each.tokens} tokens: {took}"
