r"""Structure of LaTeX answers: which kind an answer is, and verdicts that need no algebra."""

from __future__ import annotations

import pytest

from noisy_student.answers.structure import MAX_PARTS, compared, is_choice, shape


def undecided(a: str, b: str) -> None:
    """Stand for algebra that cannot decide."""


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *[("(B) 42", "choice"), ("east", "word"), ("\\emptyset", "set"), ("\\{1,2\\}", "set"), ("1,2", "list")],
        *[("x=\\pm2", "list"), ("\\pm2", "list"), ("(1,2)", "tuple"), ("[1,2)", "tuple"), ("x=1,y=2", "named")],
        *[("x<2", "region"), ("1\\leq x<2", "region"), ("(1,2)\\cup[3,4]", "region"), ("x<y", "relation")],
        *[("\\begin{matrix}1&2\\\\3&4\\end{matrix}", "matrix"), ("x+y=3", "equation"), ("2\\sqrt{2}", "value")],
        *[("12 34", "text"), ("3:4", "text"), ("101_2", "value"), ("xy", "value"), ("\\{x|x>3\\}", "region")],
    ],
)
def test_an_answer_has_a_kind(text: str, kind: str) -> None:
    assert shape(text).kind == kind


@pytest.mark.parametrize(
    ("a", "b", "verdict"),
    [
        *[("1,2", "2,1", True), ("(1,2)", "(2,1)", False), ("x<2", "x\\leq2", False), ("x<2", "y<2", False)],
        *[("(B) 42", "B", True), ("(B) 42", "42", True), ("(B) 42", "(C) 42", False), ("B", "42", None)],
        *[("east", "seat", False), ("\\sqrt{2}", "\\sqrt{8}", None), ("12 34", "1234", None), ("\\infty", "2", False)],
        *[("1,\\sqrt{2}", "1,\\sqrt{8}", None), ("1,\\sqrt{2}", "2,\\sqrt{2}", False), ("101_2", "5", True)],
        *[("\\emptyset", "\\{0\\}", False), ("y=2x", "2x", True), ("x+y=3", "3", None), ("\\{1,2\\}", "(1,2)", False)],
    ],
)
def test_a_verdict_is_true_false_or_unknown_in_either_order(a: str, b: str, verdict: bool | None) -> None:
    assert compared(a, b, undecided) is compared(b, a, undecided) is verdict


def test_long_lists_are_unknown() -> None:
    one, other = (",".join(map(str, numbers)) for numbers in (range(MAX_PARTS + 1), range(1, MAX_PARTS + 2)))
    assert compared(one, other, undecided) is None


def test_a_choice_has_a_value() -> None:
    assert is_choice("$(B) 42$")
    assert not is_choice("$B$")
    assert not is_choice("$(B)42$")
