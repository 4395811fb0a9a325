from __future__ import annotations

from noisy_student.answers.equivalence import same


def test_same_compares_values_and_falls_back_to_text() -> None:
    assert same("$1,000.00", "1000")
    assert same("blue", " blue ")
    assert not same("1e3", "1000")
    assert not same("18", "81")


def test_answers_that_are_no_numbers_differ_as_texts() -> None:
    assert same(" blue ", "blue")
    assert not same("blue", "red")
    assert not same("blue", "0")
