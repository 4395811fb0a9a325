"""When two answers are the same: one function, used by the vote, the grade and the reward alike."""

from __future__ import annotations

from noisy_student.answers.normalize import canonical_number


def same(a: str, b: str) -> bool:
    """Whether two answers are equal in value; answers that are no numbers are equal as stripped text.

    An equivalence relation on all strings, since it compares one form per string.

    >>> same("0.75", "3/4"), same("18", "18.00"), same("18", "81")
    (True, True, False)
    """
    return _form(a) == _form(b)


def _form(answer: str) -> str:
    number = canonical_number(answer)
    return answer.strip() if number is None else number
