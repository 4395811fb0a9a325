"""Extraction of answers from texts: numbers and LaTeX."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisy_student.answers.extract import extract, read
from noisy_student.answers.marks import MAX_CHARACTERS, answer_end
from noisy_student.records import Answer, NoAnswer

FOUND = [
    ("so 9\n#### 18", "18", "hashes"),
    ("#### 5\n#### 7", "5", "hashes"),
    ("####18", "18", "hashes"),
    ("#### $1,200.50 a day", "1200.5", "hashes"),
    ("#### **18**.", "18", "hashes"),
    ("#### \\(18\\)", "18", "hashes"),
    ("#### 18kg", "18", "hashes"),
    ("#### 18.", "18", "hashes"),
    ("#### 18, that is", "18", "hashes"),
    ("#### \u22125", "-5", "hashes"),
    ("#### 3/4", "0.75", "hashes"),
    ("#### 75%", "75", "hashes"),
    ("#### Step 1: count 3\n#### 7", "7", "hashes"),
    ("#### 1e3\n#### 1000", "1000", "hashes"),
    ("\\boxed{3} no, 4\n#### 5", "5", "hashes"),
    ("\\boxed{5} ... so \\boxed{7}, the answer is 9", "7", "boxed"),
    ("\\boxed{18\\text{ eggs}}", "18", "boxed"),
    ("\\boxed{x = \\frac{3}{4}}", "0.75", "boxed"),
    ("\\boxed{\\$1{,}000}", "1000", "boxed"),
    ("\\boxed{1{,}000\\ \\text{eggs}}", "1000", "boxed"),
    ("\\boxed{18~eggs}", "18", "boxed"),
    ("\\boxed{1\\,000\\text{ eggs}}", "1000", "boxed"),
    ("\\boxed{90^\\circ}", "90", "boxed"),
    ("\\boxed{6} and \\boxed{7", "6", "boxed"),
    ("\\boxed{1}" * 500, "1", "boxed"),
    ("The answer is: **18** of 20", "18", "phrase"),
    ("the answer is 3. No, the ANSWER IS $4. Of 9.", "4", "phrase"),
    ("\\boxed{x}, so the answer is 8", "8", "phrase"),
    ("She has 16 - 3 = 13 eggs.", "13", "last-number"),
    ("3+4=7", "7", "last-number"),
    ("That's 3*7=21 dollars, 2*7=14 dollars.", "14", "last-number"),
    ("x = -3", "-3", "last-number"),
    ("it costs $1,234.50.", "1234.5", "last-number"),
    ("\u517118\u4e2a", "18", "last-number"),
]

NOT_FOUND = [
    ("", "absent"),
    ("10-5", "unreadable"),
    ("x = 5, y = 6", "unreadable"),
    ("Jo has 42 of 60 pens.", "unreadable"),
    ("The chance is 1 in 3.", "unreadable"),
    ("It costs 5 per 7 km.", "unreadable"),
    ("<think>so 36", "truncated"),
    ("#### 36\n</think> none", "absent"),
    ("x + 3 = 7", "unreadable"),
    ("The answer is not 36.", "unreadable"),
    ("#### 5 or 6\nThat took 3 steps.", "unreadable"),
    ("no idea", "absent"),
    ("####", "unreadable"),
    ("#### nan", "unreadable"),
    ("#### -Infinity", "unreadable"),
    ("#### 1e3", "unreadable"),
    ("#### 1_000", "unreadable"),
    ("#### 0x10", "unreadable"),
    ("#### 1,00", "unreadable"),
    ("#### 1.000,00", "unreadable"),
    ("#### \uff11\uff12\uff13", "unreadable"),
    ("#### 12\uff13", "unreadable"),
    ("#### \u0664\u0662", "unreadable"),
    ("10 * 100 = 1e3", "unreadable"),
    ("\\boxed{10000000!}", "unreadable"),
    ("\\boxed{9^{9^{9}}}", "unreadable"),
    ("\\boxed{\\dfrac{5^{\\left(5^{\\left(5^5\\right)}\\right)} - 5}{16}}", "unreadable"),
    ("so 5, \\boxed{__import__('os').system('touch PWN')}", "unreadable"),
    ("1" * 60_000, "unreadable"),
]


@pytest.mark.parametrize(("text", "canonical", "method"), FOUND)
def test_the_first_stage_that_finds_one_gives_the_answer(text: str, canonical: str, method: str) -> None:
    answer = extract(text)
    assert isinstance(answer, Answer)
    assert (answer.canonical, answer.method) == (canonical, method)
    assert answer.strict == (method == "hashes")


@pytest.mark.parametrize(("text", "reason"), NOT_FOUND)
def test_no_answer_says_why(text: str, reason: str) -> None:
    answer = extract(text)
    assert isinstance(answer, NoAnswer)
    assert answer.reason == reason


@pytest.mark.parametrize("number", ["12:30", "2^3", "9**9", "5-6", "2*3", "1,0000"])
def test_a_number_that_goes_on_is_not_strict(number: str) -> None:
    answer = extract(f"#### {number}")
    assert not (isinstance(answer, Answer) and answer.strict)


@pytest.mark.parametrize(
    "mark",
    [
        "\n\nHuman: what is #### 5",
        "\n\nUser: 5",
        "\nHuman: how many?\n#### 5",
        "<|im_end|> 5",
        "<|im_start|>user\n5",
        "</s>5",
    ],
)
def test_an_invented_next_turn_is_ignored(mark: str) -> None:
    answer = extract(f"so 18{mark}")
    assert isinstance(answer, Answer)
    assert answer.canonical == "18"


@pytest.mark.parametrize("answer", ["#### 18", "\\boxed{18}", "The answer is 18."])
@pytest.mark.parametrize("mark", ["\nQuestion: 5", "\n### Problem 2: 5", "\n**Question**: 5", "\nHuman: 5", "\n\nQ: 5"])
def test_after_an_answer_a_question_is_the_next_turn(answer: str, mark: str) -> None:
    found = extract(f"so 3\n{answer}{mark}\nThe answer is 7. \\boxed{{7}}")
    assert isinstance(found, Answer)
    assert found.canonical == "18"


def test_a_turn_word_that_opens_the_text_or_stands_inside_a_line_is_no_turn() -> None:
    assert extract("\nProblem: 3 eggs.\n#### 3") == Answer("3", "3", "hashes", True)
    assert extract("the Question: which?\n#### 3") == Answer("3", "3", "hashes", True)


def test_the_surface_is_what_was_written() -> None:
    assert extract("#### $1,000.00 in all") == Answer("1000", "$1,000.00", "hashes", True)
    assert extract("\\boxed{ x = 18\\text{ eggs} }") == Answer("18", "x = 18\\text{ eggs}", "boxed", False)


def test_finish_decides_before_the_text() -> None:
    text = "first 18, then 3"
    assert read(text, "eos") == Answer("3", "3", "last-number", False)
    assert read(text, "answer") == read(text, "eos")
    assert read(text, "length") == NoAnswer("truncated")
    assert read(text, "length", truncated="last-number") == read(text, "eos")
    assert read(text, "failed", truncated="last-number") == NoAnswer("failed")


def test_padding_after_the_answer_changes_nothing_and_the_cap_is_a_cap() -> None:
    assert extract("#### 5\n" + "x" * 100_000) == Answer("5", "5", "hashes", True)
    assert extract("x" * MAX_CHARACTERS + "#### 5") == NoAnswer("absent")


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
