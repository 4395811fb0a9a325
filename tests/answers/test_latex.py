r"""The plain notation of LaTeX answers: what becomes a number, what one string, and that it is its own form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisy_student.answers.latex import MAX_LATEX, canonical_latex, is_latex, written
from noisy_student.answers.normalize import canonical_number

atoms = st.sampled_from(
    [
        *("0", "1", "2", "12", "0.5", "x", "y", "n", "(A)", "\\pi", "\\theta", "\\infty", "\\le", "\\times", "\\cdot"),
        *(
            "\\frac{1}{2}",
            "\\dfrac34",
            "\\tfrac{x}2",
            "\\sqrt2",
            "\\sqrt{3}",
            "\\left(",
            "\\right)",
            "\\text{ cm}",
            "\\%",
        ),
        *(
            "\\,",
            "\\ ",
            " ",
            "~",
            "^2",
            "^{2}",
            "^\\circ",
            "_{1}",
            "+",
            "-",
            "=",
            "x=",
            ",",
            "{,}",
            "$",
            "\\$",
            ".",
            "\\(",
        ),
        *(
            "\\)",
            "\\text{no solution}",
            "\\mathrm{A}",
            "yes",
            "\\operatorname{lcm}",
            "{",
            "}",
            "\\",
            "\u2212",
            "\u03c0",
        ),
    ]
)
notations = st.lists(atoms, max_size=8).map("".join)


@given(notations | st.text(max_size=40))
def test_a_canonical_answer_is_its_own_form_and_one_line(text: str) -> None:
    canonical = canonical_latex(text)
    if canonical is not None:
        assert canonical_latex(canonical) == canonical
        assert is_latex(canonical) != (canonical_number(canonical) is not None)
        assert "\n" not in canonical


@given(st.integers(-999, 999), st.integers(1, 99))
def test_a_fraction_is_the_number_it_is(above: int, below: int) -> None:
    wanted = canonical_number(f"{'-' if above < 0 else ''}{abs(above)}/{below}")
    for text in (
        f"\\frac{{{above}}}{{{below}}}",
        f"\\dfrac{{{above}}}{{{below}}}",
        f"$\\frac{{{-above}}}{{-{below}}}$",
    ):
        assert canonical_latex(text) == wanted


@pytest.mark.parametrize(
    ("texts", "canonical"),
    [
        (("0.75", ".75", "\\frac{3}{4}", "\\dfrac34", "\\tfrac{3}4", "3/4", "x = \\frac{3}{4}", "$0.750$"), "0.75"),
        (("1000", "1,000", "1{,}000", "\\$1000", "\\$1{,}000.00", "1000\\text{ dollars}", "1000 apples"), "1000"),
        (
            ("3\\frac{1}{2}", "3.5", "\\frac72", "\\left(3.5\\right)".replace("\\left(", "").replace("\\right)", "")),
            "3.5",
        ),
        (("90^\\circ", "90^{\\circ}", "90\\degree", "90\u00b0", "90"), "90"),
        (("50\\%", "50", "50 \\%", "50%"), "50"),
        (("5\\text{ cm}^2", "5\\,\\mathrm{cm}", "5\\text{cm}^{2}", "5"), "5"),
        (("\\left(1,\\,2\\right)", "(1, 2)", "(1,2)."), "$(1,2)$"),
        (("2\\sqrt2", "2\\sqrt{2}", "2 \\sqrt 2", "2\\sqrt{2}\\text{}"), "$2\\sqrt{2}$"),
        (("x \\le 3", "x\\leq3", "x \u2264 3"), "$x\\leq3$"),
        (("\\text{No solution}", "no  solution", "\\textbf{no solution}"), "$no solution$"),
        (("(A)", "\\text{(A)}", "\\textbf{(A)}", "A"), "$A$"),
        (("x^{2}+1", "x^2 + 1", "f(x) = x^2+1"), "$x^2+1$"),
        (("\\sin x", "\\sin  x"), "$\\sin x$"),
    ],
)
def test_notations_of_one_answer_are_one_string(texts: tuple[str, ...], canonical: str) -> None:
    assert {text: canonical_latex(text) for text in texts} == dict.fromkeys(texts, canonical)


def test_other_answers_stay_apart() -> None:
    texts = (
        "(1,2)",
        "[1,2]",
        "\\{1,2\\}",
        "x^2",
        "x^{12}",
        "x_2",
        "2x",
        "\\frac{x}{2}",
        "\\frac{2}{x}",
        "\\sqrt{8}",
        "AB",
    )
    assert len({canonical_latex(text) for text in texts}) == len(texts)


@pytest.mark.parametrize("text", ["", " ", "$$", "x" * (MAX_LATEX + 1), "\\frac{1}{" * 2000, "it is not clear what"])
def test_what_is_no_answer_has_no_form(text: str) -> None:
    assert canonical_latex(text) is None


def test_a_worked_solution_is_no_written_answer() -> None:
    assert written("so \\boxed{5}") is written("so\n#### 5") is None
    assert written("\\frac{1}{3}") == "1/3"
