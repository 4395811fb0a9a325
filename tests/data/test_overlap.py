from __future__ import annotations

import random
import time
from fractions import Fraction

import pytest

from noisy_student.data.overlap import OverlapIndex, retold, similarity, words
from noisy_student.data.source import Item, question

STORY = (
    "Bella bought {a} stamps at the post office. Of the stamps, {e} had a snowflake design and {b} had a rose design. "
    "She gave {c} to her friend Tom, who already had {d}. How many stamps do Bella and Tom have in all?"
)
BELLA = STORY.format(a=31, b=9, c=13, d=4, e=15)


def item(text: str, structure: str | None = None) -> Item:
    return Item(question(text), structure=structure)


def found(text: str, test: str) -> str | None:
    removal = OverlapIndex([item(test), item("What is 7 + 9?")]).find(item(text))
    return None if removal is None else removal.reason


def test_words_keep_numbers_and_signs() -> None:
    assert words("A $1,200.50 coat: 50% off!") == ("a", "1200.50", "coat", "50", "%", "off")
    assert words("12-page, 3 - 1, well-known") == ("12", "page", "3", "-", "1", "well", "known")
    assert words("Ana\u2019s \uff11\uff12") == ("anas", "12")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (BELLA, "exact"),
        (BELLA.upper().replace(".", " ;").replace(" ", "  "), "exact"),
        (BELLA.replace("stamps", "st\u00adamps").replace("She", "S\u200bhe"), "exact"),
        (BELLA.replace("friend", "cousin"), "near"),
        (BELLA.replace("a rose design", "roses"), "near"),
        (STORY.format(a=50, b=20, c=6, d=11, e=17), None),
        ("Tom collects stamps. How many stamps do Bella and Tom have in all?", None),
    ],
)
def test_true_repetitions_are_found_and_other_numbers_pass(text: str, reason: str | None) -> None:
    assert found(text, BELLA) == reason


def test_a_shared_run_of_13_words_is_found_and_named() -> None:
    run = "one two three four five six seven eight nine ten eleven twelve thirteen"
    test = f"Ann counts {run} and stops. Which word came last?"
    removal = OverlapIndex([item(test)]).find(
        item(f"Here is a quite different story about Ben: {run}! Who spoke here?")
    )
    assert removal is not None
    assert (removal.reason, removal.shared) == ("shared-run", run)
    assert removal.similarity is not None and removal.similarity < 0.8
    assert found(f"A different story. {run.rpartition(' ')[0]}.", test) is None


def test_short_questions_differ_by_one_number_or_sign() -> None:
    assert found("What is 7 + 9 ?", BELLA) == "exact"
    assert found("What is 7 - 9?", BELLA) is None
    assert found("What is 8 + 9?", BELLA) is None
    assert found("7", "7!") == "exact"
    assert found("\u2660", "\u2665") is None


def test_generated_questions_are_compared_by_structure_alone() -> None:
    index = OverlapIndex([item("Tom has 4 eggs and buys 3.", "4 gain:3")])
    same = index.find(item("Ana had 4 pens. She got 3 more.", "4 gain:3"))
    assert same is not None and (same.reason, same.similarity) == ("structure", None)
    assert index.find(item("Tom has 4 eggs, and buys 3.", "3 gain:4")) is None
    assert index.find(item("Tom has 4 eggs, and buys 3.")) is not None


def test_the_most_similar_test_question_is_named_then_the_smallest_id() -> None:
    close = item(BELLA.replace("office", "shop"))
    closer = item(BELLA.replace("31", "31,000").replace("in all", "in all now"))
    wanted = item(BELLA.replace("in all", "in all now"))
    removal = OverlapIndex([close, closer]).find(wanted)
    rates = {i.question.id: similarity(i.question.text, wanted.question.text) for i in (close, closer)}
    assert removal is not None
    assert removal.other_id == max(rates, key=lambda name: rates[name])
    assert removal.similarity == float(max(rates.values()))


def test_the_index_finds_what_comparing_all_pairs_finds() -> None:
    chance = random.Random(7)
    test = [" ".join(chance.choices("abcdef", k=chance.randint(1, 12))) for _ in range(80)]
    train = (
        [text + " zz" for text in test] + [text[2:] for text in test] + [text.replace("a b", "b a") for text in test]
    )
    index = OverlapIndex(item(text) for text in test)
    found = [index.find(item(text)) is not None for text in train]
    assert found == [max(similarity(text, other) for other in test) >= Fraction(4, 5) for text in train]
    assert 0 < sum(found) < len(found)


def test_thousands_of_questions_take_seconds() -> None:
    chance = random.Random(1)
    vocabulary = ["".join(chance.choices("abcdefgh", k=4)) for _ in range(400)]
    texts = [" ".join(chance.choices(vocabulary, weights=range(1, 401), k=45)) for _ in range(3000)]
    start = time.process_time()
    index = OverlapIndex(item(text) for text in texts[:500])
    assert sum(index.find(item(text)) is not None for text in texts[490:]) == 10
    assert time.process_time() - start < 10


TOLD = "Tom has 14 pens and buys 27 more at the market. How many pens has Tom?"
RETOLD = {
    "Anna has 14 pens and buys 27 more at the market. How many pens has Anna?": True,
    "Tom, who has 14 cups, gets 27 more at the market. How many cups has he?": True,
    "Tom has 14 pens and buys 28 more at the market. How many pens has Tom?": False,
    "A train of 27 cars left with 14 of them empty; which share was that?": False,
    "Tom has 14 pens. How many pens has Tom?": False,
}


@pytest.mark.parametrize(("text", "named"), RETOLD.items())
def test_the_same_numbers_in_other_words_are_named(text: str, named: bool) -> None:
    pairs = retold([item(text)], [item("What is 7 + 9?"), item(TOLD)])
    assert [(pair.text, pair.other_text) for pair in pairs] == ([(text, TOLD)] if named else [])


def test_a_retold_question_with_another_answer_is_another_question() -> None:
    one, other = (Item(question(text), answer) for text, answer in zip(list(RETOLD)[:2], ("41", "13"), strict=True))
    assert retold([one], [other]) == []
    assert len(retold([one], [Item(other.question)])) == 1
