"""Chat templates: programs that came with a tokenizer, rendered in transformers' sandbox and checked before use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from transformers import PreTrainedTokenizerBase

from noisy_student.errors import UserError

MARK = "NoisyStudentMark"
"""A word put where a text belongs, to see what a template writes around it."""

_TEMPLATE_CAP = 65_536  # characters; the longest templates in use (tool calling) have about 12,000
_OUTPUT_CAP = 1_000_000  # characters around one short word
# The sandbox stops range() above 100,000 but not 'a' * 100000000: such numbers are refused unread.
_BOMB = re.compile(r"\d{6}|\*\*\s*\d")
# A template that prints today's date gives other ids tomorrow; this is the date that Llama 3's own falls back to.
_DATE = "26 Jul 2024"


def render(
    tokenizer: PreTrainedTokenizerBase,
    turns: list[dict[str, str]],
    *,
    open_answer: bool,
    variables: Mapping[str, bool] = MappingProxyType({}),
) -> str:
    """The turns as text; ``open_answer`` adds the header after which the assistant speaks.

    UserError for a template that fails, whatever it raises.
    """
    more: dict[str, Any] = {"date_string": _DATE, **variables}
    try:
        text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=open_answer, **more)
    except Exception as error:
        # A template is a program from elsewhere: SecurityError, OverflowError or MemoryError are its fault, not ours.
        raise UserError(
            f"The chat template failed: {error}.", why="Prompts cannot be rendered.", do='Use prompt.style = "raw".'
        ) from error
    return str(text)


def check_template(tokenizer: PreTrainedTokenizerBase) -> None:
    """Raise UserError for a chat template that is too long, fails, or blows up a short text."""
    template = str(tokenizer.chat_template or "")
    if not template:
        return
    if len(template) > _TEMPLATE_CAP or _BOMB.search(template):
        raise UserError(
            "The chat template is longer than any known one, or counts in hundreds of thousands.",
            why="A template is a program; this one could fill the memory.",
            do="Put the template of the model's family in its place.",
        )
    text = render(tokenizer, [{"role": "user", "content": MARK}], open_answer=True)
    if len(text) > _OUTPUT_CAP:
        raise UserError(
            f"The chat template makes {len(text):,} characters of one word.",
            why="Every prompt would be as long.",
            do="Put the template of the model's family in its place.",
        )
