from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from noisy_student.training.order import order, step_count
from noisy_student.training.spec import SftSpec


@settings(max_examples=30, deadline=None)
@given(count=st.integers(1, 40), epochs=st.integers(1, 3), seed=st.integers(0, 99))
def test_every_epoch_holds_every_example_once(count: int, epochs: int, seed: int) -> None:
    rows = order(count, SftSpec(epochs=float(epochs)), seed=seed)
    for start in range(0, count * epochs, count):
        assert sorted(rows[start : start + count]) == list(range(count))


@settings(max_examples=30, deadline=None)
@given(count=st.integers(1, 40), steps=st.integers(1, 20), batch=st.integers(1, 8))
def test_steps_are_met_exactly_and_examples_evenly(count: int, steps: int, batch: int) -> None:
    spec = SftSpec(match="steps", steps=steps, batch=batch)
    rows = order(count, spec, seed=0)
    assert step_count(len(rows), spec) == steps
    seen = Counter(dict.fromkeys(range(count), 0))
    seen.update(rows)
    assert max(seen.values()) - min(seen.values()) <= 1


def test_the_seed_alone_decides() -> None:
    spec = SftSpec()
    assert order(50, spec, seed=1) == order(50, spec, seed=1)
    assert order(50, spec, seed=1) != order(50, spec, seed=2)
    assert order(50, spec, seed=1)[:50] != order(50, spec, seed=1)[50:]


def test_part_of_an_epoch() -> None:
    assert len(order(10, SftSpec(epochs=0.5), seed=0)) == 5
    assert step_count(5, SftSpec(batch=4)) == 2
