"""Chat templates, and the stop ids and pad id that follow from a template, a tokenizer and a generation config.

A template is a program from elsewhere: it is rendered in another process only, by transformers' own code. Small models
disagree about ids: SmolLM2 ships pad = EOS = <|im_end|>, Qwen2.5-Instruct's pad is among its stop ids. Padding is
masked by position everywhere, so pad may be a stop id; it must not be the token that ends a turn in training.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from transformers import GenerationConfig, PreTrainedTokenizerBase

from noisy_student.errors import UserError
from noisy_student.models import template_child
from noisy_student.models.spec import DATE

MARK = "NoisyStudentMark"
"""Placeholder of a text, to find what a template writes around it."""

_TEMPLATE_CAP = 65_536  # characters; the longest templates in use (tool calling) have about 12,000


def render(
    tokenizer: PreTrainedTokenizerBase,
    turns: list[dict[str, str]],
    *,
    open_answer: bool,
    variables: Mapping[str, bool] = MappingProxyType({}),
    date: str = DATE,
) -> str:
    """Return the turns as text; ``open_answer`` adds the header of the assistant's turn.

    The turns hold marks, never a question. ``date`` is the day that a template with a clock prints. UserError for a
    template that fails or exceeds the limits of time and memory.
    """
    special: Iterable[tuple[str, Any]] = tokenizer.special_tokens_map.items()
    tokens = {name: value if isinstance(value, list) else str(value) for name, value in special}
    request = {
        "template": template_text(tokenizer),
        "turns": turns,
        "open_answer": open_answer,
        "variables": {**tokens, **variables},
        "instant": date,
    }
    return _rendered(json.dumps(request))


def template_text(tokenizer: PreTrainedTokenizerBase) -> str:
    """Return the chat template, of several named ones the default; empty without one."""
    if not tokenizer.chat_template:
        return ""
    try:
        return str(tokenizer.get_chat_template())
    except ValueError as error:
        raise UserError(
            f"The tokenizer has no usable chat template: {error}.",
            why="Prompts cannot be rendered.",
            do='Name one of its templates "default", or use prompt.style = "raw".',
            code="chat-template-unusable",
        ) from error


def check_template(tokenizer: PreTrainedTokenizerBase) -> None:
    """Raise UserError for a chat template that is too long, fails, or exceeds the limits of time and memory."""
    template = template_text(tokenizer)
    if len(template) > _TEMPLATE_CAP:
        raise UserError(
            f"The chat template has {len(template):,} characters.",
            why=f"A template is a program, and known ones are shorter than {_TEMPLATE_CAP:,}.",
            do="Replace it by the template of the model's family.",
            code="chat-template-too-large",
        )
    if template:
        render(tokenizer, [{"role": "user", "content": MARK}], open_answer=True)


@functools.cache
def _rendered(request: str) -> str:
    answer = template_child.rendered(request)
    if "fault" in answer:
        raise UserError(
            f"The chat template {answer['fault']}.",
            why="A template is a program; this one could hang the run or fill the memory.",
            do="Replace it by the template of the model's family.",
            code="chat-template-too-large",
        )
    if "failure" in answer:
        raise UserError(
            f"The chat template failed: {answer['failure']}.",
            why="Prompts cannot be rendered.",
            do='Use prompt.style = "raw".',
            code="chat-template-unusable",
        )
    return answer["text"]


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
    return _int(tokenizer.eos_token_id)


def stop_ids(tokenizer: PreTrainedTokenizerBase, config: GenerationConfig | None) -> frozenset[int]:
    """Return all ids that end a text: the generation config's, the tokenizer's EOS, the turn's end token."""
    named: Any = config.eos_token_id if config is not None else None
    ids = {int(token) for token in (named if isinstance(named, list | tuple) else [named]) if token is not None}
    ids.update(token for token in (_int(tokenizer.eos_token_id), turn_end_id(tokenizer)) if token is not None)
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
    ends = {token for token in (_int(tokenizer.eos_token_id), turn_end_id(tokenizer)) if token is not None}
    own = _int(tokenizer.pad_token_id)
    if own is not None and own not in ends:
        return own
    others = special_ids(tokenizer) - ends
    if not others:
        return own if own is not None else min(ends)
    stops, template = frozenset(stops), template_text(tokenizer)

    def last_resort(token: int) -> tuple[bool, bool, bool, int]:
        text = str(tokenizer.convert_ids_to_tokens(token))
        return token in stops, token == _int(tokenizer.unk_token_id), text in template, token

    return min(others, key=last_resort)


def special_ids(tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """Return the ids of all special tokens, named (such as EOS) or only listed among the added tokens."""
    added = {int(token) for token, entry in tokenizer.added_tokens_decoder.items() if entry.special}
    return frozenset(added | {int(token) for token in tokenizer.all_special_ids})


def _int(value: object) -> int | None:
    return value if isinstance(value, int) else None
