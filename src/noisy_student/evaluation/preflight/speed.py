"""Whether answers drawn together come faster than one at a time: K samples a question are paid for by it."""

from __future__ import annotations

from noisy_student.evaluation.preflight.check import Check
from noisy_student.evaluation.preflight.facts import Facts

NAME = "batched-speed-up"
LEAST = 2.0
"""The plan, "Pre-flight Checks", 3, saw four to eight times; below two something draws one by one."""


def judge(facts: Facts) -> Check | None:
    """Pass from twice as fast on, warn below."""
    found = facts.speed
    if found is None:
        return None
    ratio = found.together / found.alone
    remedy = "--set compute.width=512 --set compute.chunk=512, or compute.engine=vllm on a GPU"
    return Check(
        NAME,
        "pass" if ratio >= LEAST else "warn",
        ratio,
        f"{ratio:.1f} times",
        f"at least {LEAST:g} times",
        None if ratio >= LEAST else remedy,
        f"{found.rows} answers together: {found.together:,.0f} tokens a second; one at a time: {found.alone:,.0f}",
    )
