"""ENGINES: one row per engine, named by ``compute.engine``; nothing here imports an engine or torch.

A new engine is a module with ``open_engine(request: EngineRequest) -> OpenEngine`` and one row: below, or from another
package by ``ENGINES.register("my-engine", EngineRow("my_package.engine"))``.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from noisy_student.errors import UserError
from noisy_student.records import Question
from noisy_student.registry import Registry
from noisy_student.sampling.engine import Engine

if TYPE_CHECKING:
    from pathlib import Path

    from noisy_student.models.chat import Shot
    from noisy_student.models.load import LoadedModel, LoadedTokenizer

AUTO = "auto"
"""In place of a name: the available engine of the highest ``auto_rank``."""


class ModelSource(Protocol):
    """The model to sample from; each form is loaded on first use."""

    @property
    def weights(self) -> LoadedModel:
        """The model in memory, an adapter merged into it."""

    @property
    def tokenizer(self) -> LoadedTokenizer:
        """Tokenizer, stop ids and folder, for engines that read the weights themselves."""


@dataclass(frozen=True, slots=True)
class EngineRequest:
    """Input of ``open_engine``: the sampling node's spec, its model and questions, and a check that may raise."""

    spec: Mapping[str, Any]
    model: ModelSource
    questions: Sequence[Question]
    check: Callable[[], None]
    scratch: Path | None = None
    """A folder for partial draws that the same request continues; None keeps none."""


@dataclass(frozen=True, slots=True)
class OpenEngine:
    """An engine with the encoding and decoding of its model."""

    engine: Engine
    encode: Callable[[Question, Sequence[Shot]], Sequence[int]]
    decode: Callable[[Sequence[int]], str]
    context: int = sys.maxsize
    """Tokens of the model's context."""
    parameters: int | None = None
    fallback: str | None = None
    """Reason for a slower way of drawing."""
    most: int | None = None
    """Samples that a call of the engine should draw at most, so that a stop costs little; None sets no limit."""


@dataclass(frozen=True, slots=True)
class EngineRow:
    """One engine; its module's code and its library's version enter the key of every node that samples with it."""

    module: str
    """Module with ``open_engine``; imported on first use."""
    library: str | None = None
    """Import name of a library that may be missing, whatever its distribution is called."""
    install: str = ""
    """Command that installs the library."""
    adapters: bool = False
    """Samples from an adapter on its base; without this, from whole models only."""
    replays: bool = False
    """Reads a file of samples that ``labels.*.samples`` names; ``compute.engine`` may not name it."""
    auto_rank: int = 0
    """Place among the engines that ``auto`` chooses from; 0 is never chosen."""


ENGINES = Registry("engine", EngineRow, group="noisy_student.engines")
ENGINES.register("torch", EngineRow("noisy_student.sampling.torch_engine", adapters=True, auto_rank=1))
ENGINES.register(
    "vllm",
    EngineRow("noisy_student.sampling.vllm_engine", "vllm", 'pip install -e ".[vllm]"', auto_rank=2),
)
ENGINES.register("recorded", EngineRow("noisy_student.sampling.recorded_engine", replays=True))


def require_selectable(name: str) -> None:
    """Raise UserError unless ``compute.engine`` may be ``name``."""
    if name != AUTO and ENGINES.get(name, "compute.engine").replays:
        raise UserError(
            f'compute.engine is "{name}".',
            why="This engine replays a file of samples.",
            do="Name the file in labels.*.samples, and set compute.engine to an engine that samples from a model.",
            code="engine-not-selectable",
        )


def reads_adapters(name: str) -> bool:
    """Return whether an engine can sample from adapters; ``auto`` chooses one that can."""
    return name == AUTO or ENGINES.get(name).adapters


def choose_engine(name: str, *, adapters: bool) -> str:
    """Return ``name``, or the engine that ``auto`` stands for: available, and able to read the students."""
    if name != AUTO:
        return name
    rows = {each: ENGINES.get(each) for each in ENGINES}
    fitting = {each: row for each, row in rows.items() if row.auto_rank and (row.adapters or not adapters)}
    available = [each for each, row in fitting.items() if row.library is None or library_version(row.library)]
    return max(available, key=lambda each: fitting[each].auto_rank)


def library_version(library: str) -> str | None:
    """Return distribution and version of an importable library, found by its module; None if there is none."""
    try:
        found = importlib.util.find_spec(library)
    except (ImportError, ValueError):
        # The package that would hold it is not installed, or cannot be imported.
        found = None
    if found is None:
        return None
    names = importlib.metadata.packages_distributions().get(library, [])
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in sorted(set(names))) or "unknown"


def open_engine(request: EngineRequest) -> OpenEngine:
    """Open the engine that the request's spec names."""
    module = importlib.import_module(ENGINES.get(request.spec["engine"]["name"]).module)
    opened: OpenEngine = module.open_engine(request)
    return opened
