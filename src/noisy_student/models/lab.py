"""The lab's models: a small Qwen2 with a tokenizer and a chat template of its own, made here from nothing.

``tokenizer`` learns a byte-level BPE with single digits from texts; ``untrained`` gives the model its first weights;
the shipped weights stand in ``models/weights`` with their sha256, and ``folder`` finds and checks them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from noisy_student.errors import UserError, nearest
from noisy_student.files import read_json, sha256_file

if TYPE_CHECKING:
    from transformers import Qwen2ForCausalLM, Qwen2Tokenizer

WEIGHTS = Path(__file__).parent / "weights"
END_OF_TEXT, TURN_START, TURN_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
SUMS = "SHA256SUMS.json"
PRETRAIN_STEPS, PRETRAIN_BATCH = 1200, 32
"""Where ``benchmarks/regime.py`` finds the regime of the plan; see ``docs/lab.md``."""
INITIAL_DEVIATION = 0.05
"""Of first weights; transformers' 0.02 is meant for wide models and costs these hundreds of steps."""
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@dataclass(frozen=True, slots=True)
class LabShape:
    """The size of a lab model."""

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
"""About 0.15, 0.67 and 1.14 million parameters; the sisters of lab-m differ from it in nothing else."""


def names() -> tuple[str, ...]:
    """The lab models that this package ships."""
    return tuple(sorted(path.parent.name for path in WEIGHTS.glob(f"*/{SUMS}")))


def folder(name: str) -> Path:
    """The folder of a shipped lab model, after its files were compared with their pinned sha256.

    Raises UserError for an unknown name and for a damaged file.
    """
    if name not in names():
        raise UserError(f'There is no lab model "{name}".', do=nearest(name, names()))
    path = WEIGHTS / name
    for file, expected in read_json(path / SUMS).items():
        if not (path / file).is_file() or sha256_file(path / file) != expected:
            raise UserError(
                f"The shipped file {path / file} is not what it was when it was packaged.",
                why="Results from a changed model would not be comparable.",
                do="Install noisy-student again.",
            )
    return path


def tokenizer(texts: Iterable[str], shape: LabShape) -> Qwen2Tokenizer:
    """A byte-level BPE tokenizer learned from ``texts``; equal texts give equal tokenizers.

    It is cut as Qwen2's is, since ``AutoTokenizer`` puts Qwen2's rules over those in the file of any Qwen2 model.
    """
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import Qwen2Tokenizer

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
    """A model of this shape with random weights that depend on ``seed`` only."""
    import torch
    from transformers import GenerationConfig, Qwen2Config, Qwen2ForCausalLM

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
