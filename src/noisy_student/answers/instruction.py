"""The words that ask for the answer's form; they live beside the code that reads it and nowhere else.

A Question's text never contains them: the renderer joins the two.
"""

from __future__ import annotations

INSTRUCTION = "Solve it step by step. End with a line that holds #### followed by the answer as a plain number."
"""The default protocol's sentence, put after the question inside the user's turn."""

ORIGINAL_PROMPT = (
    "Solve this math problem step by step. End with #### followed by the numerical answer.\n\n"
    "Problem: {question}\n\nSolution:"
)
"""The original protocol's raw prompt, as the plan's code had it; see ``original_prompt``."""


def original_prompt(question: str) -> str:
    """The raw prompt of the original protocol; braces in the question stay as they are.

    >>> original_prompt("What is {x}?").splitlines()[2]
    'Problem: What is {x}?'
    """
    return ORIGINAL_PROMPT.replace("{question}", question)
