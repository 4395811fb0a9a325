"""Rotary scaling of a GGUF model, which transformers 5.23 leaves out of the configuration for most architectures."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from transformers import PreTrainedConfig

from noisy_student.errors import UserError

FACTORS = "rope_freqs.weight"
"""Tensor by whose values llama.cpp divides the rotary frequencies (Llama 3.1 and later)."""
# Llama 3.1's own (its config.json); the factor is 8, in 3.2 it is 32.
_LLAMA3 = {"low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}
_READ_BY_TRANSFORMERS = ("gpt-oss", "qwen35", "qwen35moe", "lfm2")


def correct(config: PreTrainedConfig, reader: gguf.GGUFReader, path: Path) -> None:
    """Write the rotary scaling of the file into ``config``; UserError where transformers has no such scaling."""
    architecture = reader.fields["general.architecture"].contents()
    if architecture in _READ_BY_TRANSFORMERS:
        return
    parameters: Any = getattr(config, "rope_parameters", None) or {}
    # Models with two kinds of attention scale the frequencies of the full one only.
    place = parameters.get("full_attention", parameters)
    scaling = _stated(reader, f"{architecture}.rope.scaling.", path)
    factors = [np.asarray(tensor.data, dtype=np.float64) for tensor in reader.tensors if tensor.name == FACTORS]
    if factors and not np.all(factors[0] == 1):
        scaling = _llama3(factors[0], float(place.get("rope_theta", 10_000.0)), path)
    if scaling and not place:
        raise _unknown(path, str(scaling))
    place.update(scaling)


def _stated(reader: gguf.GGUFReader, prefix: str, path: Path) -> dict[str, Any]:
    stated = {
        name.removeprefix(prefix): field.contents() for name, field in reader.fields.items() if name.startswith(prefix)
    }
    kind = stated.get("type", "none")
    if kind == "none":
        return {}
    if kind == "linear":
        return {"rope_type": "linear", "factor": float(stated["factor"])}
    if kind == "yarn" and "original_context_length" in stated and "attn_factor" not in stated:
        original = int(stated["original_context_length"])
        return {"rope_type": "yarn", "factor": float(stated["factor"]), "original_max_position_embeddings": original}
    raise _unknown(path, f"{prefix}type = {kind}")


def _llama3(factors: Any, theta: float, path: Path) -> dict[str, Any]:
    """Return the settings of Llama 3's scaling that give these factors (transformers' modeling_rope_utils)."""
    factor = float(factors.max())
    wavelengths = 2 * math.pi * theta ** (np.arange(len(factors)) / len(factors))
    low, high, old = _LLAMA3.values()
    smooth = np.clip((old / wavelengths - low) / (high - low), 0, 1)
    if not np.allclose(1 / ((1 - smooth) / factor + smooth), factors, rtol=1e-3):
        raise _unknown(path, FACTORS)
    return {"rope_type": "llama3", "factor": factor, **_LLAMA3}


def _unknown(path: Path, fact: str) -> UserError:
    return UserError(
        f"{path}: the rotary scaling ({fact}) cannot be read.",
        why="Without it the model would compute other numbers than it was trained with.",
        do="Give the model as a folder of safetensors.",
        code="gguf-unreadable",
    )
