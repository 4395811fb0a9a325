"""Memory rehearsals: one step of the real trainers with the longest rows, and its peak."""

from __future__ import annotations

import mmap
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from noisy_student.context import Context
from noisy_student.models import lab
from noisy_student.models.load import LoadedModel, load
from noisy_student.records import Draw
from noisy_student.sampling.engine import Decoding
from noisy_student.sampling.torch_engine import TorchEngine
from noisy_student.training import memory_rehearsal
from noisy_student.training.memory_rehearsal import rehearse_grpo, rehearse_sft
from noisy_student.training.specs.grpo import GrpoSpec
from noisy_student.training.specs.sft import SftSpec

PROMPT = tuple(range(5, 45))


def lab_model() -> LoadedModel:
    return load(lab.folder("lab-m"))


def drawn(spec: GrpoSpec) -> Any:
    decoding = Decoding(temperature=spec.temperature, max_new_tokens=spec.max_new_tokens, stop_at_answer=False)

    def draw(model: Any, prompts: Sequence[Any], row_seeds: Any, check: Callable[[], None]) -> list[list[Draw]]:
        engine = TorchEngine(model, stop_ids=(), pad_id=0, decode=lambda ids: "", check=check)
        return engine.draw(prompts, row_seeds, decoding)

    return draw


@pytest.mark.slow
def test_longer_rows_take_more_memory(tmp_path: Path) -> None:
    short, long = (
        rehearse_sft(lab_model, PROMPT, SftSpec(batch=16, max_length=length), Context(tmp_path / str(length)))
        for length in (64, 480)
    )
    assert (short.method, short.rows, short.tokens, short.reason) == ("sft", 16, 64, "")
    assert long.tokens == 480
    assert short.peak is not None and long.peak is not None and long.free is not None
    assert long.peak > 1.5 * short.peak > 0
    assert long.peak < long.free


@pytest.mark.slow
def test_smaller_micro_batches_take_less(tmp_path: Path) -> None:
    whole, parts = (
        rehearse_sft(lab_model, PROMPT, SftSpec(batch=16, micro_batch=size, max_length=480), Context(tmp_path / name))
        for name, size in (("whole", 16), ("parts", 1))
    )
    assert (whole.rows, parts.rows) == (16, 1)
    assert whole.peak is not None and parts.peak is not None and parts.peak < whole.peak


@pytest.mark.parametrize("beta", [pytest.param(0.0, marks=pytest.mark.slow), 0.04])
def test_grpo_takes_one_step_with_every_answer_at_the_cap(tmp_path: Path, beta: float) -> None:
    spec = GrpoSpec(prompts=2, generations=4, max_new_tokens=24, beta=beta, mask_truncated=True, refill=1)
    lengths: list[int] = []
    draw = drawn(spec)

    def watched(*given: Any) -> list[list[Draw]]:
        found: list[list[Draw]] = draw(*given)
        lengths.extend(len(one.token_ids) for draws in found for one in draws)
        return found

    found = rehearse_grpo(lab_model, PROMPT, spec, watched, Context(tmp_path))
    assert (found.method, found.rows, found.tokens, found.reason) == ("grpo", 8, 64, "")
    assert lengths == [24] * 8
    # So small a step may fit into what tests before this one have left to the process.
    assert found.peak is not None and 0 <= found.peak < found.free


def test_a_step_that_cannot_fit_by_calculation_is_not_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_rehearsal, "_kilobytes", lambda path, name: 4 << 20)
    monkeypatch.setattr(memory_rehearsal.sft, "train", lambda *args, **kwargs: pytest.fail("it was tried"))
    found = rehearse_sft(lab_model, PROMPT, SftSpec(), Context(tmp_path))
    assert found.peak is None and "more than is free, so it was not tried" in found.reason


def test_a_step_that_runs_out_of_memory_is_a_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: Any, **kwargs: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.\nmore lines")

    monkeypatch.setattr(memory_rehearsal.sft, "train", full)
    found = rehearse_sft(lab_model, PROMPT, SftSpec(), Context(tmp_path))
    assert (found.peak, found.reason) == (None, "out of memory: CUDA out of memory. Tried to allocate 2 GiB.")


def test_the_peak_is_that_of_the_block() -> None:
    # Fresh pages: an allocation could reuse memory that earlier tests have freed.
    with memory_rehearsal.memory_peak() as peak, mmap.mmap(-1, 128 << 20) as pages:
        pages.write(b"x" * len(pages))
        # Longer than the interval between two readings.
        time.sleep(5 * memory_rehearsal.TICK)
    assert peak.taken is not None and (120 << 20) < peak.taken < (1 << 30)
