"""Checks of the sampled answers: baseline accuracy, vote accuracy, parsing and truncation."""

from __future__ import annotations

from collections.abc import Mapping

from noisy_student.evaluation.preflight.facts import Facts, Judgement, Outcome, Votes, share, with_interval
from noisy_student.statistics.intervals import wilson

BASELINE_LOW, BASELINE_HIGH = 0.20, 0.70
"""Project plan, "Pre-flight Checks", 1."""
EASIER = "Easier questions (--data FILE, or fewer data.source.steps) or a stronger model: --model MODEL"
HARDER = "Harder questions (--data FILE, or more data.source.steps): little is left to learn here"
VOTE_LEAST = 0.5
"""Project plan, "Pre-flight Checks", 2: 38 % at K = 4 was too little, 52 % at K = 8 enough."""
READABLE_GOOD, READABLE_POOR = 0.9, 0.5
"""Own choice: at .9 a vote of 8 lacks less than one answer; below .5 most samples are wasted."""
CUT_MOST = 0.10
"""Above a tenth users of TRL saw flat rewards (its issues 5697 and 6263)."""
CUT_SOME = 0.02
"""Own choice: from here on cut answers are reported."""


def baseline_accuracy(facts: Facts) -> Judgement | None:
    """Pass if the accuracy's interval lies in the range, fail if wholly outside, unsure if it crosses a bound.

    >>> baseline_accuracy(Facts(baseline=Votes(1, 100, 15, 100, 99, 0, 60, 70))).outcome
    'unsure'
    """
    found = facts.baseline
    if found is None or not found.questions:
        return None
    accuracy, interval = found.right / found.questions, wilson(found.right, found.questions)
    outcome: Outcome = "pass"
    if interval.high < BASELINE_LOW or interval.low > BASELINE_HIGH:
        outcome = "fail"
    elif interval.low < BASELINE_LOW or interval.high > BASELINE_HIGH:
        outcome = "unsure"
    remedy = EASIER if accuracy < (BASELINE_LOW + BASELINE_HIGH) / 2 else HARDER
    if outcome == "unsure":
        remedy = f"--set checks.questions={4 * found.questions} makes the interval half as wide. {remedy}"
    return Judgement(
        outcome,
        accuracy,
        with_interval(found.right, found.questions, interval),
        f"greedy answers of the baseline to {facts.asked}",
        None if outcome == "pass" else remedy,
    )


def vote_passes(right: int, questions: int) -> bool:
    """Return whether the interval lies above the threshold, so that no more samples are needed.

    >>> vote_passes(52, 100), vote_passes(70, 100)
    (False, True)
    """
    return questions > 0 and wilson(right, questions).low >= VOTE_LEAST


def vote_accuracy(facts: Facts) -> Judgement | None:
    """Judge the largest K: pass above the threshold, fail below it, unsure if the interval contains it."""
    if not facts.votes:
        return None
    last = facts.votes[-1]
    interval = wilson(last.right, last.questions)
    passed = vote_passes(last.right, last.questions)
    tried = ", ".join(f"K = {vote.K}: {share(vote.right, vote.questions)}" for vote in facts.votes)
    return Judgement(
        "pass" if passed else "fail" if interval.high < VOTE_LEAST else "unsure",
        last.right / last.questions,
        f"maj@{last.K} {with_interval(last.right, last.questions, interval)}",
        f"{tried}; {_unanimous(last)}; of {facts.asked}",
        (_more_samples(last.K, facts.labels) or None) if passed else _vote_remedy(facts),
    )


def parsing(facts: Facts) -> Judgement | None:
    """Pass if nine in ten samples hold a readable answer, fail below a half, warn between."""
    if not facts.votes:
        return None
    found = facts.votes[-1]
    rate = found.readable / found.samples
    mostly_cut = found.cut > (found.samples - found.readable) / 2
    outcome: Outcome = "pass" if rate >= READABLE_GOOD else "warn" if rate >= READABLE_POOR else "fail"
    return Judgement(
        outcome,
        rate,
        share(found.readable, found.samples),
        f"{found.readable:,} of {found.samples:,} samples hold an answer that can be read",
        "Most of the others were cut: see truncation" if mostly_cut and outcome != "pass" else None,
    )


def truncation(facts: Facts) -> Judgement | None:
    """Fail if more than a tenth is cut, warn above one in fifty; suggest the 99th percentile of uncut lengths as cap.

    With many cut answers that percentile is too low, so twice the cap is suggested.
    """
    if not facts.votes or facts.cap is None:
        return None
    found, cap = facts.votes[-1], facts.cap
    rate = found.cut / found.samples
    outcome: Outcome = "fail" if rate > CUT_MOST else "warn" if rate > CUT_SOME else "pass"
    # Uncut answers are all shorter than the cap: where many are cut their lengths understate the need.
    needed = 2 * cap if rate > CUT_MOST or found.p99_ended is None else max(found.p99_ended, cap + cap // 4)
    ended = "none ended" if found.p99_ended is None else f"99 % of those that ended have at most {found.p99_ended}"
    spare = ""
    if outcome == "pass" and found.p99_ended is not None and 2 * found.p99_ended < cap:
        spare = f"; a cap of {found.p99_ended} would do"
    set_cap = f"--set sampling.max_new_tokens={needed} --set evaluation.decoding.max_new_tokens={needed}"
    return Judgement(
        outcome,
        rate,
        share(found.cut, found.samples),
        f"cut at {cap} tokens; {ended}{spare}",
        None if outcome == "pass" else set_cap,
    )


def _vote_remedy(facts: Facts) -> str:
    best = max(facts.votes, key=lambda vote: vote.right)
    more = _more_samples(best.K, facts.labels)
    agreed = "learn from agreed votes only (--set conditions.NAME.select.min_agreement=0.75), or take a stronger model"
    return f"{more}; {agreed}" if more else agreed[0].upper() + agreed[1:]


def _more_samples(K: int, labels: Mapping[str, int]) -> str:
    """Arguments that give every set of labels at least K samples."""
    return " ".join(f"--set labels.{name}.K={K}" for name, sampled in labels.items() if sampled < K)


def _unanimous(vote: Votes) -> str:
    if not vote.unanimous:
        return f"no question had all {vote.K} alike"
    return f"{vote.unanimous_right} of {vote.unanimous} right where all {vote.K} agree"
