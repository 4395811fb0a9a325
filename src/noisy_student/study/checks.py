"""What the pre-flight checks are asked for: how many questions, and whether they are all that a run does."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from noisy_student.study.frozen import Frozen

MOST_TEST = 100
"""Test questions that the checks may read: enough to see a memorised training split, too few to choose anything by."""


class CheckSettings(Frozen):
    """Sizes of the pre-flight checks; none of them enters the key of anything that a study trains or samples."""

    only: bool = False
    """Whether the checks are all that is done."""
    questions: Annotated[int, Field(ge=8)] = 100
    """Answered questions that no student is trained on: dev, topped up by spare ones. The plan has 100."""
    test_questions: Annotated[int, Field(ge=0, le=MOST_TEST)] = 100
    """Test questions whose accuracy is held against that of the training file; 0 leaves that check out."""
    completions: Annotated[int, Field(ge=0)] = 50
    """Questions of which the model is shown the first half, to see whether it knows the second; 0 leaves it out."""
    speed_rows: Annotated[int, Field(ge=2)] = 8
    """Prompts that are answered together and one at a time."""
    speed_tokens: Annotated[int, Field(ge=1)] = 32
    """Tokens of each of these answers at most."""
    rehearse: bool = True
    """Whether one step of each way of training is really taken, with the longest prompt and answer."""
