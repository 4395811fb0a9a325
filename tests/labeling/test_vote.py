from __future__ import annotations

import pytest
from refusals import refused

from noisy_student.labeling.vote import leading_votes, tally, votes
from noisy_student.records import Answer, NoAnswer, Vote


def answer(canonical: str) -> Answer:
    return Answer(canonical, canonical, "hashes", True)


def test_the_most_frequent_answer_wins_and_abstentions_stay_in_k() -> None:
    vote = tally("q", [answer("8"), NoAnswer("absent"), answer("7"), answer("8"), NoAnswer("failed")], k=8)
    assert vote == Vote("q", "8", 2, 8, 5, False, (("8", 2), ("7", 1)))
    assert float(vote.agreement) == 0.25


def test_equal_values_written_differently_vote_together() -> None:
    written = [Answer("1000", "$1,000.00", "hashes", True), Answer("1000", "1000", "last-number", False), answer("7")]
    assert tally("q", written).winner == "1000"


def test_a_tie_has_no_winner_unless_the_protocol_takes_the_first() -> None:
    tie = [answer("9"), answer("3"), answer("3"), answer("9"), answer("1")]
    assert tally("q", tie) == Vote("q", None, 2, 5, 0, True, (("3", 2), ("9", 2), ("1", 1)))
    assert tally("q", tie, ties="first-seen") == Vote("q", "9", 2, 5, 0, True, (("3", 2), ("9", 2), ("1", 1)))


def test_abstentions_alone_elect_nobody() -> None:
    assert tally("q", [NoAnswer("absent")] * 3) == Vote("q", None, 0, 3, 3, False, ())


@pytest.mark.parametrize(("count", "k"), [(3, 2), (0, None), (0, 0)])
def test_an_impossible_k_is_a_value_error(count: int, k: int | None) -> None:
    with pytest.raises(ValueError, match="answers for k"):
        tally("q", [answer("1")] * count, k=k)


def test_the_stream_equals_the_tally_of_each_question() -> None:
    rows = [("b", "7"), ("a", "1"), ("b", None), ("a", "2"), ("b", "7"), ("a", "1")]
    assert list(votes(rows, k=4)) == [
        tally("a", [answer("1"), answer("2"), answer("1")], k=4),
        tally("b", [answer("7"), NoAnswer("absent"), answer("7")], k=4),
    ]
    assert [vote.k for vote in votes([*rows, ("c", None)])] == [3, 3, 1]


def test_the_stream_refuses_what_would_count_wrongly() -> None:
    with refused("more-answers-than-k", "q", "2 answers"):
        list(votes([("q", "1"), ("q", "1")], k=1))
    with refused("answer-not-one-line", "q"):
        list(votes([("q", "1\n2")]))


def test_levels_has_a_row_for_each_attainable_count() -> None:
    ballot = list(votes([("a", "1"), ("a", "1"), ("b", "1"), ("b", "2"), ("c", None), ("c", None)], k=2))
    assert leading_votes(ballot, k=2) == [1, 1, 1]
    with pytest.raises(ValueError, match="voted over 2"):
        leading_votes(ballot, k=8)


def test_a_level_counts_all_of_its_questions() -> None:
    ballot = votes([("a", "1"), ("a", "1"), ("b", "2"), ("b", "2"), ("c", "1"), ("c", "2"), ("d", None), ("d", None)])
    assert leading_votes(ballot, k=2) == [1, 1, 2]
