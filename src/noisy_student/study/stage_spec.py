"""What the stages that use a model are told of a run's settings, wherever they run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from noisy_student.sampling.engine import Decoding
from noisy_student.sampling.sample import Shard
from noisy_student.study.settings import Settings


def sample(
    settings: Settings, shard: Shard, *, decoding: Decoding, filters: Mapping[str, int | float]
) -> dict[str, Any]:
    """How the samples ``shard`` of each question are drawn; model, part and block are the caller's to add."""
    return {
        "prompt": settings.prompt.model_dump(mode="json"),
        "decoding": {**decoding.model_dump(mode="json"), **filters},
        "shard": shard.model_dump(),
        "chunk": settings.compute.chunk,
        "width": settings.compute.width,
        "threads": settings.compute.threads,
    }


def train(settings: Settings) -> dict[str, Any]:
    """How a student is fine-tuned; the model is the caller's to add."""
    return {
        "prompt": settings.prompt.model_dump(mode="json"),
        "sft": {**settings.sft.model_dump(mode="json"), "threads": settings.compute.threads},
    }
