from __future__ import annotations

import sys
from pathlib import Path

from refusals import refused

from noisy_student.errors import NotTrainable
from noisy_student.models.chat import Renderer
from noisy_student.models.spec import PromptSpec
from noisy_student.records import Example, Question
from noisy_student.training.sft.encode import encode

sys.path.insert(0, str(Path(__file__).parents[2] / "models"))
import tiny  # noqa: E402

QUESTIONS = {"a": Question("a", "Tom has 5 apples"), "b": Question("b", "Ann has 2 pears")}
RENDERER = Renderer(tiny.word_tokenizer(), PromptSpec())


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
