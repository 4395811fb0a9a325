"""Equality of answers: one function for the vote, the grade and the reward.

Numbers are compared by canonical form alone. LaTeX has several forms of one value, so it is also compared by structure
(``structure``) and, where that is not enough, by algebra (``math_pool``). This is no equivalence relation: a ballot
merges answers that are connected by equal pairs.
"""

from __future__ import annotations

from collections.abc import Sequence

from noisy_student.answers import structure
from noisy_student.answers.latex import is_latex
from noisy_student.answers.math_pool import decide
from noisy_student.answers.normalize import canonical_number


def same(a: str, b: str) -> bool:
    """Return whether two answers are equal in value; text that is neither number nor LaTeX is compared stripped.

    Reflexive and symmetric on all strings; transitive on all but LaTeX, because others have one form per value. An
    unknown verdict counts as not equal. Raises UserError if algebra is needed and the extra ``math`` is not installed.

    >>> same("0.75", "3/4"), same("18", "18.00"), same("18", "81"), same("$(B) 42$", "42")
    (True, True, False, True)
    """
    return verdict(a, b) is True


def verdict(a: str, b: str) -> bool | None:
    """Return whether two answers are equal in value, None if unknown.

    >>> verdict("$(B) 42$", "$(B) 43$"), verdict("$B$", "42")
    (False, None)
    """
    one, other = _form(a), _form(b)
    if one == other:
        return True
    if not (is_latex(one) or is_latex(other)):
        return False
    one, other = sorted((one.strip("$"), other.strip("$")))
    return structure.compared(one, other, decide)


def merged(answers: Sequence[str | None]) -> Sequence[str | None]:
    """Replace equal answers of one ballot by one string: a choice with its value, else the shortest form.

    Only LaTeX is merged, since equal numbers are one string already. Two answers equal to a third are merged
    (``$B$`` and ``42`` by ``$(B) 42$``), unless they differ: an answer that equals two different ones joins neither.

    >>> merged(["4", None, "5"]), merged(["$B$", "$(B) 42$", "42"])
    (['4', None, '5'], ['$(B) 42$', '$(B) 42$', '$(B) 42$'])
    """
    forms = sorted({answer for answer in answers if answer is not None}, key=_rank)
    if not any(map(is_latex, forms)):
        return answers
    verdicts = {(a, b): verdict(a, b) for place, a in enumerate(forms) for b in forms[:place]}
    equals: dict[str, list[str]] = {form: [] for form in forms}
    for (a, b), equal in verdicts.items():
        if equal:
            equals[a].append(b)
            equals[b].append(a)
    for form in [form for form in forms if _bridges(equals[form], verdicts)]:
        for other in equals[form]:
            equals[other].remove(form)
        equals[form] = []
    leaders: dict[str, str] = {}
    for form in forms:
        # In the order of rank, so that a class is led by its first form.
        waiting = [form]
        while waiting:
            reached = waiting.pop()
            if reached not in leaders:
                leaders[reached] = form
                waiting += equals[reached]
    return [None if answer is None else leaders[answer] for answer in answers]


def _rank(form: str) -> tuple[bool, int, str]:
    return not structure.is_choice(form), len(form), form


def _bridges(neighbours: Sequence[str], verdicts: dict[tuple[str, str], bool | None]) -> bool:
    """Return whether two answers that differ are both equal to a third."""
    return any(
        verdicts.get((a, b), verdicts.get((b, a))) is False
        for place, a in enumerate(neighbours)
        for b in neighbours[:place]
    )


def _form(answer: str) -> str:
    if is_latex(answer := answer.strip()):
        return answer
    number = canonical_number(answer)
    return answer if number is None else number
