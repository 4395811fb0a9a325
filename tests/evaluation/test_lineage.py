"""What became of labels between two rounds, by hand and as laws."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisy_student.answer_key import AnswerKey, KeyEntry
from noisy_student.evaluation.label_quality import lineage
from noisy_student.records import Vote

KINDS = ("same", "flipped", "gained", "lost", "without")
answers = st.one_of(st.none(), st.sampled_from(["1", "2", "3"]))
names = st.sampled_from([f"q{i}" for i in range(8)])
winners = st.dictionaries(names, answers, max_size=8)


def votes(found: dict[str, str | None]) -> list[Vote]:
    return [Vote(name, winner, 3, 4, 1, tied=winner is None, tally=()) for name, winner in found.items()]


def key(truth: dict[str, str]) -> AnswerKey:
    return AnswerKey({name: KeyEntry(name, answer) for name, answer in truth.items()})


TRUTH = {f"q{i}": "1" for i in range(8)}


def test_each_kind_is_counted_once() -> None:
    before = {"q0": "1", "q1": "2", "q2": None, "q3": "3", "q4": None, "q5": "1", "q6": "2", "gone": "1"}
    now = {"q0": "1", "q1": "1", "q2": "2", "q3": None, "q4": None, "q5": "2", "q6": "3", "new": "1"}
    found = lineage(votes(before), votes(now), selected=(["q0", "q1", "gone"], ["q1", "q2", "new"]), key=key(TRUTH))
    assert [getattr(found, kind) for kind in KINDS] == [1, 3, 1, 1, 1]
    assert (found.questions, found.mended, found.spoiled) == (7, 1, 1)
    assert (found.kept, found.added) == (1, 2)


@given(winners, winners, st.sets(names), st.sets(names))
def test_counts_add_up_and_turn_round_with_the_rounds(
    before: dict[str, str | None], now: dict[str, str | None], first: set[str], second: set[str]
) -> None:
    there = lineage(votes(before), votes(now), selected=(first, second), key=key(TRUTH))
    back = lineage(votes(now), votes(before), selected=(second, first), key=key(TRUTH))
    assert there.questions == sum(getattr(there, kind) for kind in KINDS) == len(set(before) & set(now))
    assert (there.kept + there.added, back.kept + back.added) == (len(second), len(first))
    assert there.mended is not None and there.spoiled is not None
    assert there.mended + there.spoiled <= there.flipped
    swapped = {"gained": "lost", "lost": "gained", "mended": "spoiled", "spoiled": "mended"}
    for name in ("questions", *KINDS, "mended", "spoiled", "kept"):
        assert getattr(there, name) == getattr(back, swapped.get(name, name)), name


@given(winners)
def test_a_round_that_repeats_the_one_before_changes_nothing(found: dict[str, str | None]) -> None:
    made = lineage(votes(found), votes(found), selected=(found, found), key=key({}))
    assert (made.flipped, made.gained, made.lost, made.added) == (0, 0, 0, 0)
    assert (made.mended, made.spoiled, made.kept) == (0, 0, len(found))


def test_equal_values_are_the_same_answer() -> None:
    made = lineage(votes({"q0": "0.5"}), votes({"q0": "1/2"}), selected=((), ()), key=key({"q0": "1"}))
    assert (made.same, made.flipped) == (1, 0)


@pytest.mark.parametrize(("known", "expected"), [({"q0": "1"}, None), ({"q0": "1", "q1": "5"}, 1)])
def test_without_the_truth_of_every_flip_nobody_knows_what_was_mended(
    known: dict[str, str], expected: int | None
) -> None:
    made = lineage(
        votes({"q0": "2", "q1": "3", "q2": "4"}),
        votes({"q0": "1", "q1": "2", "q2": "4"}),
        selected=((), ()),
        key=key(known),
    )
    assert (made.flipped, made.mended) == (2, expected)
    assert made.spoiled == (None if expected is None else 0)
