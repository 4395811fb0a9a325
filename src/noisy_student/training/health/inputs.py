"""Rules on the inputs of a training: unreadable gold labels, and prompts that differ from the answered ones."""

from __future__ import annotations

from noisy_student.training.health.window import Diagnosis, Window, percent

MOST_UNREADABLE = 0.01
"""Share of gold labels that may be unreadable; beyond it they have a format that the reader does not know."""
MISMATCH = 0.01
"""Nats between sampler and trainer at any token in float32, where they differ by less than a thousandth."""
MEAN_MISMATCH = 0.05
"""Mean of the same in half precision, where two ways of computing one number differ by a fifth of this."""


def unreadable_gold(window: Window) -> Diagnosis | None:
    """Gold labels cannot be read as numbers."""
    gold, unreadable = window.setup.gold, window.setup.unreadable
    if not gold or unreadable / gold <= MOST_UNREADABLE:
        return None
    return Diagnosis(
        "unreadable-gold",
        f"{unreadable} of {gold} gold answers ({percent(unreadable / gold)}) cannot be read as a number.",
        "No answer can be equal to them, so they are left out, and such answers on the test count as wrong.",
        "Write them as plain numbers, or name a column of plain numbers: --set data.source.answer=COLUMN.",
    )


def template_mismatch(window: Window) -> Diagnosis | None:
    """Trainer and sampler assign different probabilities to the answers."""
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
    # Written so that NaN is a mismatch, too.
    if apart < (MEAN_MISMATCH if half else MISMATCH):
        return None
    return Diagnosis(
        "template-mismatch",
        f"Sampler and trainer differ by {last['mismatch']:.3g} nats at one token (step {last['step']}).",
        "Answers were drawn with another chat template, other special tokens or other weights than are trained.",
        "Render both prompts with one renderer; if you changed nothing, report this with the model's config.json.",
    )
