from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from examples import examples
from hypothesis import example, given
from hypothesis import strategies as st

from noisy_student.answers.equivalence import same
from noisy_student.answers.extract import extract
from noisy_student.answers.marks import answer_end
from noisy_student.answers.normalize import canonical_number
from noisy_student.answers.thoughts import without_format
from noisy_student.data.read import without_marks
from noisy_student.records import Answer

PIECES = [
    *("#### ", "####", "18", "1,000", "7", "3/4", "e", "e3", ".", ",", "/", "%", "$", "-", "*", "**", "^", " ", "\n"),
    *("x", "_", "\\boxed{", "}", "{", "\\frac{3}{4}", "\\(", "\\)", "answer is ", "Human:", "\nHuman:", "\nProblem"),
    *(":", "<|im_end|>", "<|im", "\u2212", "\uff13", "=", "(", "5"),
    *(" or ", " and ", " million", " 1/2", "\u00bd", ". Count", ") ", ": ", "?", "\u00ad", "\n\nHuman:", "\nQuestion:"),
    *("<think>", " + ", " 000", "'", "`", "x = ", "answer: ", " eggs", " = "),
]
texts = st.one_of(st.lists(st.sampled_from(PIECES), max_size=16).map("".join), st.text(max_size=30))
answers = st.one_of(
    st.sampled_from(["18", "18.0", "$18", "3/4", "0.75", "75%", "75", "-0", "0", "1/3", "2/6", "blue", ""]), st.text()
)


@examples(300)
@given(texts)
@example("#### 18 #### 5")
@example("#### 18\nHuman: #### 5")
@example("#### 1e3 #### 7 ")
def test_cutting_at_the_answer_changes_no_reading(text: str) -> None:
    end = answer_end(text)
    if end is not None:
        assert extract(text[:end]) == extract(text)
        answer = extract(text)
        assert isinstance(answer, Answer)
        assert answer.strict


@examples(300)
@given(texts, texts)
@example("#### 18 ", "eggs")
@example("#### 2", " 1/2")
@example("#### 18. A", "nd 5")
def test_once_it_may_stop_nothing_that_follows_changes_the_answer(text: str, more: str) -> None:
    if answer_end(text) is not None:
        assert extract(text + more) == extract(text)
        assert answer_end(text + more) == answer_end(text)


@examples(300)
@given(texts)
def test_every_answer_is_canonical(text: str) -> None:
    answer = extract(text)
    if isinstance(answer, Answer):
        assert canonical_number(answer.canonical) == answer.canonical
        assert answer.surface in without_format(text)


@examples(100)
@given(st.integers(-(10**18) + 1, 10**18 - 1), st.integers(1, 10**18 - 1))
def test_a_fraction_keeps_its_value_exactly(above: int, below: int) -> None:
    canonical = canonical_number(f"{above}/{below}")
    assert canonical is not None
    assert Fraction(canonical) == Fraction(above, below)
    assert ("/" in canonical) == (_rest(Fraction(above, below).denominator) != 1)


@examples(100)
@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=6))
def test_every_way_to_write_a_decimal_has_one_form(value: Decimal) -> None:
    forms = {canonical_number(text) for text in (f"{value:f}", f"{value:,f}", f"${value:,f}", f"{value:f}00")}
    (form,) = forms
    assert form is not None
    assert Fraction(form) == Fraction(value)


@examples(100)
@given(answers, answers, answers)
def test_same_is_an_equivalence(a: str, b: str, c: str) -> None:
    assert same(a, a)
    assert same(a, b) == same(b, a)
    assert not (same(a, b) and same(b, c)) or same(a, c)


@examples(100)
@given(st.text(alphabet="<>12=\n "))
def test_removing_marks_removes_only_marks(text: str) -> None:
    assert len(without_marks(text)) <= len(text)
    assert ("<<" in text and ">>" in text) or without_marks(text) == text


def _rest(denominator: int) -> int:
    for factor in (2, 5):
        while denominator % factor == 0:
            denominator //= factor
    return denominator
