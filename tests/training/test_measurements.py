"""Groups of answers and facts of their ends: loops are found wherever they begin, arithmetic is not a loop."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from noisy_student.records import Draw
from noisy_student.training.measurements import LEAST, LONGEST, TIMES, Group, ends, kinds, loops

TOKENS = st.lists(st.integers(0, 50), max_size=30)


@given(TOKENS, st.lists(st.integers(0, 50), min_size=1, max_size=LONGEST))
def test_what_is_said_often_enough_is_a_circle(before: list[int], unit: list[int]) -> None:
    times = max(TIMES, -(-LEAST // len(unit)))
    assert loops(before + unit * times)


@given(st.integers(2, 100))
def test_a_text_that_never_repeats_is_none(length: int) -> None:
    assert not loops(range(length))


def draw(token_ids: list[int], finish: str) -> Draw:
    return Draw(tuple(token_ids), (0.0,) * len(token_ids), finish)  # type: ignore[arg-type]


def test_the_facts_of_a_step() -> None:
    circle = [1, 2] * 10
    found = ends(
        [draw([5, 6, 7, 0], "eos"), draw([*circle, 0], "eos"), draw(circle, "length"), draw([5, 6, 7], "length")]
    )
    assert found == {
        "mean_length": (4 + 21 + 20 + 3) / 4,
        "stopped": 0.5,
        "ended_length": 12.5,
        "longest_ended": 21,
        "looped": 0.5,
        "cut_looped": 0.25,
    }


def test_where_no_answer_ends_no_length_is_known() -> None:
    found = ends([draw([5, 6], "length")])
    assert (found["stopped"], found["ended_length"], found["longest_ended"]) == (0.0, None, None)


def test_kinds_of_groups_are_counted() -> None:
    groups = [Group(0, "q", "gold", "4", 4, right) for right in (0, 4, 1, 3)]
    assert kinds(groups) == {"all-right": 1, "all-wrong": 1, "mixed": 2}
