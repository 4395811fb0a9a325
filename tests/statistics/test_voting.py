"""pass@k, maj@k and the chance of the leader against the reference and brute force."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from pathlib import Path

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from noisy_student.statistics.voting import leader_probability, maj_at_k, pass_at_k

ORACLES = json.loads((Path(__file__).parent / "oracles.json").read_text())


@pytest.mark.parametrize("row", ORACLES["passk"], ids=str)
def test_pass_at_k_equals_the_reference(row):
    assert pass_at_k(row["n"], row["c"], k=row["k"]) == pytest.approx(row["v"], abs=1e-9)


@pytest.mark.parametrize("row", ORACLES["majk"], ids=str)
def test_maj_at_k_equals_the_reference(row):
    assert maj_at_k(row["counts"], row["correct"], k=row["k"]) == pytest.approx(row["v"], abs=1e-9)


def _share(drawn):
    votes = Counter(answer for answer in drawn if answer != "none")
    top = max(votes.values(), default=0)
    leaders = [answer for answer, count in votes.items() if count == top]
    return 1 / len(leaders) if "right" in leaders else 0.0


@examples(30)
@given(counts=st.tuples(*[st.integers(0, 3)] * 4), k=st.integers(1, 5))
def test_maj_at_k_equals_all_subsets(counts, k):
    if sum(counts) < k:
        return
    names = ["right", "x", "y", "none"]
    samples = [name for name, count in zip(names, counts, strict=True) for _ in range(count)]
    subsets = [_share(subset) for subset in itertools.combinations(samples, k)]
    tally = dict(zip(names[:3], counts[:3], strict=True))
    assert maj_at_k(tally, "right", k=k, abstained=counts[3]) == pytest.approx(sum(subsets) / len(subsets))


def test_edges():
    assert maj_at_k({"a": 3}, "b", k=2) == 0
    assert maj_at_k({}, "b", k=2, abstained=4) == 0
    assert maj_at_k({"a": 3}, "a", k=3) == 1
    with pytest.raises(ValueError, match="k must lie"):
        maj_at_k({"a": 3}, "a", k=4)
    with pytest.raises(ValueError, match="right=4"):
        pass_at_k(3, 4, k=1)


def test_the_ends_of_pass_at_k():
    assert [pass_at_k(3, right, k=1) for right in range(4)] == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert [pass_at_k(3, right, k=3) for right in range(4)] == [0, 1, 1, 1]
    assert pass_at_k(1, 1, k=1) == 1
    for right, k in ((-1, 1), (4, 1), (1, 0), (1, 4)):
        with pytest.raises(ValueError, match=f"right={right}, k={k}, n=3"):
            pass_at_k(3, right, k=k)


def test_votes_that_are_out_of_reach_do_not_end_the_count():
    # Two right ones can only be two votes, so one vote for them is impossible and two are not.
    assert maj_at_k({"right": 2, "x": 1}, "right", k=3) == 1


@pytest.mark.parametrize("row", ORACLES["adaptive_consistency_beta"], ids=str)
def test_leader_probability_equals_the_reference(row):
    assert leader_probability(row["a"], row["b"]) == pytest.approx(row["p"], abs=1e-9)


@pytest.mark.parametrize(
    ("threshold", "leads"),
    [
        (0.95, [4, 6, 8, 9, 11, 12, 14, 15, 17, 18, 19]),
        (0.99, [6, 9, 11, 13, 14, 16, 18, 19, 21, 23, 24]),
        (0.90, [3, 5, 6, 8, 9, 11, 12, 13, 15, 16, 17]),
    ],
)
def test_least_leader_that_stops(threshold, leads):
    found = [next(a for a in range(b, 60) if leader_probability(a, b) >= threshold) for b in range(11)]
    assert found == leads
