"""LaTeX answers of public reports: pairs that are equal or not (class k) and answers in texts (class l)."""

from __future__ import annotations

import importlib.util
import itertools
import json
import string
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from examples import examples
from hypothesis import assume, given
from hypothesis import strategies as st

from noisy_student.answers import math_pool
from noisy_student.answers.equivalence import merged, same
from noisy_student.answers.extract_latex import extract_latex
from noisy_student.answers.latex import canonical_latex
from noisy_student.records import Answer

PLACE = Path(__file__).parent
needs_extra = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in math_pool.EXTRA), reason="the extra math is not installed"
)


def _rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (PLACE / name).read_text().splitlines()]


def form(text: str) -> str:
    canonical = canonical_latex(text)
    assert canonical is not None
    return canonical


def equal(a: str, b: str) -> bool:
    one, other = form(a), form(b)
    assert same(one, other) == same(other, one)
    return same(one, other)


PAIRS = _rows("k-latex-pairs.jsonl") + _rows("k-latex-neighbours.jsonl")
TEXTS = _rows("l-latex-reading.jsonl") + _rows("l-latex-neighbours.jsonl")
EVERY = 4


def _wrong_pairs(rows: list[dict[str, Any]]) -> dict[str, object]:
    """Return the verdict of each pair that is not judged as its row says, by its case."""
    found = {row["case"]: (equal(row["a"], row["b"]), row) for row in rows}
    return {case: (verdict, row) for case, (verdict, row) in found.items() if row["right"] not in (None, verdict)}


# A worker decides most pairs by algebra, and neighbours of one kind stand beside one another.
@needs_extra
def test_a_public_pair_and_every_fourth_neighbour_is_equal_or_not() -> None:
    public = len(_rows("k-latex-pairs.jsonl"))
    assert _wrong_pairs(PAIRS[:public] + PAIRS[public::EVERY]) == {}


@needs_extra
@pytest.mark.slow
@pytest.mark.parametrize("start", range(1, EVERY))
def test_a_pair_is_equal_or_not(start: int) -> None:
    assert _wrong_pairs(PAIRS[len(_rows("k-latex-pairs.jsonl")) + start :: EVERY]) == {}


def test_an_answer_in_a_text() -> None:
    found = {row["case"]: (extract_latex(row["text"]), row["right"]) for row in TEXTS}
    read = {case: (one.canonical if isinstance(one, Answer) else None, right) for case, (one, right) in found.items()}
    assert {case: (canonical, right) for case, (canonical, right) in read.items() if canonical not in right} == {}


WORDS = st.sampled_from(
    ["east", "listen", "night", "heart", "below", "evil", "may", "no", "tea", "dog", "ab", "abc", "two words", "Monday"]
)


@examples(60)
@given(
    WORDS | st.text(string.ascii_lowercase, min_size=3, max_size=7), st.randoms(use_true_random=False), st.booleans()
)
def test_an_anagram_is_never_equal(word: str, chance: Any, dressed: bool) -> None:
    letters = list(word)
    chance.shuffle(letters)
    other = "".join(letters)
    assume(other.split() != word.split() and set(word) - set("xyz"))
    a, b = (f"\\text{{{text}}}" if dressed else text for text in (word, other))
    assume(canonical_latex(a) is not None and canonical_latex(b) is not None)
    assert not equal(a, b)


def _notations(value: Fraction) -> list[str]:
    """Write a number in the notations of LaTeX."""
    sign, above, below = "-" if value < 0 else "", abs(value.numerator), value.denominator
    written = [f"{sign}\\frac{{{above}}}{{{below}}}", f"\\dfrac{{{sign}{above}}}{{{below}}}", f"{sign}{above}/{below}"]
    whole, part = divmod(above, below)
    if whole and part:
        written += [f"{sign}{whole}\\frac{{{part}}}{{{below}}}", f"{sign}{whole} {part}/{below}"]
        written += [f"{sign}{whole}\\,\\tfrac{{{part}}}{{{below}}}", f"{sign}{whole}\\ {part}/{below}"]
    if below == 1:
        grouped = f"{above:,}"
        written += [sign + grouped.replace(",", mark) for mark in (",", "{,}", "\\,", ",\\!", " ", "\u202f", "")]
        written += [f"{sign}{above}e0", f"{sign}{above}.0", f"{sign}{above}_{{10}}"]
    period = _period(value)
    if period is not None:
        written += [f"{sign}{period[0]}\\overline{{{period[1]}}}", f"{sign}{period[0]}{period[1] * 3}\\ldots"]
    return written


