"""Whether the work divides into steps, and how many there are."""

from __future__ import annotations

from collections.abc import Iterator

from noisy_student.evaluation.preflight.check import Check
from noisy_student.evaluation.preflight.facts import Batches, Facts

NAME = "batches"
FEW = 10
"""Ours: fewer steps than this are over before the warm-up is."""


def judge(facts: Facts) -> Check | None:
    """Fail where a batch is no whole number of micro-batches or of groups, warn for few steps or a half-empty one."""
    if not facts.batches:
        return None
    broken = [text for each in facts.batches for text in _broken(each)]
    odd = [text for each in facts.batches for text in _odd(each)]
    detail = "; ".join(
        f"{each.method}: {each.examples:,} {each.unit} in steps of {each.batch}, {each.micro_batch} at once: "
        f"{each.steps:,} steps"
        for each in facts.batches
    )
    found = broken or odd
    return Check(
        NAME,
        "fail" if broken else "warn" if odd else "pass",
        float(sum(each.steps for each in facts.batches)),
        "; ".join(found) if found else f"{sum(each.steps for each in facts.batches):,} steps",
        "whole micro-batches, whole groups, 10 steps or more",
        _remedy(facts.batches) if found else None,
        detail,
    )


def _broken(each: Batches) -> Iterator[str]:
    if each.batch % each.micro_batch:
        yield f"{each.method}: {each.batch} is no multiple of {each.micro_batch}"
    if each.group > 1 and each.batch % each.group:
        yield f"{each.method}: {each.batch} answers are no whole groups of {each.group}"


def _odd(each: Batches) -> Iterator[str]:
    if each.steps < FEW:
        yield f"{each.method}: only {each.steps} steps"
    if each.examples * each.group < each.batch:
        yield f"{each.method}: a step of {each.batch} is more than there is"


def _remedy(batches: tuple[Batches, ...]) -> str:
    """The nearest micro-batch that divides, or a smaller step."""
    said = []
    for each in batches:
        if each.batch % each.micro_batch:
            sizes = [size for size in range(1, each.batch + 1) if not each.batch % size]
            near = min(sizes, key=lambda size: abs(size - each.micro_batch))
            said.append(f"--set {each.method}.micro_batch={near}")
        elif each.steps < FEW:
            field = "grpo.prompts" if each.method == "grpo" else "sft.batch"
            said.append(f"--set {field}={max(1, each.examples // each.group // FEW)}")
    return ", ".join(dict.fromkeys(said)) or "More examples: --set data.labeled=N"
