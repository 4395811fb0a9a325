"""Votes, labels, GRPO's groups and the change between rounds, against the key."""

from __future__ import annotations

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from noisy_student.answer_key import AnswerKey, KeyEntry
from noisy_student.evaluation.label_quality import (
    LevelQuality,
    group_quality,
    label_quality,
    lineage,
    vote_quality,
)
from noisy_student.labeling.vote import votes
from noisy_student.records import Label, Vote

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
    assert label_quality(labels, KEY) == {"labels": 2, "right": 1}
    assert label_quality([], KEY) == {"labels": 0, "right": 0}


@examples(60)
@given(st.lists(st.lists(st.sampled_from(["7", "8", "9", None]), min_size=4, max_size=4), min_size=1, max_size=6))
def test_the_parts_add_up(rows):
    ballot = _ballot(**dict(zip("abcdef", rows, strict=False)))
    made = vote_quality(ballot, KEY)
    assert sum(level.questions for level in made.by_level) == made.questions == len(rows)
    assert sum(level.right for level in made.by_level) == made.right
    assert made.single_right == pytest.approx(sum(row.count("7") for row in rows) / 4)
    assert all(level.right <= level.questions for level in made.by_level)


def group(step: int, name: str, label: str | None, right: int, origin: str = "vote") -> dict[str, object]:
    return {"step": step, "question_id": name, "origin": origin, "label": label, "answers": 4, "right": right}


GROUP_KEY = AnswerKey({"a": KeyEntry("a", "4"), "b": KeyEntry("b", "5")})


def test_kinds_are_counted_apart_for_right_and_wrong_labels() -> None:
    groups = [
        group(0, "g", "9", 4, origin="gold"),
        group(0, "a", "4.0", 2),
        group(1, "a", "4", 4),
        group(1, "b", "7", 4),
        group(2, "b", "7", 0),
        group(2, "b", None, 0),
        group(2, "elsewhere", "1", 1),
    ]
    found = group_quality(groups, GROUP_KEY)["groups"]
    assert {(row["origin"], row["label"], row["kind"]): row["groups"] for row in found} == {
        ("gold", "right", "all-right"): 1,
        ("pseudo", "right", "mixed"): 1,
        ("pseudo", "right", "all-right"): 1,
        ("pseudo", "wrong", "all-right"): 1,
        ("pseudo", "wrong", "all-wrong"): 1,
        ("pseudo", "none", "all-wrong"): 1,
        ("pseudo", "unknown", "mixed"): 1,
    }


def test_the_accuracy_of_pseudo_labels_is_followed_over_the_steps() -> None:
    groups = [group(step, "a", "4" if step < 10 else "5", 1) for step in range(20)]
    groups += [group(15, "g", "1", 1, origin="gold"), group(15, "elsewhere", "1", 1)]
    assert group_quality(groups, GROUP_KEY)["over_steps"] == [
        {"step": 0, "labels": 10, "accuracy": 1.0},
        {"step": 10, "labels": 10, "accuracy": 0.0},
    ]


KINDS = ("same", "flipped", "gained", "lost", "without")
answers = st.one_of(st.none(), st.sampled_from(["1", "2", "3"]))
names = st.sampled_from([f"q{i}" for i in range(8)])
winners = st.dictionaries(names, answers, max_size=8)


def round_votes(found: dict[str, str | None]) -> list[Vote]:
    return [Vote(name, winner, 3, 4, 1, tied=winner is None, tally=()) for name, winner in found.items()]


def key_of(truth: dict[str, str]) -> AnswerKey:
    return AnswerKey({name: KeyEntry(name, answer) for name, answer in truth.items()})


TRUTH = {f"q{i}": "1" for i in range(8)}