def _period(value: Fraction) -> tuple[str, str] | None:
    """Return the digits before a period that starts after the point, and the period."""
    whole, part = divmod(abs(value.numerator), value.denominator)
    for length in range(1, 7):
        if part and (10**length - 1) * part % value.denominator == 0:
            return f"{whole}.", str((10**length - 1) * part // value.denominator).rjust(length, "0")
    return None


DRESSES = (
    "{}",
    "${}$",
    "\\({}\\)",
    "\\boxed{{{}}}",
    "**{}**",
    "x = {}",
    "{}\\text{{ cm}}",
    "{}.",
    "\\left({}\\right)",
    "{}\\%",
)


@given(
    st.fractions(min_value=-(10**7), max_value=10**7, max_denominator=99) | st.integers(-(10**9), 10**9).map(Fraction),
    st.sampled_from(DRESSES),
)
def test_a_number_is_read_in_every_notation(value: Fraction, dress: str) -> None:
    wanted = form(f"{'-' if value < 0 else ''}{abs(value.numerator)}/{value.denominator}")
    # (1,000) may be a point.
    written = [text for text in _notations(value) if "left" not in dress or "," not in text or "{,}" in text]
    assert {text: form(dress.format(text)) for text in written} == dict.fromkeys(written, wanted)


@given(st.integers(1, 99), st.integers(1, 99))
def test_two_numbers_side_by_side_are_not_glued(a: int, b: int) -> None:
    for text in (f"{a} {b}", f"{a}\\ {b}", f"{a}\\,{b}", f"{a}\\quad {b}"):
        assert not same(form(text), f"{a}{b}")


@given(st.lists(st.integers(-20, 20), min_size=2, max_size=4, unique=True), st.data())
def test_the_order_matters_in_a_tuple_alone(values: list[int], data: st.DataObject) -> None:
    mixed = data.draw(st.permutations(values))
    inside, other = (",".join(map(str, order)) for order in (values, mixed))
    assert equal(f"\\{{{inside}\\}}", f"\\{{{other}\\}}")
    assert equal(" \\text{ or } ".join(f"x={value}" for value in values), other)
    assert equal(f"({inside})", f"({other})") == (values == mixed)


@given(st.integers(-9, 9), st.integers(1, 9), st.booleans(), st.booleans())
def test_an_interval_is_its_inequality_and_open_or_closed(low: int, length: int, left: bool, right: bool) -> None:
    high = low + length
    interval = f"{'(['[left]}{low},{high}{')]'[right]}"
    signs = ("<", "\\leq")
    assert equal(interval, f"{low}{signs[left]} x{signs[right]} {high}")
    assert not equal(interval, f"{low}{signs[not left]} x{signs[right]} {high}")
    assert equal(f"x{signs[right]} {high}", f"(-\\infty,{high}{')]'[right]}")


ATOMS = [
    *(
        "0",
        "1",
        "12",
        "0.5",
        "x",
        "y",
        "e",
        "(",
        ")",
        "[",
        "]",
        "\\{",
        "\\}",
        "{",
        "}",
        ",",
        "=",
        "<",
        "\\leq",
        "+",
        "-",
    ),
    *(
        "\\frac{1}{2}",
        "\\sqrt2",
        "\\pi",
        "\\pm",
        "\\cup",
        "\\in",
        "\\infty",
        "\\text{ or }",
        "\\text{and}",
        "(B)",
        "B. ",
    ),
    *(
        "\\overline{3}",
        "\\ldots",
        "^2",
        "_2",
        "1e6",
        " ",
        "\\,",
        "\\quad",
        "**",
        "\\emptyset",
        ":",
        "|",
        "&",
        "\\\\",
        ". ",
    ),
    *(
        "\\begin{pmatrix}",
        "\\end{pmatrix}",
        "east",
        "\\text{cm}",
        "$",
        "\\boxed{",
        "\u00bd",
        "\u00ad",
        "\u2212",
        "\\mid",
    ),
]
formulas = st.lists(st.sampled_from(ATOMS), max_size=9).map("".join)


@examples(600)
@given(formulas)
def test_a_canonical_form_is_its_own(text: str) -> None:
    canonical = canonical_latex(text)
    if canonical is not None:
        assert canonical_latex(canonical) == canonical


@needs_extra
@examples(60)
@given(formulas, formulas)
def test_same_is_symmetric_and_reflexive(a: str, b: str) -> None:
    one, other = canonical_latex(a), canonical_latex(b)
    if one is not None and other is not None:
        assert same(one, other) == same(other, one)
        assert same(one, one)


def test_choices_join_their_letter_and_their_value() -> None:
    letter, value, both = "$B$", "42", "$(B) 42$"
    for ballot in itertools.permutations([letter, value, both]):
        assert merged(list(ballot)) == [both] * 3
    assert merged([letter, value]) == [letter, value]


def test_an_answer_between_two_that_differ_joins_neither() -> None:
    assert merged(["$B$", "$(B) 42$", "$(B) 43$", "42"]) == ["$B$", "$(B) 42$", "$(B) 43$", "$(B) 42$"]
    assert merged(["42", "$(B) 42$", "$(C) 42$"]) == ["42", "$(B) 42$", "$(C) 42$"]
    assert merged(["$1,2$", "$(1,2)$", "$\\{2,1\\}$"]) == ["$1,2$", "$(1,2)$", "$\\{2,1\\}$"]


@needs_extra
def test_what_algebra_cannot_decide_is_counted() -> None:
    before = math_pool.unknown()
    assert not same("$\\frac{7}{0}$", "$\\frac{9}{0}$")
    assert math_pool.since(before) == {"undecided": 1}
    assert not same("$x^2+1$", "$x^2+2$")
    assert math_pool.since(before) == {"undecided": 1}, "numbers put in for x prove that they differ"
