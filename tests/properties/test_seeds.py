"""Seeds and the numbers made of them."""

from __future__ import annotations

import numpy as np
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from noisy_student import seeds

any_seed = st.integers(0, 2**63 - 1)


@examples(40)
@given(st.integers(), st.text(max_size=8), st.none() | st.text(max_size=8), st.none() | st.integers(0, 9))
def test_a_seed_is_in_range_and_always_the_same(run_seed, purpose, question_id, k):
    made = seeds.seed(run_seed, purpose, question_id, k=k)
    assert 0 <= made < 2**63
    assert made == seeds.seed(run_seed, purpose, question_id, k=k)


def test_every_part_of_a_seed_counts():
    made = [
        seeds.seed(1, "sample", "q", k=0),
        seeds.seed(2, "sample", "q", k=0),
        seeds.seed(1, "order", "q", k=0),
        seeds.seed(1, "sample", "r", k=0),
        seeds.seed(1, "sample", "q", k=1),
        seeds.seed(1, "sample", "q", step=0),
        seeds.seed(1, "sample", "q"),
        seeds.seed(1, "sample"),
        seeds.seed(1, "sample", "", k=0),
    ]
    assert len(set(made)) == len(made)


def test_a_seed_is_pinned():
    assert seeds.seed(1, "sample", "q1", k=3) == 8309986885483301813
    assert float(seeds.uniforms(np.array([7], dtype=np.uint64), 0)[0]) == 0.3898297483912715


def test_the_first_output_is_that_of_splitmix64():
    # Vigna's splitmix64.c from state 1234567 begins with 6457827717110365317
    expected = (6457827717110365317 >> 11) * 2.0**-53
    assert seeds.uniforms(np.array([1234567], dtype=np.uint64), 0)[0] == expected


@examples(40)
@given(st.lists(any_seed, min_size=1, max_size=20), st.integers(0, 5000))
def test_uniforms_lie_in_the_unit_interval_and_depend_on_their_own_row_only(row_seeds, step):
    rows = np.array(row_seeds, dtype=np.uint64)
    made = seeds.uniforms(rows, step)
    assert made.shape == rows.shape
    assert bool(((made >= 0) & (made < 1)).all())
    assert made[::-1].tolist() == seeds.uniforms(rows[::-1], step).tolist()
    assert made[0] == seeds.uniforms(rows[:1], step)[0]


def test_uniforms_are_even_over_rows_and_over_steps():
    rows = np.array([seeds.seed(1, "sample", f"q{i}") for i in range(4000)], dtype=np.uint64)
    for made in (seeds.uniforms(rows, 5), np.array([seeds.uniforms(rows[:1], step)[0] for step in range(4000)])):
        assert made.mean() == pytest.approx(0.5, abs=4.5 / 12**0.5 / 4000**0.5)
        counts, _ = np.histogram(made, bins=20, range=(0, 1))
        assert ((counts - 200) ** 2 / 200).sum() < 52  # the 99.99 % quantile of chi-square with 19 degrees is 51.8


def test_rows_and_steps_are_uncorrelated():
    rows = np.array([seeds.seed(1, "sample", "q", k=k) for k in range(4000)], dtype=np.uint64)
    table = np.array([seeds.uniforms(rows, step) for step in range(4)])
    off = np.corrcoef(table)[~np.eye(4, dtype=bool)]
    assert abs(off).max() < 4.5 / 4000**0.5
    assert abs(np.corrcoef(table[0][:-1], table[0][1:])[0, 1]) < 4.5 / 4000**0.5


def test_generators_have_streams_of_their_own():
    one, again, other = seeds.generator(1, "a"), seeds.generator(1, "a"), seeds.generator(1, "b")
    first = one.random()
    assert first == again.random() != other.random()
    assert seeds.array_generator(1, "a").random() == seeds.array_generator(1, "a").random()
    assert seeds.array_generator(1, "a").random() != seeds.array_generator(2, "a").random()