def test_each_kind_is_counted_once() -> None:
    before = {"q0": "1", "q1": "2", "q2": None, "q3": "3", "q4": None, "q5": "1", "q6": "2", "gone": "1"}
    now = {"q0": "1", "q1": "1", "q2": "2", "q3": None, "q4": None, "q5": "2", "q6": "3", "new": "1"}
    found = lineage(
        round_votes(before), round_votes(now), selected=(["q0", "q1", "gone"], ["q1", "q2", "new"]), key=key_of(TRUTH)
    )
    assert [getattr(found, kind) for kind in KINDS] == [1, 3, 1, 1, 1]
    assert (found.questions, found.mended, found.spoiled) == (7, 1, 1)
    assert (found.kept, found.added) == (1, 2)


@given(winners, winners, st.sets(names), st.sets(names))
def test_counts_add_up_and_turn_round_with_the_rounds(
    before: dict[str, str | None], now: dict[str, str | None], first: set[str], second: set[str]
) -> None:
    there = lineage(round_votes(before), round_votes(now), selected=(first, second), key=key_of(TRUTH))
    back = lineage(round_votes(now), round_votes(before), selected=(second, first), key=key_of(TRUTH))
    assert there.questions == sum(getattr(there, kind) for kind in KINDS) == len(set(before) & set(now))
    assert (there.kept + there.added, back.kept + back.added) == (len(second), len(first))
    assert there.mended is not None and there.spoiled is not None
    assert there.mended + there.spoiled <= there.flipped
    swapped = {"gained": "lost", "lost": "gained", "mended": "spoiled", "spoiled": "mended"}
    for name in ("questions", *KINDS, "mended", "spoiled", "kept"):
        assert getattr(there, name) == getattr(back, swapped.get(name, name)), name


@given(winners)
def test_a_round_that_repeats_the_one_before_changes_nothing(found: dict[str, str | None]) -> None:
    made = lineage(round_votes(found), round_votes(found), selected=(found, found), key=key_of({}))
    assert (made.flipped, made.gained, made.lost, made.added) == (0, 0, 0, 0)
    assert (made.mended, made.spoiled, made.kept) == (0, 0, len(found))


def test_equal_values_are_the_same_answer() -> None:
    made = lineage(round_votes({"q0": "0.5"}), round_votes({"q0": "1/2"}), selected=((), ()), key=key_of({"q0": "1"}))
    assert (made.same, made.flipped) == (1, 0)


@pytest.mark.parametrize(("known", "expected"), [({"q0": "1"}, None), ({"q0": "1", "q1": "5"}, 1)])
def test_without_the_truth_of_every_flip_nobody_knows_what_was_mended(
    known: dict[str, str], expected: int | None
) -> None:
    made = lineage(
        round_votes({"q0": "2", "q1": "3", "q2": "4"}),
        round_votes({"q0": "1", "q1": "2", "q2": "4"}),
        selected=((), ()),
        key=key_of(known),
    )
    assert (made.flipped, made.mended) == (2, expected)
    assert made.spoiled == (None if expected is None else 0)


@pytest.mark.parametrize("ties", ["none", "first-seen"])
def test_the_last_point_of_the_curve_is_the_vote_itself(ties):
    rows = [("a", answer) for answer in ("7", "7", "5", "5")]
    rows += [("b", answer) for answer in ("1", "8", "8", "1")] + [("c", answer) for answer in ("9", "9", "9", None)]
    key = AnswerKey({name: KeyEntry(name, answer) for name, answer in (("a", "7"), ("b", "8"), ("c", "9"))})
    made = vote_quality(list(votes(rows, k=4, ties=ties)), key, ties_win=ties != "none")
    assert made.curve[-1] == (4, made.right / made.questions)
    assert made.right == (1 if ties == "none" else 2)
    # Of two samples of "a", a third of the pairs are two right ones, two thirds a tie.
    at_two = dict(made.curve)[2]
    shared = {"none": 0.0, "first-seen": 0.5}[ties]
    assert at_two == pytest.approx((2 * (1 / 6 + 4 / 6 * shared) + 1) / 3)
