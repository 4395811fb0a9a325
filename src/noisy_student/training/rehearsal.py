"""One step of a training with the longest rows that there can be: nothing is kept of it but what it took.

It is the trainers' own step. The model is changed by it, so it is loaded for this alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from noisy_student.context import Context
from noisy_student.models.chat import EncodedExample
from noisy_student.models.load import LoadedModel
from noisy_student.records import Label
from noisy_student.training import grpo, sft
from noisy_student.training.encode import Encoded
from noisy_student.training.grpo_spec import GrpoSpec
from noisy_student.training.health.spec import HealthSpec
from noisy_student.training.memory_peak import memory_peak
from noisy_student.training.rollouts import Classroom, DrawRows
from noisy_student.training.spec import SftSpec

STATE = 16
"""Bytes a weight in float32 training: itself, its gradient, and AdamW's two moments."""
NO_LOOKS = HealthSpec(first=1 << 30, dev=0)


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What one step took; ``peak`` is in bytes, None where it did not fit or the system does not say."""

    method: str
    rows: int
    tokens: int
    peak: int | None
    free: int | None
    where: str
    reason: str = ""


def rehearse_sft(load: Callable[[], LoadedModel], prompt: Sequence[int], spec: SftSpec, context: Context) -> Rehearsed:
    """One step of full batches whose rows are the longest prompt with a target up to ``max_length``."""
    length = max(spec.max_length, len(prompt) + 1)
    target = [prompt[place % len(prompt)] for place in range(length - len(prompt))]
    row = EncodedExample((*prompt, *target), (*(0 for _ in prompt), *(1 for _ in target)))
    once = SftSpec.model_validate({**spec.model_dump(), "match": "steps", "steps": 1})

    def step(loaded: LoadedModel) -> None:
        encoded = Encoded((row,) * spec.batch, ())
        sft.train(loaded, encoded, spec=once, health=NO_LOOKS, seed=0, context=context)

    return _taken(load, step, Rehearsed("sft", spec.micro_batch or spec.batch, length, None, None, ""))


def rehearse_grpo(
    load: Callable[[], LoadedModel], prompt: Sequence[int], spec: GrpoSpec, draw: DrawRows, context: Context
) -> Rehearsed:
    """One step of groups of the longest prompt; ``draw`` is to run every answer to the cap."""
    once = GrpoSpec.model_validate(
        {
            **spec.model_dump(),
            "match": "steps",
            "steps": 1,
            "most_steps": None,
            "probe": None,
            "refill": 0,
            "mask_truncated": False,
        }
    )
    names = [f"longest-{number}" for number in range(spec.prompts)]

    def step(loaded: LoadedModel) -> None:
        room = Classroom(
            prompts=dict.fromkeys(names, prompt),
            labels={name: Label(name, "0", None, "gold") for name in names},
            draw=draw,
            decode=lambda ids: "",
            revote=lambda answers: None,
        )
        grpo.train(loaded, room, spec=once, health=NO_LOOKS, seed=0, context=context)

    length = len(prompt) + spec.max_new_tokens
    return _taken(load, step, Rehearsed("grpo", spec.micro_batch or spec.batch, length, None, None, ""))


def _taken(load: Callable[[], LoadedModel], step: Callable[[LoadedModel], None], told: Rehearsed) -> Rehearsed:
    """Load, take the step and say what both took; what cannot fit by calculation alone is not tried."""
    reason = ""
    with memory_peak() as peak:
        loaded = load()
        weights = int(loaded.model.num_parameters())
        if peak.free is not None and STATE * weights > peak.free:
            reason = f"{weights:,} weights in training take {STATE} bytes each, more than is free, so it was not tried"
        else:
            try:
                step(loaded)
            except (torch.OutOfMemoryError, MemoryError) as error:
                reason = f"out of memory: {str(error).splitlines()[0]}"
    took = None if reason else peak.taken
    return Rehearsed(told.method, told.rows, told.tokens, took, peak.free, peak.where, reason)
