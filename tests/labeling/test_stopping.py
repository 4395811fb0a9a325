"""Rules of stopping: lossless keeps what a full vote selects, beta is Adaptive-Consistency."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisy_student.labeling.select import Selection, select
from noisy_student.labeling.stopping import Rule, beta, fixed, lossless, round_ends, rule_of, tally_of, votes_needed
from noisy_student.labeling.texts import voted_labels, with_own_texts
from noisy_student.labeling.vote import stopped_votes, votes
from noisy_student.records import Label, Sample

ANSWERS = st.one_of(st.none(), st.sampled_from(["1", "2", "3"]))


def drawn_until(rule: Rule, answers: list[str | None], *, ends: tuple[int, ...]) -> int:
    """How many samples the rule asks for when it is asked after each round."""
    K = len(answers)
    return next(end for end in ends if end == K or rule(tally_of(answers[:end]), end, K) != "go")


@st.composite
def questions(draw: st.DrawFn) -> tuple[list[list[str | None]], float, int]:
    """Answers of some questions at one K, a threshold, and every how many samples the rule is asked."""
    K = draw(st.integers(1, 12))
    asked = draw(st.lists(st.lists(ANSWERS, min_size=K, max_size=K), min_size=1, max_size=6))
    return asked, draw(st.integers(1, K)) / K, draw(st.integers(1, 5))


def labels(asked: list[list[str | None]], prefix: list[int], min_agreement: float, *, stopping: str) -> list[Label]:
    """The labels with their first texts, from the first samples of each question."""
    K = len(asked[0])
    samples = [
        Sample(f"q{number}", k, text=f"k{k} #### {answer}" if answer else "none", token_ids=(k,), finish="eos",
               logprob=0.0, seed=k)
        for number, answers in enumerate(asked)
        for k, answer in enumerate(answers[: prefix[number]])
    ]  # fmt: skip
    rows = [(f"q{number}", answer) for number, answers in enumerate(asked) for answer in answers[: prefix[number]]]
    if stopping == "fixed":
        made = votes(rows, k=K)
    else:
        made = stopped_votes(rows, k=K, rule=rule_of("lossless", min_agreement=min_agreement, K=K))
    decided = [vote for vote in made if vote.winner is not None]
    if not any(vote.votes >= votes_needed(min_agreement, K) for vote in decided):
        return []
    chosen = select(decided, Selection("min_agreement", min_agreement), run_seed=1)
    return [
        Label(label.question_id, label.answer, label.solution, "vote")
        for label in with_own_texts(voted_labels(chosen), samples, choice="first")
    ]


@given(questions())
def test_lossless_selects_the_same_questions_winners_and_first_texts(
    drawn: tuple[list[list[str | None]], float, int],
) -> None:
    asked, min_agreement, step = drawn
    K = len(asked[0])
    rule = rule_of("lossless", min_agreement=min_agreement, K=K)
    ends = round_ends(rule, K, step=step)
    prefix = [drawn_until(rule, answers, ends=ends) for answers in asked]
    assert labels(asked, prefix, min_agreement, stopping="lossless") == labels(
        asked, [K] * len(asked), min_agreement, stopping="fixed"
    )


@given(questions())
def test_lossless_never_stops_before_the_question_is_decided(drawn: tuple[list[list[str | None]], float, int]) -> None:
    asked, min_agreement, _ = drawn
    for answers in asked:
        K, threshold = len(answers), votes_needed(min_agreement, len(answers))
        rule = lossless(threshold)
        stop = drawn_until(rule, answers, ends=tuple(range(1, K + 1)))
        if stop > 1:
            # One sample earlier some continuation would still have been selected and another not, or another winner.
            before = answers[: stop - 1]
            left = K - len(before)
            leader, runner_up = tally_of(before)
            assert leader + left >= threshold
            assert leader < threshold or leader - runner_up <= left


def test_the_rule_decides_at_the_latest_with_the_last_sample() -> None:
    for rule in (lossless(3), beta, fixed):
        assert all(rule((leader, 4 - leader), 4, 4) != "go" for leader in range(2, 5))
    assert lossless(3)((2, 2), 4, 4) == "give_up"
    # A threshold of half may be reached by two: a tie has no winner.
    assert lossless(2)((2, 2), 4, 4) == "give_up"


def expected_of_beta(p: float, K: int) -> tuple[float, float]:
    """Expected draws and accuracy of ``beta``, asked after each sample of a question with two answers."""
    going, draws, accuracy = {(0, 0): 1.0}, 0.0, 0.0
    while going:
        following: dict[tuple[int, int], float] = {}
        for (right, wrong), chance in going.items():
            for state, step in (((right + 1, wrong), p), ((right, wrong + 1), 1 - p)):
                following[state] = following.get(state, 0.0) + chance * step
        going = {}
        for (right, wrong), chance in following.items():
            if beta((max(right, wrong), min(right, wrong)), right + wrong, K) == "go":
                going[right, wrong] = chance
            else:
                draws += chance * (right + wrong)
                accuracy += chance * (0.5 if right == wrong else float(right > wrong))
    return draws, accuracy


@pytest.mark.parametrize(
    ("p", "draws", "accuracy"),
    # Published values of Adaptive-Consistency at a threshold of .95 and at most 32 samples.
    [
        (0.5, 23.971450, 0.5),
        (0.6, 20.95026492, 0.8550242207),
        (0.7, None, 0.980975),
        (0.8, 8.678608243, 0.9980676265),
        (0.9, 5.62171741, 0.9998961811),
        (1.0, 4, 1),
    ],
)
def test_beta_has_the_published_draws_and_accuracy(p: float, draws: float | None, accuracy: float) -> None:
    found = expected_of_beta(p, 32)
    assert draws is None or found[0] == pytest.approx(draws, abs=1e-6)
    assert found[1] == pytest.approx(accuracy, abs=1e-6)


@pytest.mark.parametrize("p", [0.5, 0.6, 0.8, 0.9])
def test_beta_draws_as_many_as_all_sequences_say(p: float) -> None:
    """All sequences of right and wrong up to 12, weighed by their chance."""
    K, draws, right = 12, 0.0, 0.0
    for bits in range(2**K):
        answers = [str(bits >> k & 1) for k in range(K)]
        stop = drawn_until(beta, answers, ends=tuple(range(1, K + 1)))
        ones = answers.count("1")
        weight = p**ones * (1 - p) ** (K - ones)
        draws += weight * stop
        yes = answers[:stop].count("1")
        right += weight * (0.5 if 2 * yes == stop else float(2 * yes > stop))
    assert (draws, right) == pytest.approx(expected_of_beta(p, K))


def test_rounds_begin_where_the_rule_can_first_decide() -> None:
    assert round_ends(lossless(6), 8) == (4, 5, 6, 7, 8)
    assert round_ends(lossless(24), 32, step=4) == (10, 14, 18, 22, 26, 30, 32)
    assert round_ends(lossless(1), 1) == (1,)
    assert round_ends(fixed, 8, step=2) == (8,)


def test_agreement_of_a_stopped_vote_says_what_it_is_a_share_of() -> None:
    rows = [("q", "8")] * 4
    (vote,) = stopped_votes(rows, k=32, rule=beta)
    assert (vote.winner, vote.votes, vote.k, vote.drawn, vote.stopped) == ("8", 4, 32, 4, "accept")
    assert vote.abstained == 0
