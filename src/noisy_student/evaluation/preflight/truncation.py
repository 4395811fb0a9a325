"""Whether answers end before the cap, and the cap that they would need."""

from __future__ import annotations

from noisy_student.evaluation.preflight.check import Check, Result, share
from noisy_student.evaluation.preflight.facts import Facts

NAME = "truncation"
MOST = 0.10
"""Beyond a tenth users of TRL saw flat rewards (its issues 5697 and 6263)."""
SOME = 0.02
"""Ours: more than a few cut answers are worth a look."""


def judge(facts: Facts) -> Check | None:
    """Fail where more than a tenth is cut, warn above one in fifty; suggests the 99th percentile of those that ended.

    Where hardly any ended by itself that percentile says nothing, and twice the cap is suggested.
    """
    if not facts.votes or facts.cap is None:
        return None
    found, cap = facts.votes[-1], facts.cap
    rate = found.cut / found.samples
    outcome: Result = "fail" if rate > MOST else "warn" if rate > SOME else "pass"
    # The lengths of those that ended are all below the cap: where many are cut they cannot say how much is needed.
    needed = 2 * cap if rate > MOST or found.p99_ended is None else max(found.p99_ended, cap + cap // 4)
    ended = "none ended" if found.p99_ended is None else f"99 % of those that ended have at most {found.p99_ended}"
    set_cap = f"--set sampling.max_new_tokens={needed} --set evaluation.decoding.max_new_tokens={needed}"
    spare = ""
    if outcome == "pass" and found.p99_ended is not None and 2 * found.p99_ended < cap:
        spare = f"; a cap of {found.p99_ended} would do"
    return Check(
        NAME,
        outcome,
        rate,
        share(found.cut, found.samples),
        f"at most {MOST:.0%}",
        None if outcome == "pass" else set_cap,
        f"cut at {cap} tokens; {ended}{spare}",
    )
