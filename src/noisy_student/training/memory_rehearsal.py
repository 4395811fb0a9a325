"""Memory rehearsal: peak memory of one step of the real trainers, with the longest rows that can occur.

The step changes the model, so it is loaded for the rehearsal only.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from noisy_student.context import Context
from noisy_student.models.chat import EncodedExample
from noisy_student.models.load import LoadedModel
from noisy_student.records import Label, MemoryRehearsal
from noisy_student.training.grpo import train as grpo
from noisy_student.training.grpo.rollouts import DrawRows, RolloutInputs
from noisy_student.training.sft import train as sft
from noisy_student.training.sft.examples import Encoded
from noisy_student.training.specs.grpo import GrpoSpec
from noisy_student.training.specs.health import HealthSpec
from noisy_student.training.specs.sft import SftSpec

TICK = 0.01
"""Seconds between two readings of the process's memory; a step takes longer."""
STATUS, ALL = Path("/proc/self/status"), Path("/proc/meminfo")


@dataclass(slots=True)
class Peak:
    """Bytes ``taken`` above the level before, None if the system does not report them; ``where`` names the memory."""

    where: str
    free: int | None
    taken: int | None = None


@contextmanager
def memory_peak() -> Iterator[Peak]:
    """Measure the peak memory of the block; ``taken`` is set when it ends.

    On a GPU torch counts. On a CPU the process is read every ``TICK`` seconds, so shorter spikes may be missed.
    """
    if torch.cuda.is_available():
        with _on_gpu() as peak:
            yield peak
    else:
        with _on_cpu() as peak:
            yield peak


@contextmanager
def _on_gpu() -> Iterator[Peak]:
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_reserved()
    peak = Peak(torch.cuda.get_device_name(), int(torch.cuda.mem_get_info()[0]))
    try:
        yield peak
    finally:
        peak.taken = torch.cuda.max_memory_reserved() - before


@contextmanager
def _on_cpu() -> Iterator[Peak]:
    peak, end = Peak("memory", _kilobytes(ALL, "MemAvailable:")), threading.Event()
    before = _kilobytes(STATUS, "VmRSS:")
    most = [before or 0]

    def watch() -> None:
        while not end.wait(TICK):
            most[0] = max(most[0], _kilobytes(STATUS, "VmRSS:") or 0)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        end.set()
        watcher.join()
        peak.taken = None if before is None else most[0] - before


def _kilobytes(path: Path, name: str) -> int | None:
    """Read a row of a system file in bytes; None if file or row is missing."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(name)), None)


STATE = 16
"""Bytes of a weight in float32 training: itself, its gradient, and AdamW's two moments."""
NO_HEALTH_CHECKS = HealthSpec(first=1 << 30, dev=0)


def rehearse_sft(
    load: Callable[[], LoadedModel], prompt: Sequence[int], spec: SftSpec, context: Context
) -> MemoryRehearsal:
    """Measure one step of a full batch whose rows are the longest prompt with a target up to ``max_length``."""
    length = max(spec.max_length, len(prompt) + 1)
    target = [prompt[place % len(prompt)] for place in range(length - len(prompt))]
    row = EncodedExample((*prompt, *target), (*(0 for _ in prompt), *(1 for _ in target)))
    once = SftSpec.model_validate({**spec.model_dump(), "match": "steps", "steps": 1})

    def step(loaded: LoadedModel) -> None:
        encoded = Encoded((row,) * spec.batch, ())
        sft.train(loaded, encoded, spec=once, health=NO_HEALTH_CHECKS, seed=0, context=context)

    return _measured(load, step, MemoryRehearsal("sft", spec.micro_batch or spec.batch, length, None, None, ""))


def rehearse_grpo(
    load: Callable[[], LoadedModel], prompt: Sequence[int], spec: GrpoSpec, draw: DrawRows, context: Context
) -> MemoryRehearsal:
    """Measure one step of groups of the longest prompt; ``draw`` must run every answer to the cap."""
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
        inputs = RolloutInputs(
            prompts=dict.fromkeys(names, prompt),
            labels={name: Label(name, "0", None, "gold") for name in names},
            draw=draw,
            decode=lambda ids: "",
            revote=lambda answers: None,
        )
        grpo.train(loaded, inputs, spec=once, health=NO_HEALTH_CHECKS, seed=0, context=context)

    length = len(prompt) + spec.max_new_tokens
    return _measured(load, step, MemoryRehearsal("grpo", spec.micro_batch or spec.batch, length, None, None, ""))


def _measured(
    load: Callable[[], LoadedModel], step: Callable[[LoadedModel], None], row: MemoryRehearsal
) -> MemoryRehearsal:
    """Load the model, take the step and return ``row`` with the peak of both; a step that cannot fit is not tried.

    A calculation decides that, since the system would kill the process.
    """
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
    return replace(row, peak=None if reason else peak.taken, free=peak.free, where=peak.where, reason=reason)
