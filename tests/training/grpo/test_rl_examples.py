"""Examples of reinforcement learning: usable labels, weights of advantages, the order of visits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from refusals import refused

from noisy_student.errors import NotTrainable
from noisy_student.records import Label
from noisy_student.training.grpo.rl_examples import advantage_weight, rl_examples, visit_order
from noisy_student.training.specs.grpo import GrpoSpec


def test_labels_that_no_answer_can_reach_are_left_out_and_counted() -> None:
    made = [Label("a", "4", "t", "gold"), Label("a", "4", "u", "gold"), Label("b", "many", None, "vote"),
            Label("c", "7", None, "vote"), Label("d", "8", None, "vote")]  # fmt: skip
    found = rl_examples(made, fits={"a", "b", "c"})
    assert [label.question_id for label in found.labels] == ["a", "c"]
    assert (found.unreadable, found.too_long) == (("b",), ("d",))
    with refused("no-usable-labels", "Of 1 labels 1 are not numbers") as caught:
        rl_examples(made[2:3], fits={"b"})
    assert isinstance(caught.value, NotTrainable)


def test_weights_are_of_origin_and_agreement() -> None:
    gold, voted = Label("a", "4", None, "gold"), Label("b", "4", None, "vote", agreement=0.75)
    assert advantage_weight(gold, GrpoSpec(pseudo_weight=0.1)) == 1.0
    assert advantage_weight(voted, GrpoSpec(pseudo_weight=0.5)) == 0.5
    assert advantage_weight(voted, GrpoSpec(pseudo_weight=0.5, weigh_agreement=True)) == 0.375
    assert advantage_weight(Label("b", "4", None, "revealed"), GrpoSpec(pseudo_weight=0.1)) == 1.0


@given(st.integers(1, 9), st.integers(1, 40), st.integers(0, 3))
def test_every_question_is_visited_before_any_is_visited_again(questions: int, rows: int, seed: int) -> None:
    order = visit_order(questions, rows, seed=seed)
    assert len(order) == rows
    for start in range(0, rows, questions):
        part = order[start : start + questions]
        assert len(set(part)) == len(part) and set(part) <= set(range(questions))
    assert order == visit_order(questions, rows + 5, seed=seed)[:rows]
