"""Rules on labels, prompts and sampled answers: unreadable gold, other prompts than trained on, endings and loops."""

from __future__ import annotations

from noisy_student.training.health.window import Finding, Window, percent

MOST_UNREADABLE = 0.01
"""Share of gold labels that may be unreadable; beyond it they have a format that the reader does not know."""
MISMATCH = 0.01
"""Nats between sampler and trainer at any token in float32, where they differ by less than a thousandth."""
MEAN_MISMATCH = 0.05
"""Mean of the same in half precision, where two ways of computing one number differ by a fifth of this."""


def unreadable_gold(window: Window) -> Finding | None:
    """Gold labels cannot be read as numbers."""
    gold, unreadable = window.setup.gold, window.setup.unreadable
    if not gold or unreadable / gold <= MOST_UNREADABLE:
        return None
    return (
        f"{unreadable} of {gold} gold answers ({percent(unreadable / gold)}) cannot be read as a number.",
        "No answer can be equal to them, so they are left out, and such answers on the test count as wrong.",
        "Write them as plain numbers, or name a column of plain numbers: --set data.source.answer=COLUMN.",
    )


def template_mismatch(window: Window) -> Finding | None:
    """Trainer and sampler assign different probabilities to the answers."""
    known = [row for row in window.facts if row.get("mismatch") is not None]
    if not known:
        return None
    last = known[-1]
    apart, most = last["mismatch"], MISMATCH
    if window.setup.half:
        apart = sum(row["apart_nats"] for row in known) / max(1, sum(row["apart_tokens"] for row in known))
        most = MEAN_MISMATCH
    # Written so that NaN is a mismatch, too.
    if apart < most:
        return None
    return (
        f"Sampler and trainer differ by {last['mismatch']:.3g} nats at one token (step {last['step']}).",
        "Answers were drawn with another chat template, other special tokens or other weights than are trained.",
        "Render both prompts with one renderer; if you changed nothing, report this with the model's config.json.",
    )


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


def answers_never_end(window: Window) -> Finding | None:
    """Hardly any answer ends before the cap, and many are therefore unreadable."""
    grpo = window.grpo
    stopped, readable = window.mean("stopped"), window.mean("readable")
    if stopped >= HARDLY or readable >= READ_ANYWAY:
        return None
    return (
        f"{percent(stopped)} of answers end within {grpo.max_new_tokens} tokens, {percent(window.mean('looped'))} "
        f"loop, and {percent(readable)} can be read.",
        "The model does not emit its end token, so answers are cut at the cap and cannot be read.",
        "Fine-tune on gold first, whose last token is the end token; or make a rewarded end likelier: "
        f"--set grpo.generations={max(8, 2 * grpo.generations)}, a higher learning rate; or read cut answers: "
        "--set answers.truncated=last-number. noisy-student run v4-debug tries the plan's remedies.",
    )


def degenerate_repetition(window: Window) -> Finding | None:
    """Many answers repeat the same few tokens."""
    grpo = window.grpo
    if not window.facts or window.mean("looped") <= MOST_LOOPED:
        return None
    cooler = min(0.7, grpo.temperature / 2)
    anchor = f", or a stronger anchor: --set grpo.beta={max(0.04, 2 * grpo.beta):g}"
    return (
        f"{percent(window.mean('looped'))} of answers end in a loop of a few tokens, "
        f"{percent(window.mean('cut_looped'))} until the cap.",
        "The model repeats itself and nothing makes it stop.",
        f"A lower temperature: --set grpo.temperature={cooler:g}{anchor}; or noisy-student run v4-debug.",
    )


def cap_too_short(window: Window) -> Finding | None:
    """Many answers are cut before they are finished."""
    grpo = window.grpo
    cut = 1 - window.mean("stopped")
    if cut <= MOST_CUT or window.mean("cut_looped") >= MOSTLY * cut or window.mean("readable") >= READ_ANYWAY:
        return None
    longest = max((int(row["longest_ended"]) for row in window.facts if row.get("longest_ended")), default=0)
    return (
        f"{percent(cut)} of answers are cut at {grpo.max_new_tokens} tokens without a loop; the longest that ended "
        f"has {longest}.",
        "Answers that need more tokens are cut, and a cut answer earns nothing.",
        f"--set grpo.max_new_tokens={2 * grpo.max_new_tokens}",
    )
