"""The curve of votes: the mean over all subsets, by counting them one by one."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisy_student.evaluation.pass_at_k import VoteCurve, sizes
from noisy_student.labeling.vote import votes


def right_over(answers: list[str | None], k: int) -> float:
    """The mean over all subsets of size k of the right answer's share of the win."""
    shares = []
    for some in combinations(answers, k):
        counts = Counter(answer for answer in some if answer is not None)
        most = max(counts.values(), default=0)
        leaders = [answer for answer, count in counts.items() if count == most]
        shares.append(("1" in leaders) / len(leaders) if leaders else 0.0)
    return sum(shares) / len(shares)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 8).flatmap(
        lambda K: st.lists(
            st.lists(st.sampled_from(["1", "2", "3", None]), min_size=K, max_size=K), min_size=1, max_size=4
        )
    )
)
def test_each_point_is_the_mean_over_all_subsets(asked: list[list[str | None]]) -> None:
    curve = VoteCurve()
    rows = [(str(number), answer) for number, answers in enumerate(asked) for answer in answers]
    for vote in votes(rows):
        curve.add(vote, "1.0")
    points = curve.points()
    assert [k for k, _ in points] == list(sizes(len(asked[0])))
    for k, share in points:
        assert share == pytest.approx(sum(right_over(answers, k) for answers in asked) / len(asked))


def test_nothing_added_has_no_point() -> None:
    assert VoteCurve().points() == ()
