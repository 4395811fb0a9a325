"""Reasoning and answers taken from other questions: nobody keeps its own, and nothing else moves."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refused

from noisy_student.labeling.shuffle import others_answers, others_rationales
from noisy_student.records import Label


def label(name: str, *, origin: str = "vote", text: str | None = None, answer: str | None = None) -> Label:
    answer = answer or name
    return Label(name, answer, f"because of {name}\n#### {answer}" if text is None else text, origin, agreement=0.5)  # type: ignore[arg-type]


@given(st.integers(2, 30), st.integers(0, 2**32))
def test_each_text_keeps_its_answer_and_has_another_ones_reasoning(count: int, seed: int) -> None:
    labels = [label(str(n)) for n in range(count)]
    found = others_rationales(labels, run_seed=seed)
    assert (found.shuffled, found.kept, found.equal) == (count, 0, 0)
    reasons = []
    for before, after in zip(labels, found.labels, strict=True):
        reason, _, answer = str(after.solution).partition("\n#### ")
        assert answer == before.answer == after.answer and reason != f"because of {before.question_id}"
        reasons.append(reason)
    assert sorted(reasons) == sorted(f"because of {n}" for n in range(count))
    assert others_rationales(labels, run_seed=seed) == found


def test_gold_and_texts_without_a_mark_stay_what_they_are() -> None:
    labels = [label("1"), label("2", text="so it is 2"), label("3", origin="gold"), label("4"), label("5", text="")]
    found = others_rationales(labels, run_seed=1)
    assert [found.labels[place] for place in (1, 2, 4)] == [labels[place] for place in (1, 2, 4)]
    assert (found.shuffled, found.kept) == (2, 3)
    assert found.labels[0].solution == "because of 4\n#### 1"


def test_a_heading_is_no_answer() -> None:
    labels = [label("1", text="#### Step 1\nadd\n#### 1"), label("2")]
    found = others_rationales(labels, run_seed=1)
    assert [item.solution for item in found.labels] == ["because of 2\n#### 1", "#### Step 1\nadd\n#### 2"]


def test_a_questions_texts_take_from_one_other_question() -> None:
    labels = [label("1", text=f"a{n}\n#### 1") for n in range(3)] + [label("2", text=f"b{n}\n#### 2") for n in range(2)]
    found = others_rationales(labels, run_seed=1)
    assert [item.solution for item in found.labels] == [
        *("b0\n#### 1", "b1\n#### 1", "b0\n#### 1"),
        *("a0\n#### 2", "a1\n#### 2"),
    ]


@given(st.lists(st.sampled_from(["3", "4", "5"]), min_size=2, max_size=12), st.integers(0, 2**32))
def test_answers_are_permuted_within_their_origin(answers: list[str], seed: int) -> None:
    pseudo = [label(f"v{n}", answer=answer) for n, answer in enumerate(answers)]
    true = [label(f"r{n}", origin="revealed", answer=f"9{n}") for n in range(3)]
    gold = [label("g", origin="gold", answer="77")]
    found = others_answers([*pseudo, *gold, *true], run_seed=seed)
    after = {item.question_id: item for item in found.labels}
    assert Counter(after[item.question_id].answer for item in pseudo) == Counter(answers)
    assert all(after[item.question_id].answer != item.answer for item in true)
    assert sorted(after[item.question_id].answer for item in true) == ["90", "91", "92"]
    assert after["g"] == gold[0] and (found.shuffled, found.kept) == (len(answers) + 3, 1)
    assert found.equal == sum(after[item.question_id].answer == item.answer for item in pseudo)


@pytest.mark.parametrize("shuffle", [others_rationales, others_answers])
def test_one_question_has_nobody_to_take_from(shuffle) -> None:
    with refused("too-few-to-shuffle", "1 questions have"):
        shuffle([label("1"), label("2", origin="gold")], run_seed=1)
