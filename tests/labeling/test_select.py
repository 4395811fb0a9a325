from __future__ import annotations

import pytest
from refusals import refused

from noisy_student.labeling.select import Selection, random_labels, select, selection
from noisy_student.labeling.stopping import votes_needed
from noisy_student.labeling.vote import votes
from noisy_student.records import Label, Vote


def vote(question_id: str, count: int, *, k: int = 8, winner: str | None = "5") -> Vote:
    return Vote(question_id, winner, count, k, k - count, winner is None, (("5", count),))


VOTES = [vote("d", 8), vote("a", 6), vote("b", 5), vote("c", 6), vote("tie", 8, winner=None)]


def ids(selection: Selection, *, run_seed: int = 1) -> list[str]:
    return [chosen.question_id for chosen in select(VOTES, selection, run_seed=run_seed)]


def test_each_rule_takes_what_it_says_and_never_a_tie() -> None:
    assert ids(Selection("all", True)) == ["a", "b", "c", "d"]
    assert ids(Selection("min_agreement", 0.75)) == ["a", "c", "d"]
    assert ids(Selection("min_agreement", 0.76)) == ["d"]
    assert ids(Selection("count", 1)) == ["d"]
    assert ids(Selection("count", 3)) == ["a", "c", "d"]
    assert len(ids(Selection("random_count", 4))) == 4


def test_ties_at_the_edge_and_random_draws_depend_on_the_seed_only() -> None:
    edges = {tuple(ids(Selection("count", 2), run_seed=seed)) for seed in range(20)}
    assert edges == {("a", "d"), ("c", "d")}
    draws = {tuple(ids(Selection("random_count", 2), run_seed=seed)) for seed in range(60)}
    assert len(draws) == 6
    for rule in (Selection("count", 2), Selection("random_count", 2)):
        forward, back = select(VOTES, rule, run_seed=3), select(VOTES[::-1], rule, run_seed=3)
        assert forward == back


def test_a_smaller_random_draw_is_part_of_a_larger_one() -> None:
    drawn = [set(ids(Selection("random_count", n))) for n in (1, 2, 3)]
    assert drawn[0] < drawn[1] < drawn[2]


@pytest.mark.parametrize(
    ("share", "k", "needed"),
    [(0.75, 8, 6), (0.8, 8, 7), (0.8, 16, 13), (0.8, 32, 26), (0.9, 8, 8), (0.9, 16, 15), (0.9, 32, 29), (0.07, 100, 7),
     (1.0, 8, 8), (1e-12, 8, 1)],
)  # fmt: skip
def test_thresholds_are_whole_votes(share: float, k: int, needed: int) -> None:
    assert votes_needed(share, k) == needed


def test_nothing_to_learn_from_names_the_highest_agreement() -> None:
    with refused("no-votes-selected", "0.95", "6 of 8 votes", "0.75 or less"):
        select([vote("a", 6), vote("b", 5)], Selection("min_agreement", 0.95), run_seed=1)
    with refused("no-winners"):
        select([vote("t", 4, winner=None)], Selection("all", True), run_seed=1)
    for name in ("count", "random_count"):
        with refused("too-few-winners", f"select.{name} needs 9 questions and 4 have a winner") as told:
            select(VOTES, Selection(name, 9), run_seed=1)
        assert told.value.do == f"Set select.{name} to 4 or less, or sample more questions."


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "selection-not-one-rule"),
        ({"all": True, "count": 3}, "selection-not-one-rule"),
        ({"agreement": 0.5}, "unknown-selection"),
        ({"all": False}, "selection-value-invalid"),
        ({"min_agreement": 0.0}, "selection-value-invalid"),
        ({"min_agreement": 1.01}, "selection-value-invalid"),
        ({"min_agreement": float("nan")}, "selection-value-invalid"),
        ({"min_agreement": "0.5"}, "selection-value-invalid"),
        ({"count": 0}, "selection-value-invalid"),
        ({"count": "3"}, "selection-value-invalid"),
        ({"count": True}, "selection-value-invalid"),
        ({"random_count": -1}, "selection-value-invalid"),
    ],
)
def test_a_selection_is_one_known_rule_with_a_value_in_range(fields: dict[str, object], code: str) -> None:
    with refused(code):
        selection(fields)


@pytest.mark.parametrize("fields", [{"all": True}, {"min_agreement": 1}, {"min_agreement": 0.75}, {"count": 2}])
def test_a_selection_keeps_rule_and_value(fields: dict[str, object]) -> None:
    assert {selection(fields).rule: selection(fields).value} == fields


@pytest.mark.parametrize("rule", [{"min_agreement": 0.75}, {"count": 1}])
def test_votes_that_were_stopped_early_have_no_agreement_to_select_by(rule: dict[str, float]) -> None:
    stopped = Vote("q", "5", 4, 32, 0, False, (("5", 4),), drawn=4, stopped="accept")
    with refused("agreement-of-stopped-votes", "q: 4 of 4 votes, 32 at most"):
        select([stopped], selection(rule), run_seed=1)
    assert select([stopped], Selection("all", True), run_seed=1) == (stopped,)


def test_a_lossless_vote_is_selected_at_its_own_threshold() -> None:
    accepted = Vote("q", "5", 6, 8, 0, False, (("5", 6),), drawn=6, stopped="accept")
    assert select([accepted], Selection("min_agreement", 0.75), run_seed=1) == (accepted,)
    with refused("agreement-of-stopped-votes", "6 of 6 votes, 8 at most"):
        select([accepted], Selection("min_agreement", 0.875), run_seed=1)


def test_true_labels_are_drawn_like_random_votes() -> None:
    names = [str(n) for n in range(20)]
    ballot = list(votes((name, "1") for name in names))
    labels = [Label(name, "1", None, "revealed") for name in reversed(names)]
    for count in (1, 7, 20):
        like = [vote.question_id for vote in select(ballot, Selection("random_count", count), run_seed=3)]
        assert [label.question_id for label in random_labels(labels, count, run_seed=3)] == like
    with refused("too-few-labels", "21", "20"):
        random_labels(labels, 21, run_seed=3)
