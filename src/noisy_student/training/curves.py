"""Curves of a training: one point every few steps, stored as JSON lines. No torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from noisy_student import files


@dataclass(frozen=True, slots=True)
class Point:
    """Mean loss (nats a token) of the steps since the last point, with the state at its last step.

    ``seconds`` counts from the start of training; ``accuracy`` is the share of supervised tokens ranked first, ``kl``
    the divergence from the start model where a trainer computes it, ``reward`` the mean of the answers' rewards. The
    fields after it are TRL's: ``reward_std`` is over the whole batch, not within groups.
    """

    step: int
    loss: float
    seconds: float
    grad_norm: float | None = None
    learning_rate: float | None = None
    accuracy: float | None = None
    entropy: float | None = None
    kl: float | None = None
    reward: float | None = None
    reward_std: float | None = None
    frac_reward_zero_std: float | None = None
    clipped_ratio: float | None = None
    mean_terminated_length: float | None = None


def write(path: Path, points: Iterable[Point]) -> None:
    """Write one JSON object a point. Curves are not data, since their seconds differ from run to run."""
    files.write_jsonl(path, (asdict(point) for point in points))
