from __future__ import annotations

from noisy_student.labeling.examples import Examples, examples
from noisy_student.records import Example, Label


def test_examples_are_sorted_and_count_what_is_left_out() -> None:
    rows = [Label("b", "7", "#### 7", "vote"), Label("c", "1", None, "vote"), Label("a", "3", "#### 3", "gold")]
    assert examples(rows) == Examples((Example("a", "#### 3"), Example("b", "#### 7")), 1)


def test_examples_do_not_know_where_a_label_came_from() -> None:
    key = [Label("a", "3", "x\n#### 3", "gold"), Label("b", "4", "y\n#### 4", "gold")]
    votes_replaced = [Label("b", "4", "y\n#### 4", "vote", 0.5, 0.9), Label("a", "3", "x\n#### 3", "revealed")]
    assert examples(key) == examples(votes_replaced)
