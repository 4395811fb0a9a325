from __future__ import annotations

import pytest

from noisy_student.answers.solution import Solution, parse_solution, without_marks
from noisy_student.errors import UserError

GOLD = "She sells 16 - 3 = <<16-3=13>>13 eggs.\nThat is 13 * 100 = $<<13*100=1300>>1,300.\n#### 1,300"


def test_marks_are_removed_or_kept() -> None:
    clean = "She sells 16 - 3 = 13 eggs.\nThat is 13 * 100 = $1,300.\n#### 1,300"
    assert parse_solution(GOLD) == Solution(clean, "1300")
    assert parse_solution(GOLD, marks="keep") == Solution(GOLD, "1300")


def test_what_only_looks_like_a_mark_stays() -> None:
    assert without_marks("1 << 2 and <<3\n4>> and <<>>") == "1 << 2 and <<3\n4>> and "


@pytest.mark.parametrize("text", ["", "the answer is 5", "#### five", "\\boxed{5}"])
def test_a_solution_without_its_answer_is_a_user_error(text: str) -> None:
    with pytest.raises(UserError, match="no readable number after ####"):
        parse_solution(text)


def test_the_message_shows_where_the_answer_should_stand() -> None:
    text = "It begins here. " + "x" * 100 + " and ends there: 42"
    with pytest.raises(UserError) as refused:
        parse_solution(text)
    assert refused.value.what == f'The solution "{text[-60:]}" has no readable number after ####.'
    assert refused.value.why == "The answer of a worked solution is read there."
    assert "#### 42" in refused.value.do
