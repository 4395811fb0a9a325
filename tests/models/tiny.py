"""Tiny real models and tokenizers, made by the libraries themselves: a few kilobytes, no downloads."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from noisy_student.models.load import LoadedModel, settle

WORDS = (  # noqa: SIM905
    "Tom Ann has had and apples pears buys gives eats more each how many now ? . , + - = * #### "
    "system user assistant The answer is x 0 1 2 3 4 5 6 7 8 9 10 11 12 Think step End with Be brief"
).split()
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def word_tokenizer(
    *, eos: str = "<|im_end|>", pad: str | None = "<|endoftext|>", extra: tuple[str, ...] = ()
) -> PreTrainedTokenizerFast:
    """A word-level tokenizer with ChatML tokens."""
    vocabulary = {word: number for number, word in enumerate(["<unk>", *SPECIAL, *WORDS])}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    return _wrapped(backend, eos=eos, pad=pad, extra=extra, unk="<unk>")


def byte_tokenizer(*, eos: str = "<|im_end|>", pad: str | None = "<|endoftext|>") -> PreTrainedTokenizerFast:
    """A byte-level BPE like Qwen's, with merges that could cross a template's borders, and a tool-call token."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(["user\n\n\nTom has 5 apples.\n\n  Ann has 10.\n\n" * 20, *WORDS], trainer)
    tokenizer = _wrapped(backend, eos=eos, pad=pad, extra=(), unk=None)
    tokenizer.add_tokens(["<tool_call>"])
    return tokenizer


def model(tokenizer: PreTrainedTokenizerFast, *, seed: int = 0, tie: bool = True) -> Qwen2ForCausalLM:
    """A random Qwen2 with hidden size 32 and 2 layers."""
    torch.manual_seed(seed)
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        tie_word_embeddings=tie,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return Qwen2ForCausalLM(config).eval()


def loaded(*, seed: int = 0) -> LoadedModel:
    """Model and word tokenizer with stop and pad ids settled."""
    tokenizer = word_tokenizer()
    return settle(model(tokenizer, seed=seed), tokenizer, digest="tiny")


def folder(path: Path, *, seed: int = 0) -> Path:
    """A model folder as save_pretrained writes it."""
    tokenizer = word_tokenizer()
    model(tokenizer, seed=seed).save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


def _wrapped(
    backend: Tokenizer, *, eos: str, pad: str | None, extra: tuple[str, ...], unk: str | None
) -> PreTrainedTokenizerFast:
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        eos_token=eos,
        pad_token=pad,
        unk_token=unk,
        additional_special_tokens=[*SPECIAL, *extra],
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer
