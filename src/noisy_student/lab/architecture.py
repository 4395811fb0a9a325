"""Architecture of the lab's models: a small Qwen2, its tokenizer and its chat template, built from nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import GenerationConfig, Qwen2Config, Qwen2ForCausalLM, Qwen2Tokenizer

END_OF_TEXT, TURN_START, TURN_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
PRETRAIN_STEPS, PRETRAIN_BATCH = 1200, 32
"""At which ``benchmarks/regime.py`` finds the regime of the plan (``docs/lab.md``)."""
INITIAL_DEVIATION = 0.05
"""Standard deviation of the initial weights; transformers' 0.02 suits wide models and costs these hundreds of steps."""
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@dataclass(frozen=True, slots=True)
class LabShape:
    """Size of a lab model."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    intermediate: int
    vocabulary: int = 640
    positions: int = 512


SHAPES = {
    "lab-s": LabShape(hidden=64, layers=3, heads=2, kv_heads=1, intermediate=128),
    "lab-m": LabShape(hidden=128, layers=4, heads=4, kv_heads=2, intermediate=256),
    "lab-l": LabShape(hidden=160, layers=5, heads=5, kv_heads=1, intermediate=304),
}
"""About 0.15, 0.67 and 1.14 million parameters; the models differ in nothing else."""


def tokenizer(texts: Iterable[str], shape: LabShape) -> Qwen2Tokenizer:
    """Learn a byte-level BPE tokenizer from ``texts``; equal texts give equal tokenizers.

    It splits text as Qwen2's tokenizer does, since ``AutoTokenizer`` applies Qwen2's rules to any Qwen2 model.
    """
    specials = [END_OF_TEXT, TURN_START, TURN_END]
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = Qwen2Tokenizer().backend_tokenizer.pre_tokenizer
    trainer = trainers.BpeTrainer(
        vocab_size=shape.vocabulary,
        special_tokens=specials,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    core.train_from_iterator(texts, trainer)
    learned = json.loads(core.to_str())["model"]
    return Qwen2Tokenizer(
        vocab=learned["vocab"],
        merges=[(first, second) for first, second in learned["merges"]],  # type: ignore[misc]  # annotated list[str]
        unk_token=END_OF_TEXT,
        eos_token=TURN_END,
        pad_token=END_OF_TEXT,
        extra_special_tokens=[TURN_START],
        chat_template=CHAT_TEMPLATE,
        model_max_length=shape.positions,
        clean_up_tokenization_spaces=False,
    )


def untrained(shape: LabShape, tokens: Qwen2Tokenizer, *, seed: int) -> Qwen2ForCausalLM:
    """Build a model of this shape with random weights that depend on ``seed`` only."""
    config = Qwen2Config(
        vocab_size=len(tokens),
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        max_position_embeddings=shape.positions,
        tie_word_embeddings=True,
        initializer_range=INITIAL_DEVIATION,
        bos_token_id=None,
        eos_token_id=tokens.eos_token_id,
        pad_token_id=tokens.pad_token_id,
        dtype="float32",
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed % 2**31)
        model = Qwen2ForCausalLM(config)
    model.generation_config = GenerationConfig(
        eos_token_id=[tokens.eos_token_id, tokens.convert_tokens_to_ids(END_OF_TEXT)],
        pad_token_id=tokens.pad_token_id,
    )
    return model
