"""The forward pass of Llama-like models over rows that share prompts; each prompt is read once for all its rows.

Qwen2 (and 2.5), Qwen3 and Llama (SmolLM2) differ in biases and in the norms of queries and keys only. Keys and values
of a prompt are kept once, and attention to them is one matrix product for all rows of the prompt; each row has room of
its own for its tokens. Heads that share keys and values are the rows of that product, so nothing is copied.

Shapes: R rows, G prompts ("groups"), M rows of one group, T slots of a prompt, S slots of a row, H heads of queries in
each of J heads of keys, D numbers a head.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedModel

from noisy_student.models.adapter import plain, plain_state
from noisy_student.sampling.kv_cache import KVCache

PREFILL_TOKENS = 2048
"""Tokens of prompts, padding included, that are read in one pass."""


@dataclass(frozen=True, slots=True)
class _Linear:
    """The weight of a projection and its bias, if it has one."""

    weight: Tensor
    bias: Tensor | None

    def __call__(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.weight, self.bias)


@dataclass(frozen=True, slots=True)
class _Layer:
    """One layer's weights; queries, keys and values are one projection, and so are gate and up."""

    norm: Tensor
    qkv: _Linear
    q_norm: Tensor | None
    k_norm: Tensor | None
    out: _Linear
    mlp_norm: Tensor
    gate_up: _Linear
    down: _Linear


