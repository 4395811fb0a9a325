"""The decoder against transformers, for every kind of model that it stands for, and what it refuses."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from noisy_student.models.load import unsupported_reason
from noisy_student.sampling.decoder import Decoder, _batches

SIZES = {
    "vocab_size": 60,
    "hidden_size": 24,
    "intermediate_size": 40,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 10_000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
PROMPTS = [[5, 6, 7, 8, 9], [3], [21, 4, 8, 20, 11, 12, 13, 40, 41], [1, 2]]
FOLLOWING = [[10, 11, 12, 13], [14, 15, 16, 17], [50, 51, 52, 53], [18, 19, 20, 21], [30, 31, 32, 33], [7, 7, 7, 7]]
GROUP_OF_ROW = [0, 0, 1, 2, 2, 3]


def made(kind: type[PreTrainedModel], config: Any, *, dtype: torch.dtype = torch.float32) -> PreTrainedModel:
    """A model with random weights that are large enough for its answers to differ."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = kind(config).to(dtype).eval()
        with torch.no_grad():
            for weight in model.parameters():
                weight.add_(torch.randn_like(weight) * 0.1)
    return model


MODELS = {
    "qwen2": lambda: made(Qwen2ForCausalLM, Qwen2Config(**SIZES, tie_word_embeddings=True)),
    "qwen3": lambda: made(Qwen3ForCausalLM, Qwen3Config(**SIZES, head_dim=8)),
    "llama": lambda: made(LlamaForCausalLM, LlamaConfig(**SIZES)),
    "llama with biases": lambda: made(LlamaForCausalLM, LlamaConfig(**SIZES, attention_bias=True, mlp_bias=True)),
    "llama 3": lambda: made(LlamaForCausalLM, LlamaConfig(**SIZES, rope_parameters=LLAMA3)),
    "every head its own": lambda: made(Qwen2ForCausalLM, Qwen2Config(**{**SIZES, "num_key_value_heads": 6})),
    "one head for all": lambda: made(Qwen2ForCausalLM, Qwen2Config(**{**SIZES, "num_key_value_heads": 1})),
}


@pytest.mark.parametrize("name", MODELS)
@torch.inference_mode()
def test_every_next_token_has_the_probability_that_transformers_gives_it(name: str) -> None:
    model = MODELS[name]()
    assert unsupported_reason(model) is None
    decoder = Decoder(model)
    decoder.reserve(64)
    memory = decoder.new_cache(groups=len(PROMPTS), rows=len(FOLLOWING), prompt=12, drawn=8)
    read = decoder.read(memory, PROMPTS, range(len(PROMPTS)))
    memory.seat(GROUP_OF_ROW)
    got = [read[GROUP_OF_ROW]] + [decoder.step(memory, torch.tensor(tokens)) for tokens in zip(*FOLLOWING, strict=True)]
    for row, (group, following) in enumerate(zip(GROUP_OF_ROW, FOLLOWING, strict=True)):
        logits_TV = model(torch.tensor([[*PROMPTS[group], *following]])).logits[0, len(PROMPTS[group]) - 1 :]
        expected = torch.softmax(logits_TV, dim=-1)
        found = torch.softmax(torch.stack([step[row] for step in got]), dim=-1)
        assert (found - expected).abs().max() < 1e-5
        assert expected.max() > 2 / SIZES["vocab_size"], "a flat distribution would agree with anything"


@pytest.mark.parametrize("groups", [[0, 0, 1, 1], [0, 1, 0, 2], [None, 1, 0, 1], [2, None, None, None]])
def test_rows_go_into_the_order_of_groups_and_back(groups: list[int | None]) -> None:
    memory = Decoder(MODELS["qwen2"]()).new_cache(groups=3, rows=4, prompt=2, drawn=2)
    memory.seat(groups)
    heads = SIZES["num_key_value_heads"]
    values = torch.arange(4 * heads)
    ordered = values[memory.to_groups]
    assert len(ordered) == memory.groups * heads * memory.members
    back = ordered[memory.to_rows]
    for row, group in enumerate(groups):
        if group is not None:
            assert back[row * heads : (row + 1) * heads].tolist() == values[row * heads : (row + 1) * heads].tolist()
            assert int(memory.group_R[row]) == group


def test_the_model_is_not_changed() -> None:
    model = MODELS["qwen2"]()
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    Decoder(model)
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())


@torch.inference_mode()
def test_groups_and_rows_may_grow_and_go() -> None:
    decoder = Decoder(MODELS["qwen2"]())
    decoder.reserve(64)
    memory = decoder.new_cache(groups=1, rows=3, prompt=12, drawn=8)
    first = decoder.read(memory, PROMPTS[:1], [0])
    keys = [cache.clone() for cache in memory.prompt_keys]
    memory.grow(3)
    decoder.read(memory, PROMPTS[1:2], [2])
    assert all(torch.equal(cache[:1], old) for cache, old in zip(memory.prompt_keys, keys, strict=True))
    assert memory.length_G.tolist() == [5, 0, 1]
    memory.seat([0, 2, 0])
    decoder.step(memory, torch.tensor([10, 14, 11]))
    whole = decoder.step(memory, torch.tensor([11, 15, 12]))
    memory.keep(torch.tensor([1, 2]))
    assert memory.used_R.tolist() == [2, 2]
    memory.seat([2, 0])
    left = decoder.step(memory, torch.tensor([16, 13]))
    assert left.shape == (2, SIZES["vocab_size"])
    assert not torch.equal(left[0], whole[1]) and torch.isfinite(left).all()
    assert torch.isfinite(first).all()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"model_type": "gpt2"}, "its architecture is gpt2"),
        ({"model_type": ""}, "its architecture is not known"),
        ({"hidden_act": "gelu"}, "its activation is gelu"),
        ({"layer_types": ["full_attention", "sliding_attention"]}, "sliding window"),
        ({"rope_parameters": {"rope_type": "dynamic"}}, "depend on the length"),
    ],
)
def test_what_it_cannot_stand_for_is_told(changes: dict[str, Any], reason: str) -> None:
    fields = {"model_type": "qwen2", "hidden_act": "silu", "layer_types": None, "rope_parameters": None, **changes}
    told = unsupported_reason(SimpleNamespace(config=SimpleNamespace(**fields)))  # type: ignore[arg-type]
    assert told is not None
    assert reason in told


def test_other_architectures_are_left_to_transformers() -> None:
    assert (
        unsupported_reason(made(Gemma2ForCausalLM, Gemma2Config(**SIZES, head_dim=4))) == "its architecture is gemma2"
    )


def test_prompts_are_read_in_runs_that_fit() -> None:
    assert _batches([1000, 1000, 1000, 10]) == [(0, 2), (2, 4)]
    assert _batches([5000, 10]) == [(0, 1), (1, 2)]
    assert _batches([10]) == [(0, 1)]
