"""Rules on what is taught from: gold that cannot be read, prompts that are not those that were answered."""

from __future__ import annotations

from noisy_student.training.health.window import Diagnosis, Window, percent

MOST_UNREADABLE = 0.01
"""Gold labels that may be no answer at all; one in a hundred is a format that the reader does not know."""
MISMATCH = 0.01
"""Nats between sampler and trainer at any token; in float32 they differ by less than a thousandth."""
MEAN_MISMATCH = 0.05
"""The same on average, for half precision, where two ways of computing one number differ by a fifth of this."""


def unreadable_gold(window: Window) -> Diagnosis | None:
    """Gold labels are no numbers to this program's reader."""
    gold, unreadable = window.setup.gold, window.setup.unreadable
    if not gold or unreadable / gold <= MOST_UNREADABLE:
        return None
    return Diagnosis(
        "unreadable-gold",
        f"{unreadable} of {gold} gold answers ({percent(unreadable / gold)}) cannot be read as a number.",
        "No answer can be right on them, so they are left out, and their like on the test counts as wrong.",
        "Write them as plain numbers, or name the column that holds such: --set data.source.answer=COLUMN.",
    )


def template_mismatch(window: Window) -> Diagnosis | None:
    """The trainer finds other probabilities for the answers than the sampler that drew them."""
    known = [row for row in window.facts if row.get("mismatch") is not None]
    if not known:
        return None
    last = known[-1]
    half = window.setup.half
    apart = (
        sum(row["apart_nats"] for row in known) / max(1, sum(row["apart_tokens"] for row in known))
        if half
        else last["mismatch"]
    )
    # Written so that what is no number is a mismatch, too.
    if apart < (MEAN_MISMATCH if half else MISMATCH):
        return None
    return Diagnosis(
        "template-mismatch",
        f"Sampler and trainer differ by {last['mismatch']:.3g} nats at one token (step {last['step']}).",
        "What was answered is not what is trained on: another chat template, other special tokens, or other weights; "
        "the answers would be those of another model.",
        "Let one renderer make both prompts; if nothing was changed, report this with the model's config.json.",
    )
