"""A tiny random Qwen2 in float64, and a model that recites a script: what the engine's tests draw from."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

EOS, PAD = 1, 0
PIECES = ("", "", "####", " ", "1", "2", "7", ".", "\n", *"abcdefghijklmn")


def model(*, attn: str = "sdpa", dtype: torch.dtype = torch.float64) -> Qwen2ForCausalLM:
    """Two layers, one token of vocabulary per piece, weights large enough for greedy texts that differ."""
    config = Qwen2Config(
        vocab_size=len(PIECES),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
        tie_word_embeddings=False,
        eos_token_id=EOS,
        pad_token_id=PAD,
    )
    config._attn_implementation = attn
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = Qwen2ForCausalLM(config).to(dtype).eval()
    with torch.no_grad():
        for weight in made.parameters():
            if weight.dim() > 1:
                weight.mul_(8)
    return made


def decode(ids: Sequence[int]) -> str:
    """The text of the tiny model's tokens; the special ones have none."""
    return "".join(PIECES[token] for token in ids)


class Script:
    """Recites byte pieces, one a step, then ends: token i is followed by token i + 1, whatever the batch."""

    device = torch.device("cpu")

    def __init__(self, pieces: Sequence[bytes]) -> None:
        """Token 0 is the prompt, the last token ends."""
        self.pieces = [b"", *pieces, b""]
        self.end = len(self.pieces) - 1
        self.steps = 0
        self.config = SimpleNamespace(
            vocab_size=len(self.pieces), num_hidden_layers=1, _attn_implementation="sdpa", eos_token_id=self.end
        )

    def __call__(self, input_ids: torch.Tensor, **_: object) -> SimpleNamespace:
        self.steps += 1
        following = (input_ids + 1).clamp(max=self.end)
        return SimpleNamespace(logits=torch.nn.functional.one_hot(following, len(self.pieces)).double() * 1000)

    def decode(self, ids: Sequence[int]) -> str:
        """The text, half characters as U+FFFD."""
        return b"".join(self.pieces[token] for token in ids).decode("utf-8", errors="replace")
