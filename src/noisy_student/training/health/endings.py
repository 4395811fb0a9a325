"""Rules on the ends of answers: none at all, a loop, or a cut at too short a cap."""

from __future__ import annotations

from noisy_student.training.health.window import Diagnosis, Window, percent

HARDLY = 0.1
"""Share of answers that end, below which answers never end."""
READ_ANYWAY = 0.9
"""Share of readable answers from which on their ends do not matter: in the plan's working run no answer ended, yet all
were read."""
MOST_CUT = 0.1
"""Share of answers that a cap may cut; beyond it users of TRL saw flat rewards (its issues 5697 and 6263)."""
MOST_LOOPED = 0.1
"""Share of answers that may loop; in the lab none does."""
MOSTLY = 0.5


def answers_never_end(window: Window) -> Diagnosis | None:
    """Hardly any answer ends before the cap, and many are therefore unreadable."""
    grpo = window.grpo
    if not window.facts:
        return None
    stopped, readable = window.mean("stopped"), window.mean("readable")
    if stopped >= HARDLY or readable >= READ_ANYWAY:
        return None
    return Diagnosis(
        "answers-never-end",
        f"{percent(stopped)} of answers end within {grpo.max_new_tokens} tokens, {percent(window.mean('looped'))} "
        f"loop, and {percent(readable)} can be read.",
        "The model does not emit its end token, so answers are cut at the cap and cannot be read.",
        "Fine-tune on gold first, whose last token is the end token; or make a rewarded end likelier: "
        f"--set grpo.generations={max(8, 2 * grpo.generations)}, a higher learning rate; or read cut answers: "
        "--set answers.truncated=last-number. noisy-student run v4-debug tries the plan's remedies.",
    )


def degenerate_repetition(window: Window) -> Diagnosis | None:
    """Many answers repeat the same few tokens."""
    grpo = window.grpo
    if not window.facts or window.mean("looped") <= MOST_LOOPED:
        return None
    cooler = min(0.7, grpo.temperature / 2)
    anchor = f", or a stronger anchor: --set grpo.beta={max(0.04, 2 * grpo.beta):g}"
    return Diagnosis(
        "degenerate-repetition",
        f"{percent(window.mean('looped'))} of answers end in a loop of a few tokens, "
        f"{percent(window.mean('cut_looped'))} until the cap.",
        "The model repeats itself and nothing makes it stop.",
        f"A lower temperature: --set grpo.temperature={cooler:g}{anchor}; or noisy-student run v4-debug.",
    )


def cap_too_short(window: Window) -> Diagnosis | None:
    """Many answers are cut before they are finished."""
    grpo = window.grpo
    if not window.facts:
        return None
    cut = 1 - window.mean("stopped")
    if cut <= MOST_CUT or window.mean("cut_looped") >= MOSTLY * cut or window.mean("readable") >= READ_ANYWAY:
        return None
    longest = max((int(row["longest_ended"]) for row in window.facts if row.get("longest_ended")), default=0)
    return Diagnosis(
        "cap-too-short",
        f"{percent(cut)} of answers are cut at {grpo.max_new_tokens} tokens without a loop; the longest that ended "
        f"has {longest}.",
        "Answers that need more tokens are cut, and a cut answer earns nothing.",
        f"--set grpo.max_new_tokens={2 * grpo.max_new_tokens}",
    )
