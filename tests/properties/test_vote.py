from __future__ import annotations

from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from noisy_student.labeling.vote import tally, votes
from noisy_student.records import Answer, NoAnswer

Entry = Answer | NoAnswer

canonical = st.sampled_from(["1", "2", "3", "0.5", "1/3"])
entry: st.SearchStrategy[Entry] = st.one_of(
    st.just(NoAnswer("absent")), canonical.map(lambda text: Answer(text, text, "hashes", True))
)
ballots = st.lists(entry, min_size=1, max_size=12)


def renamed(answers: list[Entry], names: dict[str, str]) -> list[Entry]:
    return [
        Answer(names[item.canonical], item.surface, item.method, item.strict) if isinstance(item, Answer) else item
        for item in answers
    ]


@examples(100)
@given(ballots, st.data())
def test_the_order_of_answers_does_not_matter(answers: list[Entry], data: st.DataObject) -> None:
    assert tally("q", data.draw(st.permutations(answers))) == tally("q", answers)


@examples(100)
@given(ballots, st.permutations(["1", "2", "3", "0.5", "1/3"]))
def test_the_names_of_answers_do_not_matter(answers: list[Entry], names: list[str]) -> None:
    table = dict(zip(["1", "2", "3", "0.5", "1/3"], names, strict=True))
    for ties in ("none", "first-seen"):
        before, after = tally("q", answers, ties=ties), tally("q", renamed(answers, table), ties=ties)
        assert after.winner == (None if before.winner is None else table[before.winner])
        assert (after.votes, after.tied, after.abstained) == (before.votes, before.tied, before.abstained)
        assert dict(after.tally) == {table[name]: count for name, count in before.tally}


@examples(100)
@given(ballots)
def test_another_vote_for_the_winner_keeps_it(answers: list[Entry]) -> None:
    vote = tally("q", answers, ties="first-seen")
    if vote.winner is not None:
        more = tally("q", [*answers, Answer(vote.winner, vote.winner, "hashes", True)])
        assert more.winner == vote.winner
        assert more.agreement >= vote.agreement
        assert not more.tied


@examples(100)
@given(ballots)
def test_a_vote_adds_up(answers: list[Entry]) -> None:
    vote = tally("q", answers)
    assert sum(count for _, count in vote.tally) + vote.abstained == vote.k == len(answers)
    assert vote.votes == max((count for _, count in vote.tally), default=0)
    assert (vote.winner is None) == (vote.tied or not vote.tally)


@examples(60)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.none() | canonical), min_size=1, max_size=20), st.data())
def test_the_stream_does_not_depend_on_the_order_of_rows(
    rows: list[tuple[str, str | None]], data: st.DataObject
) -> None:
    assert list(votes(data.draw(st.permutations(rows)))) == list(votes(rows))
