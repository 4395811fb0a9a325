from __future__ import annotations

import pytest

from noisy_student.labeling.texts import Choice, own_text, random_sample, voted_labels, with_own_texts
from noisy_student.labeling.vote import votes
from noisy_student.records import Finish, Label, Sample


def sample(question_id: str, k: int, text: str, logprob: float = -1.0, finish: Finish = "eos") -> Sample:
    return Sample(question_id, k, text, (), finish, logprob, 0)


SAMPLES = [
    sample("q", 3, "short #### 7", -9.0),
    sample("q", 0, "wrong #### 8", -0.1),
    sample("q", 2, "a long way to go\n#### 7\n\nHuman: more", -2.0),
    sample("q", 1, "a long way to go\n#### $7.00", -3.0),
    sample("q", 4, "a long way to go\n#### 7", -0.5),
    sample("q", 5, "cut #### 7", -0.01, finish="length"),
    sample("other", 0, "#### 7"),
]


def texts(choice: Choice) -> list[str | None]:
    return [row.solution for row in with_own_texts([Label("q", "7", None, "vote")], SAMPLES, choice=choice)]


def test_only_samples_that_reach_the_label_are_imitated() -> None:
    assert texts("first") == ["a long way to go\n#### $7.00"]
    assert texts("shortest") == ["short #### 7"]
    assert texts("highest-logprob") == ["a long way to go\n#### 7"]
    assert texts("all-distinct") == ["a long way to go\n#### $7.00", "a long way to go\n#### 7", "short #### 7"]


def test_ties_go_to_the_smallest_k_in_any_order() -> None:
    rows = [sample("q", 1, "b #### 7"), sample("q", 0, "a #### 7")]
    for choice in ("first", "shortest", "highest-logprob"):
        for given in (rows, rows[::-1]):
            chosen = with_own_texts([Label("q", "7", None, "vote")], given, choice=choice)
            assert chosen == [Label("q", "7", "a #### 7", "vote")]


def test_a_label_that_no_sample_reaches_stays_without_text() -> None:
    label = Label("q", "99", None, "revealed", confidence=0.5)
    assert with_own_texts([label], SAMPLES) == [label]


def test_a_truncated_sample_is_imitated_only_where_it_may_vote() -> None:
    cut = [sample("q", 0, "so 7", finish="length")]
    label = Label("q", "7", None, "vote")
    assert with_own_texts([label], cut) == [label]
    assert with_own_texts([label], cut, truncated="last-number")[0].solution == "so 7"


def test_the_text_is_the_same_whether_or_not_sampling_stopped_at_the_answer() -> None:
    whole = "3 + 4 = 7\n#### 7 eggs\nand so on #### 9"
    assert own_text(whole) == own_text("3 + 4 = 7\n#### 7 eggs") == own_text("3 + 4 = 7\n#### 7") == "3 + 4 = 7\n#### 7"
    assert own_text(" so 7 \n\nUser: next") == " so 7"


def test_votes_with_a_winner_become_labels() -> None:
    ballot = votes([("a", "1"), ("a", "1"), ("b", "1"), ("b", "2")], k=4)
    assert voted_labels(ballot) == [Label("a", "1", None, "vote", agreement=0.5)]


def test_random_sample_draws_one_evenly_and_skips_what_has_no_answer() -> None:
    rows = [sample("q", k, f"#### {k}") for k in range(4)] + [sample("none", 0, "no idea")]
    drawn = [random_sample(lambda: rows, run_seed=seed) for seed in range(60)]
    assert all(len(labels) == 1 and labels[0].question_id == "q" for labels in drawn)
    assert {labels[0].answer for labels in drawn} == {"0", "1", "2", "3"}
    assert all(labels[0].solution == f"#### {labels[0].answer}" and labels[0].agreement is None for labels in drawn)
    assert random_sample(lambda: rows[::-1], run_seed=5) == drawn[5]


def test_a_question_without_a_label_ends_nothing() -> None:
    rows = [sample("other", 0, "#### 7"), sample("q", 0, "mine #### 7")]
    assert with_own_texts([Label("q", "7", None, "vote")], rows)[0].solution == "mine #### 7"


def test_a_question_has_one_label() -> None:
    with pytest.raises(ValueError, match="^a question has more than one label$"):
        with_own_texts([Label("q", "7", None, "vote"), Label("q", "8", None, "vote")], SAMPLES)


def test_random_samples_of_several_questions_are_drawn_apart() -> None:
    rows = [sample(f"q{number}", k, f"so {k}") for number in range(40) for k in range(4)]
    labels = random_sample(lambda: rows, run_seed=1)
    assert [label.question_id for label in labels] == sorted(f"q{number}" for number in range(40))
    assert {label.answer for label in labels} == {"0", "1", "2", "3"}
    assert {label.origin for label in labels} == {"vote"}


def test_a_random_sample_that_was_cut_counts_only_where_it_may_vote() -> None:
    cut = [sample("q", 0, "so 7", finish="length")]
    assert random_sample(lambda: cut, run_seed=1) == []
    assert random_sample(lambda: cut, run_seed=1, truncated="last-number") == [Label("q", "7", "so 7", "vote")]
