r"""LaTeX answers in texts: the last box, then the last mark, then a phrase; never a number in passing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisy_student.answers.extract import read
from noisy_student.answers.stop import answer_end
from noisy_student.records import Answer, NoAnswer

pieces = st.sampled_from(
    [
        "#### ",
        "####",
        "5",
        "-3",
        " ",
        "\n",
        "\\boxed{",
        "}",
        "{",
        "\\pi",
        "The answer is ",
        "x",
        ".",
        "$",
        "\nHuman: ",
        "7/2",
    ]
)
texts = st.lists(pieces, max_size=14).map("".join)


def _math(text: str, finish: str = "eos") -> Answer | NoAnswer:
    return read(text, finish, kind="math")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "canonical", "method", "strict"),
    [
        ("\\boxed{1}, no, \\boxed{\\frac{\\pi}{2}}.", "$\\frac{\\pi}{2}$", "boxed", True),
        ("\\boxed{\\frac{1}{2}} and then\n#### 7", "0.5", "boxed", True),
        ("so\n#### $\\sqrt{2}$", "$\\sqrt{2}$", "hashes", True),
        ("#### Step 1\nx\n#### 2\\sqrt{3}", "$2\\sqrt{3}$", "hashes", True),
        ("The answer is $(1, 2)$. Done with 3.", "$(1,2)$", "phrase", False),
        ("The answer is 2.5.", "2.5", "phrase", False),
        ("\\boxed{7}\nHuman: next\n\\boxed{8}", "7", "boxed", True),
    ],
)
def test_the_answer_is_found(text: str, canonical: str, method: str, strict: bool) -> None:
    found = _math(text)
    assert isinstance(found, Answer)
    assert (found.canonical, found.method, found.strict) == (canonical, method, strict)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("we get 3 + 4 = 7", "absent"),
        ("\\boxed{7", "unreadable"),
        ("\\boxed{}", "unreadable"),
        ("#### ", "unreadable"),
        ("\\boxed{" * 5000, "unreadable"),
    ],
)
def test_a_number_in_passing_is_no_answer(text: str, reason: str) -> None:
    assert _math(text) == NoAnswer(reason)  # type: ignore[arg-type]


@given(texts)
def test_a_text_that_was_cut_at_its_answer_reads_as_the_whole(text: str) -> None:
    end = answer_end(text)
    if end is not None:
        assert _math(text[:end]) == _math(text)


def test_a_cut_off_text_abstains() -> None:
    assert _math("\\boxed{7} but", "length") == NoAnswer("truncated")
    assert _math("\\boxed{7}", "failed") == NoAnswer("failed")


def test_numbers_are_read_as_ever() -> None:
    found = read("\\boxed{\\pi} so 3", "eos")
    assert found == NoAnswer("unreadable")
