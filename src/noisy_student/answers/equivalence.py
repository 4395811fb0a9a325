"""When two answers are the same: one function, used by the vote, the grade and the reward alike.

Numbers are compared by their canonical form alone. LaTeX has more than one form of a value, so it is also asked of
algebra (``math_pool``), which is no equivalence relation: in a ballot what hangs together is one answer.
"""

from __future__ import annotations

from collections.abc import Sequence

from noisy_student.answers.latex import is_latex
from noisy_student.answers.math_pool import equal
from noisy_student.answers.normalize import canonical_number


def same(a: str, b: str) -> bool:
    """Whether two answers are equal in value; answers that are neither numbers nor LaTeX are equal as stripped text.

    Reflexive and symmetric on all strings; transitive on all but LaTeX, since there it compares one form per string.
    Raises UserError where LaTeX has to be compared and the extra ``math`` is not installed.

    >>> same("0.75", "3/4"), same("18", "18.00"), same("18", "81")
    (True, True, False)
    """
    return _form(a) == _form(b) or ((is_latex(a) or is_latex(b)) and equal(a, b))


def merged(answers: Sequence[str | None]) -> Sequence[str | None]:
    """The answers of one ballot with one string for what is equal: the shortest of its forms, then the smallest.

    Only LaTeX is merged; canonical numbers are one string already. What is equal over a third answer is equal.

    >>> merged(["4", None, "5"])
    ['4', None, '5']
    """
    forms = sorted({answer for answer in answers if answer is not None}, key=lambda form: (len(form), form))
    if not any(map(is_latex, forms)):
        return answers
    leaders: dict[str, str] = {}
    for form in forms:
        found = {leader for other, leader in leaders.items() if same(form, other)}
        leaders[form] = min(found, key=lambda leader: (len(leader), leader)) if found else form
        # One that is equal to two classes joins them.
        for other, leader in leaders.items():
            if leader in found:
                leaders[other] = leaders[form]
    return [None if answer is None else leaders[answer] for answer in answers]


def _form(answer: str) -> str:
    number = canonical_number(answer)
    return answer.strip() if number is None else number
