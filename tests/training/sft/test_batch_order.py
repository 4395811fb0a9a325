from __future__ import annotations

import random
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from noisy_student.training.sft.batch_order import batch_order, step_count
from noisy_student.training.specs.sft import SftSpec


@settings(max_examples=30, deadline=None)
@given(count=st.integers(1, 40), epochs=st.integers(1, 3), seed=st.integers(0, 99), grouped=st.booleans())
def test_every_epoch_holds_every_example_once(count: int, epochs: int, seed: int, grouped: bool) -> None:
    rows = batch_order(range(count), SftSpec(epochs=float(epochs), batch=3, group_by_length=grouped), seed=seed)
    for start in range(0, count * epochs, count):
        assert sorted(rows[start : start + count]) == list(range(count))


@settings(max_examples=30, deadline=None)
@given(count=st.integers(1, 40), steps=st.integers(1, 20), batch=st.integers(1, 8))
def test_steps_are_met_exactly_and_examples_evenly(count: int, steps: int, batch: int) -> None:
    spec = SftSpec(match="steps", steps=steps, batch=batch)
    rows = batch_order([1] * count, spec, seed=0)
    assert step_count(len(rows), spec) == steps
    seen = Counter(dict.fromkeys(range(count), 0))
    seen.update(rows)
    assert max(seen.values()) - min(seen.values()) <= 1


def test_the_seed_alone_decides() -> None:
    spec = SftSpec()
    assert batch_order([1] * 50, spec, seed=1) == batch_order([1] * 50, spec, seed=1)
    assert batch_order([1] * 50, spec, seed=1) != batch_order([1] * 50, spec, seed=2)
    assert batch_order([1] * 50, spec, seed=1)[:50] != batch_order([1] * 50, spec, seed=1)[50:]


def test_part_of_an_epoch() -> None:
    assert len(batch_order([1] * 10, SftSpec(epochs=0.5), seed=0)) == 5
    assert step_count(5, SftSpec(batch=4)) == 2


def test_grouping_by_length_saves_padding_and_keeps_the_batches_in_random_order() -> None:
    lengths = [random.Random(index).randint(10, 100) for index in range(203)]
    plain, grouped = (
        [[lengths[position] for position in rows[start : start + 8]] for start in range(0, len(rows), 8)]
        for rows in (batch_order(lengths, SftSpec(batch=8, group_by_length=on), seed=1) for on in (False, True))
    )
    assert [len(batch) for batch in grouped] == [8] * 50 + [6]
    padded = [sum(8 * max(batch) for batch in batches) for batches in (plain, grouped)]
    assert padded[1] < 1.2 * 2 * sum(lengths) < padded[0]
    longest = [max(batch) for batch in grouped]
    assert longest[:25] != sorted(longest[:25])
