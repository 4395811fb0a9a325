"""Chat templates: programs that came with a tokenizer, tried apart and then rendered in transformers' sandbox."""

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
"""A word put where a text belongs, to see what a template writes around it."""

_TEMPLATE_CAP = 65_536  # characters; the longest templates in use (tool calling) have about 12,000
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

    The turns are probes of ours, never a question: whatever a template does with them is tried first in a process that
    may be killed. UserError for one that takes too long or too much, and for one that fails, whatever it raises.
    """
    more: dict[str, Any] = {"date_string": _DATE, **variables}
    _try(str(tokenizer.chat_template), json.dumps([turns, {**more, "add_generation_prompt": open_answer}]))
    try:
        text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=open_answer, **more)
    except Exception as error:
        # A template is a program from elsewhere: SecurityError, OverflowError or MemoryError are its fault, not ours.
        raise UserError(
            f"The chat template failed: {error}.", why="Prompts cannot be rendered.", do='Use prompt.style = "raw".'
        ) from error
    return str(text)


def check_template(tokenizer: PreTrainedTokenizerBase) -> None:
    """Raise UserError for a chat template that is too long, fails, or does not end in little time and room."""
    template = str(tokenizer.chat_template or "")
    if len(template) > _TEMPLATE_CAP:
        raise UserError(
            f"The chat template has {len(template):,} characters.",
            why="No known one is nearly as long, and it is a program.",
            do="Put the template of the model's family in its place.",
        )
    if template:
        render(tokenizer, [{"role": "user", "content": MARK}], open_answer=True)


@functools.cache
def _try(template: str, request: str) -> None:
    turns, variables = json.loads(request)
    if (told := template_trial.fault(template, turns, variables)) is not None:
        raise UserError(
            f"The chat template {told}.",
            why="A template is a program; this one could hang the run or fill the memory.",
            do="Put the template of the model's family in its place.",
        )
