"""Rules on how far updates take a model: not at all, too far, astray."""

from __future__ import annotations

from noisy_student.training.health.window import RECENT, SURE, Diagnosis, Window, percent

STILL = 1e-4
"""Nats a token from the start below which a model has not moved; at a hundredth of the lab's rate it is 1e-5 after 30
steps, at a tenth 1e-3."""
RUSH = 0.01
"""Nats a token and step in the first steps above which updates are too large; in the lab .002 at its rate, .035 at
three times that rate, where nothing is learned any more."""
ASTRAY = 0.1
"""Nats a token from the start above which a model has gone far, if its reward has not risen for it."""
AT_LEAST = 0.1
"""Nats a token by which it must rise as well: a student of its own texts begins near 0."""
EARLY = (5, 30)
"""Steps between which a divergence tells of a rush."""
LITTLE = 0.01
"""By how much of its size an adapter changes at least in fine-tuning; in the lab .4 at its rate, .0001 at 1e-6."""
SWALLOWED = 0.5
"""Share of the weights that must have moved in half precision; in float32 nearly all do."""
RISEN = 1.1
"""Times the start model's loss on the same examples above which fine-tuning has made a model worse at what it learns;
at ten times the lab's rate it is 3."""


def updates_swallowed(window: Window) -> Diagnosis | None:
    """Weights in half precision are what they were, though there were gradients."""
    moved = window.looks[-1].get("moved") if window.looks else None
    pulled = any(point.grad_norm for point in window.points)
    if moved is None or not window.setup.half or moved >= SWALLOWED or not pulled:
        return None
    rate = window.setup.learning_rate
    return Diagnosis(
        "updates-swallowed",
        f"After {window.step} steps {percent(moved)} of the weights have moved; they are kept in {window.setup.dtype}.",
        f"Between neighbouring numbers of that type lies more than an update at a learning rate of {rate:g}.",
        "--set model.dtype=float32",
    )


def learning_rate_too_high(window: Window) -> Diagnosis | None:
    """The model left its start within a few steps and was worse for it, or fine-tuning raised its own loss."""
    remedy = _another_rate(window, 0.1)
    if window.setup.grpo is None:
        losses = [float(look["own_loss"]) for look in window.looks if look.get("own_loss") is not None]
        if len(losses) < 2 or losses[-1] <= max(RISEN * losses[0], losses[0] + AT_LEAST):
            return None
        seen = (
            f"On its own first examples the loss rose from {losses[0]:.2f} to {losses[-1]:.2f} in {window.step} steps."
        )
        return Diagnosis("learning-rate-too-high", seen, "Each update overshoots what the last one learned.", remedy)
    early = [(step, nats) for step, nats in window.drift if EARLY[0] <= step <= EARLY[1]]
    change = window.change()
    if not early or change is None or change.errors > -SURE:
        return None
    step, nats = max(early, key=lambda measured: measured[1] / measured[0])
    if nats < RUSH * step:
        return None
    slope = window.entropy_slope
    turn = "" if slope is None else f", entropy changes by {slope:+.1g} nats a step"
    norms = [point.grad_norm for point in window.points[-RECENT:] if point.grad_norm is not None]
    return Diagnosis(
        "learning-rate-too-high",
        f"After {step} steps the model was {nats:.2g} nats a token from its start; {change}{turn}, and the gradient's "
        f"norm is up to {max(norms, default=0.0):.2g}.",
        "Updates are so large that a few of them undo what the model could do.",
        remedy,
    )


def learning_rate_too_low(window: Window) -> Diagnosis | None:
    """The model is where it was, though some groups had something to teach; or its adapter is what it was."""
    setup = window.setup
    seen = _still(window) if setup.grpo is not None else _hardly_adapted(window) if setup.adapter else None
    if seen is None:
        return None
    cause = "An adapter wants about ten times the rate of full fine-tuning."
    return Diagnosis(
        "learning-rate-too-low",
        f"After {window.step} steps {seen}, at a learning rate of {setup.learning_rate:g}.",
        cause if setup.adapter else "Updates are too small.",
        _another_rate(window, 10.0),
    )


def _still(window: Window) -> str | None:
    if not window.warm:
        return None
    reached = [nats for step, nats in window.drift if step >= 2 * RECENT]
    return f"the model is {reached[-1]:.1g} nats a token from its start" if reached and reached[-1] < STILL else None


def _hardly_adapted(window: Window) -> str | None:
    change = float(window.looks[-1]["change"])
    return f"the adapter has changed by {change:.1g} of its size" if change < LITTLE and window.warm else None


def _another_rate(window: Window, factor: float) -> str:
    """What to set for ``factor`` times the learning rate; an adapter's is a multiple of the one in the settings."""
    setup = window.setup
    if setup.adapter:
        return f"{factor:g} times its lora.rate_factor, or several rates on dev (docs/training.md)."
    rate = factor * setup.learning_rate
    return f"--set {setup.table}.learning_rate={rate:g}, or several rates on dev (docs/training.md)."


def no_anchor_drift(window: Window) -> Diagnosis | None:
    """Nothing holds the model at its start, it has gone far, and its reward is no better for it."""
    grpo = window.setup.grpo
    if grpo is None or grpo.beta > 0 or not window.drift:
        return None
    change = window.change()
    step, nats = window.drift[-1]
    if nats <= ASTRAY or change is None or change.now > change.before:
        return None
    return Diagnosis(
        "no-anchor-drift",
        f"The model is {nats:.2g} nats a token from its start at step {step}; {change}.",
        "grpo.beta is 0: nothing holds the model where it could do something, and its rewards teach nothing better.",
        "--set grpo.beta=0.04, and look at the labels: rewards that no answer can earn teach nothing.",
    )
