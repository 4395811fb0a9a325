"""A run by GRPO of the lab's model at the lab's own settings, whole or with one thing broken."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from noisy_student.context import Context
from noisy_student.data.parts import parts
from noisy_student.data.source import Item
from noisy_student.data.spec import DataSpec
from noisy_student.data.splits import Split
from noisy_student.labeling.vote import winner_of
from noisy_student.models import lab
from noisy_student.models.chat import Renderer
from noisy_student.models.load import load
from noisy_student.models.spec import PromptSpec
from noisy_student.records import Draw, Label
from noisy_student.study.stages.train_grpo import draw_rows
from noisy_student.training.grpo.rollouts import DrawRows, Revote, RolloutInputs
from noisy_student.training.grpo.train import GrpoResult, train
from noisy_student.training.specs.grpo import GrpoSpec
from noisy_student.training.specs.health import HealthSpec
from noisy_student.training.student import with_adapter

LAB: dict[str, Any] = {"max_new_tokens": 96, "learning_rate": 3e-4, "match": "steps", "steps": 30}
"""As ``scales/lab.toml`` has it, to the step of the first check."""
LORA = {"rank": 8, "alpha": 32.0, "targets": "all-linear", "merge": False, "rate_factor": 10.0}
Relabel = Callable[[Item], str]


def truth(item: Item) -> str:
    """The true answer."""
    return item.answer or ""


@dataclass(frozen=True)
class Fault:
    """Differences from a healthy run: labels, drawing of answers, and so on."""

    grpo: Mapping[str, Any] = field(default_factory=dict)
    model: str = "lab-m"
    dtype: Any = "float32"
    lora: bool = False
    relabel: Relabel = truth
    origin: Any = "gold"
    revote: Revote = winner_of
    spoil: Callable[[DrawRows], DrawRows] = lambda draw: draw
    truncated: Any = "abstain"
    unreadable: int = 0
    dev: int = HealthSpec().dev


HEALTHY, HEALTH = Fault(), HealthSpec()


@functools.cache
def split(seed: int) -> Split:
    """The lab's questions: 500 to learn from and 125 of dev."""
    return parts(DataSpec(labeled=625, unlabeled=20, test=20), run_seed=seed, paths={})


def run(
    folder: Path,
    fault: Fault = HEALTHY,
    *,
    seed: int = 1,
    health: HealthSpec = HEALTH,
    context: Context | None = None,
) -> GrpoResult:
    """The run of this seed; curves are written into ``folder``."""
    loaded = load(lab.folder(fault.model), dtype=fault.dtype)
    renderer = Renderer(loaded.tokenizer, PromptSpec(instruction="End with ####."))
    spec = GrpoSpec.model_validate({**LAB, **fault.grpo})
    asked, dev = split(seed).labeled[:500], split(seed).dev[: fault.dev]
    labels = {item.question.id: Label(item.question.id, fault.relabel(item), None, fault.origin) for item in asked}
    inputs = RolloutInputs(
        prompts={item.question.id: renderer.encode(item.question) for item in (*asked, *dev)},
        labels=labels,
        draw=fault.spoil(draw_rows(spec, renderer.decode, stop_ids=loaded.stop_ids, pad_id=loaded.pad_id, width=512)),
        decode=renderer.decode,
        revote=fault.revote,
        truncated=fault.truncated,
        dev={item.question.id: item.answer or "" for item in dev},
        unreadable_gold=fault.unreadable,
    )
    student = with_adapter(loaded, {"lora": LORA, "seed": seed} if fault.lora else {})
    return train(student, inputs, spec=spec, health=health, seed=seed, context=context or Context(folder))


def found(result: GrpoResult) -> set[str]:
    """The names of what was found."""
    return {str(row["name"]) for row in result.health}


def shorter(prompt: Sequence[int]) -> list[int]:
    """A prompt as another template would make it: without its first tokens."""
    return list(prompt)[3:]


def from_another_template(draw: DrawRows) -> DrawRows:
    """Answers to prompts that are not those that are trained on."""

    def drawn(model: Any, prompts: Any, row_seeds: Any, check: Any) -> list[list[Draw]]:
        return draw(model, [shorter(prompt) for prompt in prompts], row_seeds, check)

    return drawn
