"""Votes and labels against the key."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisy_student.answer_key import AnswerKey, KeyEntry
from noisy_student.evaluation.label_quality import LabelQuality, LevelQuality, label_quality, vote_quality
from noisy_student.labeling.vote import votes
from noisy_student.records import Label

KEY = AnswerKey({name: KeyEntry(name, "7") for name in "abcdef"})


def _ballot(**answers):
    return list(votes([(name, answer) for name, row in answers.items() for answer in row], k=4))


def test_accuracy_counts_all_questions_and_levels_part_them():
    ballot = _ballot(a=["7"] * 4, b=["8"] * 3 + ["7"], c=["7", "7", "8", "8"], d=[None] * 4, e=["7", "7", "8", None])
    made = vote_quality(ballot, KEY)
    assert (made.k, made.questions, made.right, made.tied) == (4, 5, 2, 1)
    assert made.single_right == pytest.approx(1 + 0.25 + 0.5 + 0 + 0.5)
    assert made.by_level == (
        LevelQuality(0, 1, 0),
        LevelQuality(2, 2, 1),
        LevelQuality(3, 1, 0),
        LevelQuality(4, 1, 1),
    )


def test_a_tie_is_right_only_under_the_protocol_that_decides_it():
    rows = [("a", answer) for answer in ("7", "8", "7", "8")]
    assert vote_quality(list(votes(rows)), KEY).right == 0
    decided = vote_quality(list(votes(rows, ties="first-seen")), KEY)
    assert (decided.right, decided.tied) == (1, 1)


def test_equal_values_are_right():
    key = AnswerKey({"a": KeyEntry("a", "0.5")})
    assert vote_quality(list(votes([("a", "0.5")])), key).right == 1
    assert vote_quality(list(votes([("a", "0.50001")])), key).right == 0


def test_votes_over_different_k_are_refused():
    with pytest.raises(ValueError, match=r"several K: \[1, 2\]"):
        vote_quality(list(votes([("a", "7"), ("b", "7"), ("b", "7")])), KEY)


def test_labels_count_each_question_once():
    labels = [Label("a", "7", "x", "vote"), Label("a", "7", "y", "vote"), Label("b", "8", None, "vote")]
    assert label_quality(labels, KEY) == LabelQuality(2, 1)
    assert label_quality([], KEY) == LabelQuality(0, 0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.sampled_from(["7", "8", "9", None]), min_size=4, max_size=4), min_size=1, max_size=6))
def test_the_parts_add_up(rows):
    ballot = _ballot(**dict(zip("abcdef", rows, strict=False)))
    made = vote_quality(ballot, KEY)
    assert sum(level.questions for level in made.by_level) == made.questions == len(rows)
    assert sum(level.right for level in made.by_level) == made.right
    assert made.single_right == pytest.approx(sum(row.count("7") for row in rows) / 4)
    assert all(level.right <= level.questions for level in made.by_level)
