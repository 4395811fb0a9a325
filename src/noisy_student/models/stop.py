"""Stop ids and the pad id of a tokenizer and a generation config.

Small models disagree: SmolLM2 ships pad = EOS = <|im_end|>, Qwen2.5-Instruct's pad is among its stop ids. Padding is
masked by position everywhere, so pad may be a stop id; it must not be the token that ends a turn in training.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from transformers import GenerationConfig, PreTrainedTokenizerBase

from noisy_student.errors import UserError
from noisy_student.models.template import MARK, render


def turn_end_id(tokenizer: PreTrainedTokenizerBase) -> int | None:
    """Return the special token that the chat template writes after an assistant's text.

    Falls back to EOS without a template, or where the template writes no special token there.
    """
    if tokenizer.chat_template:
        turns = [{"role": "user", "content": "x"}, {"role": "assistant", "content": MARK}]
        after = render(tokenizer, turns, open_answer=False).rpartition(MARK)[2]
        special = special_ids(tokenizer)
        for token in tokenizer.encode(after, add_special_tokens=False):
            if token in special:
                return int(token)
    return _eos(tokenizer)


def stop_ids(tokenizer: PreTrainedTokenizerBase, config: GenerationConfig | None) -> frozenset[int]:
    """Return all ids that end a text: the generation config's, the tokenizer's EOS, the turn's end token."""
    named: Any = config.eos_token_id if config is not None else None
    ids = {int(token) for token in (named if isinstance(named, list | tuple) else [named]) if token is not None}
    ids.update(token for token in (_eos(tokenizer), turn_end_id(tokenizer)) if token is not None)
    if not ids:
        raise UserError(
            "The tokenizer names no token that ends a text.",
            why="Sampling would always run to its cap, and training could not teach the model to stop.",
            do="Set eos_token in tokenizer_config.json.",
            code="end-token-missing",
        )
    return frozenset(ids)


def pad_id(tokenizer: PreTrainedTokenizerBase, stops: Iterable[int]) -> int:
    """Return the tokenizer's own pad id unless it is EOS or the turn's end, else another existing special token.

    Prefers a token that is not a stop id, not the unknown token and not in the chat template. Without another special
    token, pad stays the end token: no token is added, and padding is masked by position anyway.
    """
    ends = {token for token in (_eos(tokenizer), turn_end_id(tokenizer)) if token is not None}
    own = _int(tokenizer.pad_token_id)
    if own is not None and own not in ends:
        return own
    others = special_ids(tokenizer) - ends
    if not others:
        return own if own is not None else min(ends)
    stops, template = frozenset(stops), str(tokenizer.chat_template or "")

    def last_resort(token: int) -> tuple[bool, bool, bool, int]:
        text = str(tokenizer.convert_ids_to_tokens(token))
        return token in stops, token == _int(tokenizer.unk_token_id), text in template, token

    return min(others, key=last_resort)


def special_ids(tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """Return the ids of all special tokens, named (such as EOS) or only listed among the added tokens."""
    added = {int(token) for token, entry in tokenizer.added_tokens_decoder.items() if entry.special}
    return frozenset(added | {int(token) for token in tokenizer.all_special_ids})


def _eos(tokenizer: PreTrainedTokenizerBase) -> int | None:
    return _int(tokenizer.eos_token_id)


def _int(value: object) -> int | None:
    return value if isinstance(value, int) else None
