"""Equality of answers: one function for the vote, the grade and the reward.

Numbers are compared by canonical form alone. LaTeX has several forms of one value, so it is also compared by algebra
(``math_pool``), which is no equivalence relation: a ballot merges answers that are connected by equal pairs.
"""

from __future__ import annotations

from collections.abc import Sequence

from noisy_student.answers.latex import is_latex
from noisy_student.answers.math_pool import equal
from noisy_student.answers.normalize import canonical_number


def same(a: str, b: str) -> bool:
    """Return whether two answers are equal in value; text that is neither number nor LaTeX is compared stripped.

    Reflexive and symmetric on all strings; transitive on all but LaTeX, because others have one form per value.
    Raises UserError if LaTeX has to be compared and the extra ``math`` is not installed.

    >>> same("0.75", "3/4"), same("18", "18.00"), same("18", "81")
    (True, True, False)
    """
    return _form(a) == _form(b) or ((is_latex(a) or is_latex(b)) and equal(a, b))


def merged(answers: Sequence[str | None]) -> Sequence[str | None]:
    """Replace equal answers of one ballot by one string: the shortest form, then the smallest.

    Only LaTeX is merged, since equal numbers are one string already. Two answers equal to a third are merged.

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
        # A form that is equal to two classes joins them.
        for other, leader in leaders.items():
            if leader in found:
                leaders[other] = leaders[form]
    return [None if answer is None else leaders[answer] for answer in answers]


def _form(answer: str) -> str:
    number = canonical_number(answer)
    return answer.strip() if number is None else number
