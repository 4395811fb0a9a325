"""Checks of the machine: whole batches, memory of one training step, and disk space."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from noisy_student.evaluation.preflight.facts import Batches, Facts, Judgement, Outcome, in_bytes
from noisy_student.records import MemoryRehearsal

FEW_STEPS = 10
"""Own choice: a training with fewer steps ends before its warm-up."""
MEMORY_TIGHT = 0.9
"""Own choice: a tenth stays free for other processes."""
DISK_TIGHT = 0.8
"""Own choice: samples, curves and the cache of a converted model need room as well."""
SMALLER = "a smaller model, or adapters: --set conditions.NAME.lora.rank=8"


def batches(facts: Facts) -> Judgement | None:
    """Fail if a batch does not divide into micro-batches or groups, warn for few steps or a half-empty step."""
    if not facts.batches:
        return None
    broken = [text for each in facts.batches for text in _indivisible(each)]
    found = broken or [text for each in facts.batches for text in _too_small(each)]
    steps = sum(each.steps for each in facts.batches)
    detail = "; ".join(
        f"{each.method}: {each.examples:,} {each.unit} in steps of {each.batch}, {each.micro_batch} at once: "
        f"{each.steps:,} steps"
        for each in facts.batches
    )
    return Judgement(
        "fail" if broken else "warn" if found else "pass",
        float(steps),
        "; ".join(found) if found else f"{steps:,} steps",
        detail,
        _batch_remedy(facts.batches) if found else None,
    )


def memory(facts: Facts) -> Judgement | None:
    """Fail if the heaviest step did not fit or took more than is free, warn above nine tenths of it.

    Several workers train at once, so each peak counts once a worker. Unsure where the system does not report memory.
    """
    if not facts.rehearsals:
        return None
    worst = max(facts.rehearsals, key=lambda each: _memory_load(each, facts.workers))
    load = _memory_load(worst, facts.workers)
    outcome: Outcome = "fail" if load > 1 else "warn" if load > MEMORY_TIGHT else "pass"
    if worst.peak is None and not worst.reason:
        outcome = "unsure"
    free = "" if worst.free is None else f" of {in_bytes(worst.free)} free"
    took = "did not fit" if worst.reason else "not known" if worst.peak is None else in_bytes(worst.peak)
    many = f" for each of {facts.workers} workers" if facts.workers > 1 else ""
    return Judgement(
        outcome,
        None if worst.peak is None else float(worst.peak),
        f"{took}{many}{free}",
        "; ".join(_took(each) for each in facts.rehearsals),
        _memory_remedy(worst, facts.workers) if outcome in ("warn", "fail") else None,
    )


def disk(facts: Facts) -> Judgement | None:
    """Fail if the run would write more than is free, warn above four fifths of it."""
    found = facts.disk
    if found is None:
        return None
    load = found.expected / found.free if found.free else float("inf")
    return Judgement(
        "fail" if load > 1 else "warn" if load > DISK_TIGHT else "pass",
        float(found.expected),
        f"{in_bytes(found.expected)} of {in_bytes(found.free)} free",
        f"{found.students} students to be trained, and the state of one in training",
    )


def _indivisible(each: Batches) -> Iterator[str]:
    if each.batch % each.micro_batch:
        yield f"{each.method}: {each.batch} is not a multiple of {each.micro_batch}"
    if each.group > 1 and each.batch % each.group:
        yield f"{each.method}: {each.batch} answers do not divide into groups of {each.group}"


def _too_small(each: Batches) -> Iterator[str]:
    if each.steps < FEW_STEPS:
        yield f"{each.method}: only {each.steps} steps"
    if each.examples * each.group < each.batch:
        yield f"{each.method}: a step of {each.batch} is larger than the data"


def _batch_remedy(found: Sequence[Batches]) -> str:
    """Arguments for the nearest micro-batch that divides, or for a smaller step."""
    said = []
    for each in found:
        if each.batch % each.micro_batch:
            sizes = [size for size in range(1, each.batch + 1) if not each.batch % size]
            near = min(sizes, key=lambda size: abs(size - each.micro_batch))
            said.append(f"--set {each.method}.micro_batch={near}")
        elif each.steps < FEW_STEPS:
            said.append(f"--set {each.method}.{each.sized_by}={max(1, each.examples // each.group // FEW_STEPS)}")
    return ", ".join(dict.fromkeys(said)) or "More examples: --set data.labeled=N"


def _memory_load(each: MemoryRehearsal, workers: int) -> float:
    """Peaks ÷ free; infinite if the step did not fit, 0 if peak or free is unknown."""
    if each.reason:
        return float("inf")
    return workers * each.peak / each.free if each.peak is not None and each.free else 0.0


def _memory_remedy(each: MemoryRehearsal, workers: int) -> str:
    if workers > 1:
        return "--set compute.workers=1"
    if each.rows == 1:
        return SMALLER[0].upper() + SMALLER[1:]
    # A divisor of the micro-batch divides the batch as well.
    fewer = max(rows for rows in range(1, each.rows) if not each.rows % rows)
    checkpointing = " --set sft.activation_checkpointing=true" if each.method == "sft" else ""
    return f"--set {each.method}.micro_batch={fewer}{checkpointing}, {SMALLER}"


def _took(each: MemoryRehearsal) -> str:
    took = each.reason or ("not known" if each.peak is None else f"took {in_bytes(each.peak)} ({each.where})")
    return f"{each.method}: {each.rows} rows of {each.tokens} tokens: {took}"
