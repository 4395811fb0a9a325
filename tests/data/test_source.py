from __future__ import annotations

import pytest
from refusals import refused

from noisy_student.data.source import Item, conflicting, digest_of, distinct, merge, question, question_id


def item(text: str, answer: str | None = None, solution: str | None = None, place: str = "") -> Item:
    return Item(question(text), answer, solution, place=place)


def test_an_id_is_the_digest_of_the_plain_text() -> None:
    assert question_id("How many?") == "ba352e24c64c7137"
    assert question_id(" How \n many? ") == question_id("How many?")
    assert question_id("Caf\u00e9") == question_id("Cafe\u0301")
    assert question_id("How many?") != question_id("how many?")


def test_the_text_of_a_question_keeps_its_lines() -> None:
    assert question(" a\n\nb ").text == "a\n\nb"


def test_the_same_question_is_kept_once_and_with_its_truth() -> None:
    merged = merge([item("a"), item("b", "2"), item("a ", "1"), item("a", "1", "so 1\n#### 1")])
    assert merged.repetitions == 2
    assert {i.question.text: (i.answer, i.solution) for i in merged.items} == {
        "a": ("1", "so 1\n#### 1"),
        "b": ("2", None),
    }


def test_merging_ignores_order() -> None:
    items = [item("a", "1", "x"), item("a", "1", "w"), item(" a"), item("b")]
    assert merge(items).items == merge(items[::-1]).items


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (0, 2, 1)])
def test_conflicting_answers_are_an_error_that_names_both_places(order: tuple[int, ...]) -> None:
    items = [item("a", "1", place="f.jsonl:1"), item("a", None, place="f.jsonl:2"), item("a", "2", place="f.jsonl:7")]
    with refused("conflicting-answers", '"a"', "1 at f.jsonl:1", "2 at f.jsonl:7"):
        merge(items[place] for place in order)


def test_a_digest_sees_the_truth_and_not_the_order_or_the_place() -> None:
    one, two = item("a", "1", place="x:1"), item("b", "2")
    assert digest_of([one, two]) == digest_of([two, item("a", "1", place="y:9")])
    assert digest_of([one, two]) != digest_of([two, item("a", "3")])


COPIES = ["How many pens?", "HOW MANY PENS?", "How  many\npens? ", "How many pe\u00adns?", "How many\u200b pens?"]


@pytest.mark.parametrize("copy", COPIES[1:])
def test_copies_in_another_case_or_spacing_are_one_question(copy: str) -> None:
    merged = merge([item(COPIES[0], "3"), item(copy, "3"), item(copy)])
    assert (len(merged.items), merged.repetitions) == (1, 2)
    assert merge([item(copy, "3"), item(COPIES[0], "3")]).items == merge([item(COPIES[0], "3"), item(copy, "3")]).items


@pytest.mark.parametrize("copy", COPIES)
def test_a_copy_with_another_answer_is_named_by_line(copy: str) -> None:
    items = [item(COPIES[0], "3", place="f.jsonl:1"), item(copy, "4", place="f.jsonl:9")]
    with refused("conflicting-answers", "3 at f.jsonl:1", "4 at f.jsonl:9"):
        merge(items)
    assert conflicting(items) == {one.question.id for one in items}
    assert conflicting([item(COPIES[0], "3"), item(copy, "3"), item("b", "4")]) == set()


@pytest.mark.parametrize("other", ["How many pen?", "How many pens", "How many 3 pens?", "x\u00b2 pens?"])
def test_other_questions_are_no_copies(other: str) -> None:
    assert merge([item(COPIES[0], "3"), item("x2 pens?", "3"), item(other, "4")]).repetitions == 0


def test_distinct_questions_keep_the_order_of_the_file() -> None:
    found = distinct([item("b"), item("a", "1"), item("B"), item("b ", "2")])
    assert [(one.question.text, one.answer) for one in found] == [("b", "2"), ("a", "1"), ("B", None)]
