"""Settings of a model and of its prompts; no torch.

A local folder is checked and digested by ``folder``; nothing here touches the disk.
"""

from __future__ import annotations

from datetime import date
from typing import Literal, Self

from pydantic import Field, model_validator

from noisy_student.strict import Strict

DType = Literal["float32", "float64", "bfloat16"]
Attention = Literal["sdpa", "eager"]
PadRule = Literal["apart", "eos"]
SaveDType = Literal["auto", "trained", "base"]

ORIGINAL_TEMPLATE = (
    "Solve this math problem step by step. End with #### followed by the numerical answer.\n\n"
    "Problem: {question}\n\nSolution:"
)

DATE = "2024-07-26"
"""The day of Llama 3's own template; a clock that runs would give other prompts tomorrow."""

MATH_INSTRUCTION = "Solve it step by step. Put the final answer in \\boxed{}."


class PromptSpec(Strict):
    """Settings of the prompt; the instruction is part of the prompt, never of the question."""

    style: Literal["chat", "raw"] = "chat"
    """``chat`` uses the tokenizer's chat template, ``raw`` the template below."""
    instruction: str = ""
    """Request for the answer's form; chat style puts it after the question, on its own line."""
    math_instruction: str = MATH_INSTRUCTION
    """The same for questions with LaTeX answers; unused if ``instruction`` is empty."""
    system: str | None = None
    """Text of a system turn; None leaves it to the chat template."""
    thinking: Literal["template", "off"] = "template"
    """``off`` passes ``enable_thinking=False``, which templates such as Qwen3's understand."""
    template: str = ORIGINAL_TEMPLATE
    """The raw prompt; ``{question}`` stands for the question's text. Default: the plan's code."""
    joint: str = " "
    """Separator of a raw prompt and its target."""
    date: str = DATE
    """Day (YYYY-MM-DD) at which the clock of a chat template stands still, for templates that print the date."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.template.count("{question}") != 1:
            raise ValueError("template must hold {question} exactly once")
        if date.fromisoformat(self.date).isoformat() != self.date:
            raise ValueError("date must be written YYYY-MM-DD")
        return self


class ModelSpec(Strict):
    """A model by hub id or folder, and its computation; dtype and attention change floating-point results."""

    id: str = Field(min_length=1)
    """A hub id such as ``Qwen/Qwen2.5-0.5B-Instruct``, a local folder with safetensors, or a GGUF file."""
    revision: str | None = None
    """Commit, tag or branch of a hub model; None is the newest."""
    dtype: DType = "float32"
    """float32 because CPUs train in it exactly; float64 serves exactness tests."""
    attn: Attention = "sdpa"
    """The attention implementation of transformers."""
    pad: PadRule = "apart"
    """``apart``: pad is never the turn's end token; ``eos``: pad is EOS, as in the original protocol."""
