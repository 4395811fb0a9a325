"""Weights of Llama-like models for the decoder: projections of the same input joined into one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class Linear:
    """The weight of a projection and its bias, if it has one."""

    weight: Tensor
    bias: Tensor | None

    def __call__(self, x: Tensor) -> Tensor:
        """Return the projection of ``x`` over its last axis."""
        return functional.linear(x, self.weight, self.bias)


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer's weights; queries, keys and values are one projection, and so are gate and up."""

    norm: Tensor
    qkv: Linear
    q_norm: Tensor | None
    k_norm: Tensor | None
    out: Linear
    mlp_norm: Tensor
    gate_up: Linear
    down: Linear


def layer_of(state: Mapping[str, Tensor], name: str) -> Layer:
    """Return the weights of the layer ``name`` in a model's state."""
    attention, mlp = f"{name}.self_attn", f"{name}.mlp"
    return Layer(
        norm=state[f"{name}.input_layernorm.weight"],
        qkv=_joined(state, *(f"{attention}.{part}_proj" for part in "qkv")),
        q_norm=state.get(f"{attention}.q_norm.weight"),
        k_norm=state.get(f"{attention}.k_norm.weight"),
        out=_joined(state, f"{attention}.o_proj"),
        mlp_norm=state[f"{name}.post_attention_layernorm.weight"],
        gate_up=_joined(state, f"{mlp}.gate_proj", f"{mlp}.up_proj"),
        down=_joined(state, f"{mlp}.down_proj"),
    )


def _joined(state: Mapping[str, Tensor], *names: str) -> Linear:
    """Projections of the same input as one; a single one is not copied."""
    weights = [state[f"{name}.weight"] for name in names]
    biases = [state[f"{name}.bias"] for name in names if f"{name}.bias" in state]
    if len(names) == 1:
        return Linear(weights[0], biases[0] if biases else None)
    return Linear(torch.cat(weights), torch.cat(biases) if biases else None)
