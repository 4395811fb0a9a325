"""GGUF files of tiny models, written with llama.cpp's own writer as its converter writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from transformers import AutoTokenizer, PreTrainedModel

from noisy_student.models import lab

_LAYER = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_PLAIN = {"post_attention_layernorm": "ffn_norm"}
_GEMMA = {
    "post_attention_layernorm": "post_attention_norm",
    "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
}


def byte_level() -> dict[str, Any]:
    """The lab tokenizer as a GGUF file holds it."""
    tokenizer = AutoTokenizer.from_pretrained(lab.folder("lab-m"))
    vocabulary = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    special = set(tokenizer.all_special_ids) | set(tokenizer.added_tokens_decoder)
    merges = json.loads(tokenizer.backend_tokenizer.to_str())["model"]["merges"]
    return {
        "ggml.model": "gpt2",
        "ggml.pre": "qwen2",
        "ggml.tokens": [token for token, _ in vocabulary],
        "ggml.token_type": [3 if number in special else 1 for _, number in vocabulary],
        "ggml.merges": [" ".join(pair) for pair in merges],
        "ggml.eos_token_id": tokenizer.eos_token_id,
        "ggml.padding_token_id": tokenizer.pad_token_id,
        "ggml.add_bos_token": False,
        "chat_template": tokenizer.chat_template,
    }


@dataclass(frozen=True)
class Form:
    """How a file is written: type of its matrices, tensors a shard, tensors that are left out or added, metadata."""

    kind: gguf.GGMLQuantizationType = gguf.GGMLQuantizationType.F32
    split: int = 0
    leave_out: str = "no such name"
    add: Mapping[str, np.ndarray] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)


PLAIN = Form()


def write(path: Path, model: PreTrainedModel, architecture: str, tokens: Mapping[str, Any], form: Form = PLAIN) -> None:
    """Write ``model``; ``tokens`` are the metadata of its tokenizer without their prefix."""
    config = model.config
    writer = gguf.GGUFWriter(path, architecture, split_max_tensors=form.split)
    writer.add_name("tiny")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_key_length(model.model.layers[0].self_attn.head_dim)
    writer.add_value_length(model.model.layers[0].self_attn.head_dim)
    writer.add_rope_freq_base(_theta(config))
    writer.add_vocab_size(config.vocab_size)
    if architecture == "gemma3":
        writer.add_sliding_window(config.sliding_window)
    for name, value in tokens.items():
        _add(writer, f"tokenizer.{name}", value)
    for name, value in form.metadata.items():
        _add(writer, name, value)
    arrays = {
        _name(name, architecture): _weight(name, weight, architecture, config)
        for name, weight in model.state_dict().items()
        if name != "lm_head.weight" or not config.tie_word_embeddings
    }
    for name, array in {**arrays, **form.add}.items():
        if form.leave_out not in name:
            kind = form.kind if array.ndim > 1 else gguf.GGMLQuantizationType.F32
            writer.add_tensor(name, gguf.quants.quantize(array, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _theta(config: Any) -> float:
    parameters = config.rope_parameters
    return float(parameters.get("full_attention", parameters)["rope_theta"])


def _add(writer: gguf.GGUFWriter, key: str, value: Any) -> None:
    if isinstance(value, list):
        writer.add_array(key, value)
    elif isinstance(value, bool):
        writer.add_bool(key, value)
    elif isinstance(value, int):
        writer.add_uint32(key, value)
    elif isinstance(value, float):
        writer.add_float32(key, value)
    else:
        writer.add_string(key, value)


def _name(name: str, architecture: str) -> str:
    if name == "model.embed_tokens.weight":
        return "token_embd.weight"
    if name == "lm_head.weight":
        return "output.weight"
    if name == "model.norm.weight":
        return "output_norm.weight"
    _, _, number, rest = name.split(".", 3)
    part, _, kind = rest.rpartition(".")
    names = _LAYER | (_GEMMA if architecture == "gemma3" else _PLAIN)
    return f"blk.{number}.{names[part]}.{kind}"


def _weight(name: str, weight: torch.Tensor, architecture: str, config: Any) -> np.ndarray:
    """As llama.cpp's converter stores it: Llama's rotary halves interleaved, Gemma's norms with their 1 added."""
    array = weight.to(torch.float32).numpy()
    if architecture == "llama" and (".q_proj." in name or ".k_proj." in name):
        heads = config.num_attention_heads if ".q_proj." in name else config.num_key_value_heads
        shape = array.shape
        array = array.reshape(heads, 2, shape[0] // heads // 2, *shape[1:]).swapaxes(1, 2).reshape(shape)
    if architecture == "gemma3" and "norm" in name:
        array = array + 1
    return np.ascontiguousarray(array)
