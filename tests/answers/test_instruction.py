from __future__ import annotations

from noisy_student.answers.extract import extract
from noisy_student.answers.instruction import INSTRUCTION, ORIGINAL_PROMPT, original_prompt
from noisy_student.records import NoAnswer


def test_the_original_prompt_is_the_plans_word_for_word() -> None:
    assert original_prompt("How many {eggs}?") == (
        "Solve this math problem step by step. End with #### followed by the numerical answer.\n\n"
        "Problem: How many {eggs}?\n\nSolution:"
    )
    assert ORIGINAL_PROMPT.count("{question}") == 1


def test_a_model_that_parrots_the_instruction_has_not_answered() -> None:
    assert "####" in INSTRUCTION
    assert isinstance(extract(INSTRUCTION), NoAnswer)
