"""Labels of a known accuracy: what differs between two accuracies is the errors alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refused

from noisy_student.labeling.noised import noised
from noisy_student.records import Finish, Label, Sample

N = 12


def sample(question_id: str, k: int, answer: str | None, finish: Finish = "eos") -> Sample:
    text = "no idea" if answer is None else f"{question_id} way {k}\n#### {answer}"
    return Sample(question_id, k, text, (), finish, -1.0, 0)


def truth(count: int = N) -> list[Label]:
    return [Label(f"q{i:02}", "1", "the key's own text", "revealed") for i in range(count)]


drawn = st.lists(st.sampled_from(["1", "2", "3", None]), min_size=4, max_size=4)
every = st.lists(drawn, min_size=N, max_size=N).map(
    lambda found: [sample(f"q{i:02}", k, answer) for i, row in enumerate(found) for k, answer in enumerate(row)]
)
shares = st.floats(0, 1)


def eligible(samples: list[Sample]) -> set[str]:
    """Questions with a sample that is right and one that is wrong."""
    right = {each.question_id for each in samples if each.text.endswith("#### 1")}
    return right & {each.question_id for each in samples if each.text.endswith(("#### 2", "#### 3"))}


def errors(labels: list[Label]) -> dict[str, Label]:
    return {label.question_id: label for label in labels if label.answer != "1"}


@given(every, shares, shares, st.integers(0, 99))
def test_what_is_wrong_at_one_accuracy_is_wrong_at_every_lower_one(
    samples: list[Sample], one: float, other: float, run_seed: int
) -> None:
    if not eligible(samples):
        return
    low, high = (noised(truth(), samples, accuracy=each, run_seed=run_seed) for each in sorted((one, other)))
    assert [label.question_id for label in low] == [label.question_id for label in high] == sorted(eligible(samples))
    assert errors(high).items() <= errors(low).items()
    assert {label.question_id: label for label in low if label.answer == "1"}.items() <= {
        label.question_id: label for label in high
    }.items()


@given(every, shares, st.integers(0, 99))
def test_the_share_is_exact_but_for_rounding(samples: list[Sample], accuracy: float, run_seed: int) -> None:
    asked = len(eligible(samples))
    if not asked:
        return
    labels = noised(truth(), samples, accuracy=accuracy, run_seed=run_seed)
    assert abs(len(errors(labels)) - asked * (1 - accuracy)) <= 0.5 + 1e-9
    assert noised(truth(), samples, accuracy=1.0, run_seed=run_seed) == noised(
        truth(), samples, accuracy=1.0, run_seed=run_seed + 1
    )
    assert len(errors(noised(truth(), samples, accuracy=0.0, run_seed=run_seed))) == asked


@given(every, shares, st.randoms(use_true_random=False))
def test_in_which_order_questions_come_does_not_matter(samples: list[Sample], accuracy: float, order: object) -> None:
    if not eligible(samples):
        return
    names = [f"q{i:02}" for i in range(N)]
    order.shuffle(names)  # type: ignore[attr-defined]
    shuffled = sorted(samples, key=lambda each: (names.index(each.question_id), each.k))
    by_k = sorted(samples, key=lambda each: (each.k, names.index(each.question_id)))
    expected = noised(truth(), samples, accuracy=accuracy, run_seed=5)
    for rows in (shuffled, by_k):
        assert noised(truth()[::-1], rows, accuracy=accuracy, run_seed=5) == expected


def test_another_seed_makes_other_questions_wrong() -> None:
    samples = [sample(f"q{i:02}", k, answer) for i in range(N) for k, answer in enumerate(("1", "2"))]
    made = {frozenset(errors(noised(truth(), samples, accuracy=0.5, run_seed=seed))) for seed in range(5)}
    assert len(made) > 1 and {len(each) for each in made} == {6}


def test_texts_are_the_models_own_and_reach_what_they_are_labels_of() -> None:
    rows = ["2", "1", "3", "3", "1", None]
    samples = [sample("q00", k, answer) for k, answer in enumerate(rows)]
    (right,) = noised(truth(1), samples, accuracy=1.0, run_seed=1)
    (wrong,) = noised(truth(1), samples, accuracy=0.0, run_seed=1)
    assert (right.answer, right.solution, right.origin) == ("1", "q00 way 1\n#### 1", "revealed")
    # The wrong answer that most samples reach, by the first that does.
    assert (wrong.answer, wrong.solution) == ("3", "q00 way 2\n#### 3")


def test_of_equal_counts_the_wrong_answer_that_came_first_is_taken() -> None:
    samples = [sample("q00", k, answer) for k, answer in enumerate(["3", "1", "2", "2", "3"])]
    assert noised(truth(1), samples, accuracy=0.0, run_seed=1)[0].answer == "3"


def test_samples_that_were_cut_off_are_read_as_the_run_reads_them() -> None:
    samples = [sample("q00", 0, "1"), sample("q00", 1, "2", finish="length"), sample("unasked", 0, "2")]
    with refused("no-mixed-questions"):
        noised(truth(1), samples, accuracy=0.5, run_seed=1)
    assert noised(truth(1), samples, accuracy=0.0, run_seed=1, truncated="last-number")[0].answer == "2"


@pytest.mark.parametrize("only", ["1", "2", None])
def test_without_a_right_and_a_wrong_sample_there_is_nothing_to_make(only: str | None) -> None:
    samples = [sample(f"q{i:02}", k, only) for i in range(N) for k in range(3)]
    with refused("no-mixed-questions"):
        noised(truth(), samples, accuracy=0.9, run_seed=1)