class Decoder:
    """Reads prompts and steps rows of one model, which stays unchanged."""

    def __init__(self, model: PreTrainedModel) -> None:
        """Requires a plain decoder (``models.load.unsupported_reason`` returns None)."""
        config = model.config
        self.device, self.dtype = model.device, model.dtype
        self.heads = int(config.num_key_value_heads)
        self.shared = int(config.num_attention_heads) // self.heads
        self.size = int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)
        self._eps = float(config.rms_norm_eps)
        # Tensors of the model itself; only those that are joined are copies.
        state = plain_state(model)
        self._embed = state["model.embed_tokens.weight"]
        self._head = state.get("lm_head.weight", self._embed)
        self._norm = state["model.norm.weight"]
        self._layers = [_layer(state, f"model.layers.{number}") for number in range(config.num_hidden_layers)]
        base: Any = plain(model).base_model
        self._rotary = base.rotary_emb
        self._cos = self._sin = torch.empty(0)
        # Queries are scaled as they are turned; keys are turned only.
        scales = [self.size**-0.5] * (self.heads * self.shared) + [1.0] * self.heads
        self._scale_X1 = torch.tensor(scales, dtype=self.dtype, device=self.device)[:, None]

    def reserve(self, positions: int) -> None:
        """Compute the rotary angles of this many positions."""
        if len(self._cos) < positions:
            frequencies = self._rotary.inv_freq.to(torch.float32)
            angles = torch.arange(positions, device=self.device, dtype=torch.float32)[:, None] * frequencies[None]
            scale = float(self._rotary.attention_scaling)
            self._cos, self._sin = ((f(angles) * scale).to(self.dtype) for f in (torch.cos, torch.sin))

    def new_cache(self, *, groups: int, rows: int, prompt: int, drawn: int) -> KVCache:
        """Return an empty cache for this many groups and rows, with this many slots each."""

        def room(count: int, slots: int) -> list[Tensor]:
            shape = (count, self.heads, slots, self.size)
            # Zeros, since a masked slot has the weight 0, but 0 times NaN is NaN.
            return [torch.zeros(shape, dtype=self.dtype, device=self.device) for _ in self._layers]

        def numbers(*shape: int) -> Tensor:
            return torch.zeros(shape, dtype=torch.long, device=self.device)

        return KVCache(
            prompt_keys=room(groups, prompt),
            prompt_values=room(groups, prompt),
            keys=room(rows, drawn),
            values=room(rows, drawn),
            length_G=numbers(groups),
            used_R=numbers(rows),
            group_R=numbers(rows),
        )

    def read(self, kv: KVCache, prompts: Sequence[Sequence[int]], groups: Sequence[int]) -> Tensor:
        """Write keys and values of prompts into these groups; return the logits after each, prompts x vocabulary."""
        runs = _batches([len(prompt) for prompt in prompts])
        return torch.cat([self._read(kv, prompts[start:end], groups[start:end]) for start, end in runs])

    def step(self, kv: KVCache, ids_R: Tensor) -> Tensor:
        """Feed one token a row and return the next logits, rows x vocabulary."""
        cos_RXD, sin_RXD = self._angles(kv.length_G[kv.group_R] + kv.used_R)
        masks = self._masks(kv)
        room = kv.keys[0].shape[2]
        lines = torch.arange(len(ids_R) * self.heads, device=self.device)
        written_RJ = lines * room + kv.used_R.repeat_interleave(self.heads)
        hidden_RX = functional.embedding(ids_R, self._embed)
        for index, layer in enumerate(self._layers):
            q_RQD, k_RJD, v_RJD = self._project(layer, hidden_RX, cos_RXD, sin_RXD)
            for cache, new_RJD in ((kv.keys, k_RJD), (kv.values, v_RJD)):
                cache[index].view(-1, self.size).index_copy_(0, written_RJ, new_RJD.reshape(-1, self.size))
            hidden_RX = self._finish(layer, hidden_RX, self._attend(kv, index, q_RQD, masks))
        kv.used_R += 1
        return self._logits(hidden_RX)

    def _read(self, kv: KVCache, prompts: Sequence[Sequence[int]], groups: Sequence[int]) -> Tensor:
        lengths_P = torch.tensor([len(prompt) for prompt in prompts], device=self.device)
        width = int(lengths_P.max())
        # Padded on the right, which causal attention never reads.
        ids_PT = torch.tensor([[*prompt, *[0] * (width - len(prompt))] for prompt in prompts], device=self.device)
        groups_P = torch.tensor(groups, device=self.device)
        kv.length_G[groups_P] = lengths_P
        count = len(prompts)
        hidden_X = functional.embedding(ids_PT, self._embed).flatten(0, 1)
        cos_XD, sin_XD = self._angles(torch.arange(width, device=self.device).repeat(count))
        for index, layer in enumerate(self._layers):
            q, k, v = self._project(layer, hidden_X, cos_XD, sin_XD)
            q_PHTD = q.unflatten(0, (count, width)).transpose(1, 2)
            k_PJTD, v_PJTD = (x.unflatten(0, (count, width)).transpose(1, 2) for x in (k, v))
            kv.prompt_keys[index][groups_P, :, :width] = k_PJTD
            kv.prompt_values[index][groups_P, :, :width] = v_PJTD
            mixed = functional.scaled_dot_product_attention(
                q_PHTD, k_PJTD, v_PJTD, is_causal=True, scale=1.0, enable_gqa=self.shared > 1
            )
            hidden_X = self._finish(layer, hidden_X, mixed.transpose(1, 2).reshape(count * width, -1))
        last_P = torch.arange(count, device=self.device) * width + lengths_P - 1
        return self._logits(hidden_X[last_P])

    def _angles(self, positions_R: Tensor) -> tuple[Tensor, Tensor]:
        """Return cosines and sines for every head of queries and keys, including the scale of queries."""
        cos_RXD, sin_RXD = (table[positions_R][:, None] * self._scale_X1 for table in (self._cos, self._sin))
        return cos_RXD, sin_RXD

    def _project(self, layer: _Layer, hidden: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return rotated queries (scaled), rotated keys and values, rows x heads x D."""
        heads = layer.qkv(self._normed(hidden, layer.norm)).view(len(hidden), -1, self.size)
        queries = self.heads * self.shared
        turned, v = heads.split([queries + self.heads, self.heads], dim=1)
        if layer.q_norm is not None and layer.k_norm is not None:
            q, k = turned.split([queries, self.heads], dim=1)
            turned = torch.cat([self._normed(q, layer.q_norm), self._normed(k, layer.k_norm)], dim=1)
        q, k = _turn(turned, cos, sin).split([queries, self.heads], dim=1)
        return q, k, v

    def _attend(self, kv: KVCache, index: int, q_RQD: Tensor, masks: tuple[Tensor, Tensor]) -> Tensor:
        """Return the attention of each row to its prompt and its own tokens, rows x heads.

        One matrix product for all rows of a prompt and head, one for each row's own tokens; one softmax over both.
        """
        of_prompt_GJ1T, of_own_RJ1S = masks
        longest, slots = of_prompt_GJ1T.shape[-1], of_own_RJ1S.shape[-1]
        groups, members, lines = kv.groups * self.heads, kv.members, len(q_RQD) * self.heads
        own_keys, own_values = (cache[index][:, :, :slots].flatten(0, 1) for cache in (kv.keys, kv.values))
        prompt_keys, prompt_values = (
            cache[index][: kv.groups, :, :longest].flatten(0, 1) for cache in (kv.prompt_keys, kv.prompt_values)
        )
        q_LHD = q_RQD.reshape(lines, self.shared, self.size)
        asked = q_LHD.flatten(1).index_select(0, kv.to_groups).view(groups, members * self.shared, self.size)
        scores = torch.baddbmm(of_prompt_GJ1T, asked, prompt_keys.mT).view(groups * members, -1)
        of_prompt = scores.index_select(0, kv.to_rows).view(lines, self.shared, longest)
        of_own = torch.baddbmm(of_own_RJ1S, q_LHD, own_keys.mT)
        weights = torch.softmax(torch.cat([of_prompt, of_own], dim=-1), dim=-1)
        grouped = weights.flatten(1).index_select(0, kv.to_groups).view(groups, members * self.shared, -1)
        taken = torch.bmm(grouped[..., :longest], prompt_values).view(groups * members, -1)
        from_prompt = taken.index_select(0, kv.to_rows).view(lines, self.shared, self.size)
        return torch.baddbmm(from_prompt, weights[..., longest:], own_values).view(len(q_RQD), -1)

    def _masks(self, kv: KVCache) -> tuple[Tensor, Tensor]:
        """Return 0 where a row may attend, minus infinity elsewhere: to prompts, and to its own tokens."""

        def mask(hidden: Tensor) -> Tensor:
            found = torch.zeros(hidden.shape, dtype=self.dtype, device=self.device)
            return found.masked_fill_(hidden, -torch.inf).repeat_interleave(self.heads, dim=0)[:, None]

        lengths_G = kv.length_G[: kv.groups]
        slots_T = torch.arange(int(lengths_G.max()), device=self.device)
        slots_S = torch.arange(int(kv.used_R.max()) + 1, device=self.device)
        return mask(slots_T[None] >= lengths_G[:, None]), mask(slots_S[None] > kv.used_R[:, None])

    def _finish(self, layer: _Layer, hidden: Tensor, mixed: Tensor) -> Tensor:
        """Apply the rest of a layer after attention."""
        hidden = hidden + layer.out(mixed)
        normed = self._normed(hidden, layer.mlp_norm)
        gate, up = layer.gate_up(normed).chunk(2, dim=-1)
        return hidden + layer.down(functional.silu(gate) * up)

    def _logits(self, hidden: Tensor) -> Tensor:
        logits: Tensor = functional.linear(self._normed(hidden, self._norm), self._head)
        return logits

    def _normed(self, x: Tensor, weight: Tensor) -> Tensor:
        normed: Tensor = functional.rms_norm(x, x.shape[-1:], weight, self._eps)
        return normed


def _layer(state: Mapping[str, Tensor], name: str) -> _Layer:
    attention, mlp = f"{name}.self_attn", f"{name}.mlp"
    return _Layer(
        norm=state[f"{name}.input_layernorm.weight"],
        qkv=_joined(state, *(f"{attention}.{part}_proj" for part in "qkv")),
        q_norm=state.get(f"{attention}.q_norm.weight"),
        k_norm=state.get(f"{attention}.k_norm.weight"),
        out=_joined(state, f"{attention}.o_proj"),
        mlp_norm=state[f"{name}.post_attention_layernorm.weight"],
        gate_up=_joined(state, f"{mlp}.gate_proj", f"{mlp}.up_proj"),
        down=_joined(state, f"{mlp}.down_proj"),
    )


def _joined(state: Mapping[str, Tensor], *names: str) -> _Linear:
    """Projections of the same input as one; a single one is not copied."""
    weights = [state[f"{name}.weight"] for name in names]
    biases = [state[f"{name}.bias"] for name in names if f"{name}.bias" in state]
    if len(names) == 1:
        return _Linear(weights[0], biases[0] if biases else None)
    return _Linear(torch.cat(weights), torch.cat(biases) if biases else None)


def _turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary position embedding, halves as in Llama (Su et al. 2021)."""
    one, other = x.chunk(2, dim=-1)
    return torch.cat([torch.addcmul(one * cos, other, sin, value=-1), torch.addcmul(other * cos, one, sin)], dim=-1)


def _batches(lengths: Sequence[int]) -> list[tuple[int, int]]:
    """Return runs of prompts that are read together."""
    runs: list[tuple[int, int]] = []
    start, widest = 0, 0
    for index, length in enumerate(lengths):
        widest = max(widest, length)
        if index > start and widest * (index + 1 - start) > PREFILL_TOKENS:
            runs.append((start, index))
            start, widest = index, length
    return [*runs, (start, len(lengths))]
