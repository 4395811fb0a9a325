"""A student before and after its training: with an adapter where it is to have one, and as a folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from noisy_student.models import checkpoint
from noisy_student.models.adapter import write_adapter
from noisy_student.models.load import LoadedModel
from noisy_student.training.lora import adapt
from noisy_student.training.lora_spec import LoraSpec


def begins_at(spec: Mapping[str, Any], inputs: Mapping[str, Sequence[Path]]) -> Path:
    """The model that a training begins with: another student in the role ``start``, or the one that the spec names."""
    return inputs["start"][0] / "model" if "start" in inputs else Path(spec["paths"]["model"])


def with_adapter(loaded: LoadedModel, spec: Mapping[str, Any]) -> LoadedModel:
    """The model with the adapter that a stage's ``spec`` asks for, or as it is."""
    if "lora" not in spec:
        return loaded
    return adapt(loaded, LoraSpec.model_validate(spec["lora"]), seed=spec["seed"])


def write_student(loaded: LoadedModel, spec: Mapping[str, Any], data: Path) -> str:
    """Write ``adapter/``, or ``model/`` where all weights were trained or are to be merged; returns the digest."""
    lora = spec.get("lora")
    if lora is None:
        return checkpoint.write(loaded, data / "model")
    if not lora["merge"]:
        return write_adapter(loaded, data / "adapter")
    adapted: Any = loaded.model
    return checkpoint.write(replace(loaded, model=adapted.merge_and_unload()), data / "model")


def trainable(model: nn.Module) -> int:
    """How many numbers are trained."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
