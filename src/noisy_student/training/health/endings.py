"""Rules on how answers end: never, at a cap that is too short, in a circle."""

from __future__ import annotations

from noisy_student.training.health.window import Diagnosis, Window, percent

HARDLY = 0.1
"""Answers that end, below which they are said not to."""
READ_ANYWAY = 0.9
"""Answers that can be read, from which on it does not matter that they do not end: the plan's working run had none that
ended, and its answers were read all the same."""
MOST_CUT = 0.1
"""Answers that a cap may cut; beyond it users of TRL saw flat rewards (its issues 5697 and 6263)."""
MOST_LOOPED = 0.1
"""Answers that may run in circles; in the lab none does."""
MOSTLY = 0.5


def answers_never_end(window: Window) -> Diagnosis | None:
    """Hardly any answer ends before the cap, and most cannot be read for it."""
    grpo = window.setup.grpo
    if grpo is None or not window.facts:
        return None
    stopped, readable = window.mean("stopped"), window.mean("readable")
    if stopped >= HARDLY or readable >= READ_ANYWAY:
        return None
    return Diagnosis(
        "answers-never-end",
        f"{percent(stopped)} of answers end within {grpo.max_new_tokens} tokens, {percent(window.mean('looped'))} run "
        f"in a circle, and {percent(readable)} can be read.",
        "The model does not give its end token, so answers run to the cap and are no answers.",
        "Fine-tune on gold first, whose last token is the end token; or make ends likelier to be found and paid: "
        f"--set grpo.generations={max(8, 2 * grpo.generations)}, a higher learning rate; or read what was cut: "
        "--set answers.truncated=last-number. noisy-student run v4-debug tries what the plan tried.",
    )


def degenerate_repetition(window: Window) -> Diagnosis | None:
    """Many answers say the same few tokens over and over."""
    grpo = window.setup.grpo
    if grpo is None or not window.facts or window.mean("looped") <= MOST_LOOPED:
        return None
    cooler = min(0.7, grpo.temperature / 2)
    anchor = f", or a stronger anchor: --set grpo.beta={max(0.04, 2 * grpo.beta):g}"
    return Diagnosis(
        "degenerate-repetition",
        f"{percent(window.mean('looped'))} of answers end in the same few tokens over and over, "
        f"{percent(window.mean('cut_looped'))} until the cap.",
        "The model has said its answer, or lost its way, and nothing makes it stop.",
        f"Cooler answers: --set grpo.temperature={cooler:g}{anchor}; or noisy-student run v4-debug.",
    )


def cap_too_short(window: Window) -> Diagnosis | None:
    """Many answers are cut that were on their way."""
    grpo = window.setup.grpo
    if grpo is None or not window.facts:
        return None
    cut = 1 - window.mean("stopped")
    if cut <= MOST_CUT or window.mean("cut_looped") >= MOSTLY * cut or window.mean("readable") >= READ_ANYWAY:
        return None
    longest = max((int(row["longest_ended"]) for row in window.facts if row.get("longest_ended")), default=0)
    return Diagnosis(
        "cap-too-short",
        f"{percent(cut)} of answers are cut at {grpo.max_new_tokens} tokens without running in a circle; the longest "
        f"that ended has {longest}.",
        "Answers that need more room are cut, and a cut answer earns nothing, however right it was.",
        f"--set grpo.max_new_tokens={2 * grpo.max_new_tokens}",
    )
