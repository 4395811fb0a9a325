"""Examples of fine-tuning: those that fit are encoded whole, and their order depends on the seed alone."""

from __future__ import annotations

import random
import sys
from collections import Counter
from pathlib import Path

from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from refusals import refused

from noisy_student.errors import NotTrainable
from noisy_student.models.chat import Renderer
from noisy_student.models.spec import PromptSpec
from noisy_student.records import Example, Question
from noisy_student.training.sft.examples import batch_order, encode, order_matters
from noisy_student.training.specs.sft import SftSpec

sys.path.insert(0, str(Path(__file__).parents[2] / "models"))
import tiny  # noqa: E402

QUESTIONS = {"a": Question("a", "Tom has 5 apples"), "b": Question("b", "Ann has 2 pears")}
RENDERER = Renderer(tiny.word_tokenizer(), PromptSpec())


@examples(30)
@given(count=st.integers(1, 40), epochs=st.integers(1, 3), seed=st.integers(0, 99), grouped=st.booleans())
def test_every_epoch_holds_every_example_once(count: int, epochs: int, seed: int, grouped: bool) -> None:
    rows = batch_order(range(count), SftSpec(epochs=float(epochs), batch=3, group_by_length=grouped), seed=seed)
    for start in range(0, count * epochs, count):
        assert sorted(rows[start : start + count]) == list(range(count))


@examples(30)
@given(count=st.integers(1, 40), steps=st.integers(1, 20), batch=st.integers(1, 8))
def test_steps_are_met_exactly_and_examples_evenly(count: int, steps: int, batch: int) -> None:
    spec = SftSpec(match="steps", steps=steps, batch=batch)
    rows = batch_order([1] * count, spec, seed=0)
    assert spec.step_count(len(rows)) == steps
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
    assert SftSpec(batch=4).step_count(5) == 2


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


def test_a_long_example_is_left_out_whole_and_named() -> None:
    examples = [Example("a", "The answer is 5"), Example("b", "The answer is 2 . " * 9)]
    result = encode(RENDERER, examples, QUESTIONS, max_length=20)
    assert result.too_long == ("b",)
    assert [len(row.ids) for row in result.rows] == [len(RENDERER.encode(QUESTIONS["a"])) + 5]


def test_an_example_of_exactly_the_maximum_stays() -> None:
    row = RENDERER.encode_example(QUESTIONS["a"], "The answer is 5")
    assert encode(RENDERER, [Example("a", "The answer is 5")], QUESTIONS, max_length=len(row.ids)).rows == (row,)


def test_nothing_to_learn_from_is_not_trainable() -> None:
    with refused("no-examples") as caught:
        encode(RENDERER, [], QUESTIONS, max_length=20)
    assert isinstance(caught.value, NotTrainable)
    with refused("examples-too-long", "None of 1 examples") as caught:
        encode(RENDERER, [Example("a", "x")], QUESTIONS, max_length=3)
    assert isinstance(caught.value, NotTrainable)


@examples(60)
@given(
    count=st.integers(1, 12),
    batch=st.integers(1, 30),
    epochs=st.sampled_from([0.5, 1.0, 1.5, 2.0, 3.0]),
    grouped=st.booleans(),
)
def test_the_order_matters_where_some_step_gets_other_examples(
    count: int, batch: int, epochs: float, grouped: bool
) -> None:
    spec = SftSpec(epochs=epochs, batch=batch, group_by_length=grouped)

    def steps(seed: int) -> list[list[int]]:
        order = batch_order([1] * count, spec, seed=seed)
        return [sorted(order[first : first + batch]) for first in range(0, len(order), batch)]

    differs = any(steps(seed) != steps(1) for seed in range(2, 30))
    assert differs == order_matters(count, spec)
