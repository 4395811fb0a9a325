"""A gold solution text in (GSM8K's ``answer`` field), the text to learn from and the canonical answer out.

The text keeps its last line ``#### 18``: it is what a student has to learn to write.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from noisy_student.answers.extract import extract
from noisy_student.errors import UserError
from noisy_student.records import Answer

Marks = Literal["remove", "keep"]

_CALCULATOR = re.compile(r"<<[^<>\n]*+>>")


@dataclass(frozen=True, slots=True)
class Solution:
    """A worked text that ends with its answer, and that answer in canonical form."""

    text: str
    answer: str


def parse_solution(text: str, *, marks: Marks = "remove") -> Solution:
    """Parse a worked solution; ``marks`` says what happens to GSM8K's calculator marks ``<<6*7=42>>``.

    Raises UserError where no ``####`` is followed by a number.

    >>> parse_solution("He has 6*7=<<6*7=42>>42.\\n#### 42")
    Solution(text='He has 6*7=42.\\n#### 42', answer='42')
    """
    answer = extract(text)
    if not isinstance(answer, Answer) or not answer.strict:
        raise UserError(
            f'The solution "{text[-60:]}" has no readable number after ####.',
            why="The answer of a worked solution is read there.",
            do="End it with a line such as #### 42, or give the answer in a field of its own.",
        )
    return Solution(text if marks == "keep" else without_marks(text), answer.canonical)


def without_marks(text: str) -> str:
    """The text without calculator marks."""
    return _CALCULATOR.sub("", text)
