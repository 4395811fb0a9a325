"""Chat templates: programs from elsewhere, tried in another process, then rendered in transformers' sandbox."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from transformers import PreTrainedTokenizerBase

from noisy_student.errors import UserError
from noisy_student.models import template_trial

MARK = "NoisyStudentMark"
"""Placeholder of a text, to find what a template writes around it."""

_TEMPLATE_CAP = 65_536  # characters; the longest templates in use (tool calling) have about 12,000
# A template that prints today's date would give other ids tomorrow; this is Llama 3's own fallback date.
_DATE = "26 Jul 2024"


def render(
    tokenizer: PreTrainedTokenizerBase,
    turns: list[dict[str, str]],
    *,
    open_answer: bool,
    variables: Mapping[str, bool] = MappingProxyType({}),
) -> str:
    """Return the turns as text; ``open_answer`` adds the header of the assistant's turn.

    The turns hold marks, never a question, and are first rendered in a process that may be killed. UserError for a
    template that fails or exceeds the limits of time and memory.
    """
    more: dict[str, Any] = {"date_string": _DATE, **variables}
    _try(str(tokenizer.chat_template), json.dumps([turns, {**more, "add_generation_prompt": open_answer}]))
    try:
        text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=open_answer, **more)
    except Exception as error:
        # A template is a program from elsewhere, which may raise anything: SecurityError, OverflowError, MemoryError.
        raise UserError(
            f"The chat template failed: {error}.",
            why="Prompts cannot be rendered.",
            do='Use prompt.style = "raw".',
            code="chat-template-unusable",
        ) from error
    return str(text)


def check_template(tokenizer: PreTrainedTokenizerBase) -> None:
    """Raise UserError for a chat template that is too long, fails, or exceeds the limits of time and memory."""
    template = str(tokenizer.chat_template or "")
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
def _try(template: str, request: str) -> None:
    turns, variables = json.loads(request)
    if (fault := template_trial.fault(template, turns, variables)) is not None:
        raise UserError(
            f"The chat template {fault}.",
            why="A template is a program; this one could hang the run or fill the memory.",
            do="Replace it by the template of the model's family.",
            code="chat-template-too-large",
        )
