"""Numbers that look wrong and are not, or look right and are not: said beside a look, so that nobody mends them."""

from __future__ import annotations

from collections.abc import Iterator

from noisy_student.training.health.window import Window

NEAR_ZERO = 0.01


def misleading(window: Window) -> Iterator[str]:
    """A sentence for each of a trainer's own numbers that says something else than it seems to, as of now."""
    if window.setup.grpo is None or not window.points or not window.facts:
        return
    point, fact = window.points[-1], window.facts[-1]
    if not fact["spread"]:
        yield f"At step {window.step} no group had different rewards: that its loss is 0 means that it taught nothing."
    elif abs(point.loss) < NEAR_ZERO:
        norm = "" if point.grad_norm is None else f"; the gradient's norm is {point.grad_norm:.2g}"
        yield f"loss {point.loss:.4f} is near 0 by construction: advantages of a group add up to 0{norm}."
    if point.reward_std:
        yield (
            f"reward_std {point.reward_std:.2f} is that of the whole batch; within groups, which is what teaches, "
            f"it is {fact['spread']:.2f}."
        )
    if point.kl is None and window.drift:
        step, nats = window.drift[-1]
        yield f"kl is not logged at beta 0; measured at step {step} it is {nats:.2g} nats a token."
    if point.mean_terminated_length == 0:
        yield "mean_terminated_length 0 means that no answer ended, not that answers are empty."
