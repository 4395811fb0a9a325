"""Rules on the size of updates: none, too small, too large, or away from the start without gain."""

from __future__ import annotations

import math

from noisy_student.training.health.window import RECENT, SURE, Finding, Window, percent

STILL = 1e-4
"""Nats a token from the start below which a model has not moved; after 30 steps the lab has 1e-5 at a hundredth of its
rate, 1e-3 at a tenth."""
RUSH = 0.01
"""Nats a token and step in the first steps above which updates are too large; the lab has .002 at its rate, .035 at
three times that rate, where it learns nothing."""
ASTRAY = 0.1
"""Nats a token from the start that are far unless the reward has risen."""
AT_LEAST = 0.1
"""Nats a token by which the loss must rise as well, since a student of its own texts begins near 0."""
EARLY = (5, 30)
"""Steps between which a divergence counts as early."""
LITTLE = 0.01
"""Least relative change of an adapter in fine-tuning; the lab has .4 at its rate, .0001 at 1e-6."""
SWALLOWED = 0.5
"""Least share of changed weights in half precision; in float32 nearly all change."""
RISEN = 1.1
"""Factor on the start model's loss on the same training examples above which fine-tuning has made it worse; at ten
times the lab's rate it is 3."""


def updates_swallowed(window: Window) -> Finding | None:
    """Weights in half precision have not changed in spite of gradients."""
    moved = window.checks[-1].get("moved") if window.checks else None
    pulled = any(point.grad_norm for point in window.points)
    if moved is None or not window.setup.half or moved >= SWALLOWED or not pulled:
        return None
    rate = window.setup.learning_rate
    return (
        f"After {window.step} steps {percent(moved)} of the weights, stored in {window.setup.dtype}, have changed.",
        f"An update at a learning rate of {rate:g} is smaller than the distance of neighbouring numbers of this type.",
        "--set model.dtype=float32",
    )


def learning_rate_too_high(window: Window) -> Finding | None:
    """The model left its start within a few steps and became worse, or fine-tuning raised the loss it minimises."""
    remedy = _another_rate(window, 0.1)
    if not window.setup.samples:
        losses = [float(check["own_loss"]) for check in window.checks if check.get("own_loss") is not None]
        if len(losses) < 2 or losses[-1] <= max(RISEN * losses[0], losses[0] + AT_LEAST):
            return None
        rise = f"from {losses[0]:.2f} to {losses[-1]:.2f} in {window.step} steps"
        return f"On its own first examples the loss rose {rise}.", "Each update overshoots.", remedy
    early = [(step, nats) for step, nats in window.kl_to_start if EARLY[0] <= step <= EARLY[1]]
    change = window.change()
    if not early or change is None or change.errors > -SURE:
        return None
    step, nats = max(early, key=lambda measured: measured[1] / measured[0])
    if nats < RUSH * step:
        return None
    slope = window.entropy_slope
    turn = "" if slope is None else f", entropy changes by {slope:+.1g} nats a step"
    norms = [point.grad_norm for point in window.points[-RECENT:] if point.grad_norm is not None]
    return (
        f"After {step} steps the model was {nats:.2g} nats a token from its start; {change}{turn}, and the gradient's "
        f"norm is up to {max(norms, default=0.0):.2g}.",
        "Updates are so large that a few of them destroy what the model could do.",
        remedy,
    )


def learning_rate_too_low(window: Window) -> Finding | None:
    """The model has not moved although some groups had advantages; or its adapter has not changed."""
    setup = window.setup
    reached = [nats for step, nats in window.kl_to_start if step >= 2 * RECENT]
    change = float(window.checks[-1]["change"]) if setup.adapter and not setup.samples else math.inf
    if reached and reached[-1] < STILL:
        seen = f"the model is {reached[-1]:.1g} nats a token from its start"
    elif change < LITTLE:
        seen = f"the adapter has changed by {change:.1g} of its size"
    else:
        return None
    adapted = "An adapter needs about ten times the rate of full fine-tuning."
    evidence = f"After {window.step} steps {seen}, at a learning rate of {setup.learning_rate:g}."
    cause = adapted if setup.adapter else "Updates are too small."
    return (evidence, cause, _another_rate(window, 10.0)) if window.warm else None


def _another_rate(window: Window, factor: float) -> str:
    """Remedy for ``factor`` times the learning rate; an adapter's rate is a multiple of the one in the settings."""
    setup = window.setup
    if setup.adapter:
        return f"{factor:g} times its lora.rate_factor, or several rates on dev (docs/training.md)."
    rate = factor * setup.learning_rate
    return f"--set {setup.method}.learning_rate={rate:g}, or several rates on dev (docs/training.md)."


def no_anchor_drift(window: Window) -> Finding | None:
    """Without an anchor the model has moved far from its start and its reward has not risen."""
    if window.grpo.beta > 0 or not window.kl_to_start:
        return None
    change = window.change()
    step, nats = window.kl_to_start[-1]
    if nats <= ASTRAY or change is None or change.now > change.before:
        return None
    return (
        f"The model is {nats:.2g} nats a token from its start at step {step}; {change}.",
        "grpo.beta is 0, so nothing keeps the model near its start, and its rewards do not improve it.",
        "--set grpo.beta=0.04; check the labels, since labels that no answer equals give no signal.",
    )
