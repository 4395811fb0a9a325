from __future__ import annotations

import dataclasses
import json

import pytest
from refusals import refused

from noisy_student.data.fields import LeftOut
from noisy_student.data.overlap import OverlapIndex
from noisy_student.data.source import Item, question
from noisy_student.data.splits import (
    COPY,
    REPEATS,
    Sizes,
    Sources,
    Split,
    answer_key,
    gold_labels,
    limited,
    manifest,
    split,
)


def numbered(first: int, last: int, *, answered: bool = True) -> list[Item]:
    return [Item(question(f"What is {n} + {n}?"), str(2 * n) if answered else None) for n in range(first, last)]


def ids(items: tuple[Item, ...]) -> set[str]:
    return {item.question.id for item in items}


def parts_of(parts: Split) -> list[set[str]]:
    return [ids(parts.labeled), ids(parts.dev), ids(parts.unlabeled), ids(parts.test)]


SIZES = Sizes(labeled=20, unlabeled=30, test=10)


def test_a_fifth_of_the_labeled_budget_is_dev() -> None:
    parts = split(Sources(numbered(0, 100)), SIZES, run_seed=1)
    assert [len(part) for part in parts_of(parts)] == [16, 4, 30, 10]
    assert [Sizes(labeled=n, unlabeled=1, test=1).dev for n in (2, 5, 7, 10, 1000)] == [1, 1, 2, 2, 200]


def test_sources_of_their_own_are_used() -> None:
    sources = Sources(numbered(0, 50), unlabeled=numbered(100, 150, answered=False), test=numbered(200, 250))
    parts = split(sources, SIZES, run_seed=1)
    assert ids(parts.labeled) | ids(parts.dev) <= ids(tuple(sources.labeled))
    assert ids(parts.unlabeled) <= ids(tuple(numbered(100, 150)))
    assert ids(parts.test) <= ids(tuple(numbered(200, 250)))
    assert set(answer_key(parts)) == ids(parts.dev) | ids(parts.test)


def test_labels_are_for_labeled_only_and_the_key_has_the_rest() -> None:
    parts = split(Sources(numbered(0, 100)), SIZES, run_seed=1)
    labels = gold_labels(parts)
    assert {label.question_id for label in labels} == ids(parts.labeled)
    assert {label.origin for label in labels} == {"gold"}
    key = answer_key(parts)
    assert set(key) == ids(parts.dev) | ids(parts.unlabeled) | ids(parts.test)
    item = parts.unlabeled[0]
    assert key[item.question.id].answer == item.answer


def test_what_repeats_a_test_question_is_removed_and_listed() -> None:
    test = numbered(200, 210)
    copies = [Item(question(item.question.text.upper()), item.answer) for item in test[:3]]
    parts = split(Sources(numbered(0, 60) + copies, test=test), SIZES, run_seed=3)
    assert {removal.question_id for removal in parts.removed} == ids(tuple(copies))
    assert {removal.other_id for removal in parts.removed} == ids(tuple(test[:3]))
    assert not ids(parts.labeled + parts.dev + parts.unlabeled) & ids(tuple(copies))


def test_an_unlabeled_source_may_hold_the_labeled_questions() -> None:
    parts = split(Sources(numbered(0, 40), unlabeled=numbered(0, 80), test=numbered(90, 100)), SIZES, run_seed=1)
    assert not (ids(parts.labeled) | ids(parts.dev)) & ids(parts.unlabeled)


def test_a_smaller_part_is_within_the_larger() -> None:
    small = split(Sources(numbered(0, 100)), Sizes(labeled=10, unlabeled=12, test=10), run_seed=1)
    large = split(Sources(numbered(0, 100)), SIZES, run_seed=1)
    assert all(one <= other for one, other in zip(parts_of(small), parts_of(large), strict=True))
    assert large.unlabeled[:12] == small.unlabeled


def test_two_sources_with_two_answers_to_a_question_are_an_error() -> None:
    wrong = [Item(question("What is 3 + 3?"), "7")]
    with refused("conflicting-answers", "6", "7"):
        split(Sources(numbered(0, 50), unlabeled=numbered(0, 90, answered=False), test=wrong), SIZES, run_seed=1)


@pytest.mark.parametrize(
    ("sizes", "code", "values"),
    [
        (Sizes(labeled=1, unlabeled=1, test=1), "part-empty", ["data.labeled = 1", "to 2 or more"]),
        (Sizes(labeled=2, unlabeled=0, test=1), "part-empty", ["data.unlabeled = 0"]),
        (Sizes(labeled=2, unlabeled=1, test=-1), "part-empty", ["data.test = -1"]),
        (Sizes(labeled=2, unlabeled=1, test=101), "too-few-questions", ["data.test is 101", "Lower data.test to 100"]),
        (Sizes(labeled=91, unlabeled=1, test=10), "too-few-questions", ["data.labeled is 91 and 90", "(10 in test)"]),
        (
            Sizes(labeled=80, unlabeled=11, test=10),
            "too-few-questions",
            ["data.unlabeled is 11 and 10", "(10 in test, 80 in labeled and dev)"],
        ),
    ],
)
def test_a_split_that_cannot_be_is_explained(sizes: Sizes, code: str, values: list[str]) -> None:
    with refused(code, *values):
        split(Sources(numbered(0, 100)), sizes, run_seed=1)


def test_an_opening_that_all_questions_share_is_shown() -> None:
    opening = "solve this problem with care and write every step that you take down please"
    items = [Item(question(f"{opening}: {item.question.text}"), item.answer) for item in numbered(0, 100)]
    with refused("too-few-questions", "90 removed", 'for example: "solve this problem'):
        split(Sources(items), SIZES, run_seed=1)


def test_labeled_questions_without_an_answer_are_a_bug_of_the_caller() -> None:
    with pytest.raises(ValueError, match="has no answer"):
        gold_labels(split(Sources(numbered(0, 100, answered=False)), SIZES, run_seed=1))


@pytest.mark.parametrize(
    ("limit", "shrunk"), [(5500, (1000, 4000, 500)), (9999, (1000, 4000, 500)), (55, (10, 40, 5)), (4, (2, 1, 1))]
)
def test_a_limit_shrinks_in_proportion(limit: int, shrunk: tuple[int, int, int]) -> None:
    sizes = limited(Sizes(labeled=1000, unlabeled=4000, test=500), limit)
    assert (sizes.labeled, sizes.unlabeled, sizes.test) == shrunk


def test_a_limit_below_one_each_is_an_error() -> None:
    with refused("limit-too-small", "3 questions"):
        limited(SIZES, 3)


def test_the_manifest_is_json_and_its_digests_see_what_they_cover() -> None:
    sources = Sources(numbered(0, 100))
    parts = split(sources, SIZES, run_seed=1)
    page = manifest(parts)
    assert json.loads(json.dumps(page)) == page
    assert page["counts"] == {"labeled": 16, "dev": 4, "unlabeled": 30, "test": 10}
    assert page == manifest(split(sources, SIZES, run_seed=1))
    blind = dataclasses.replace(
        parts, unlabeled=tuple(dataclasses.replace(item, answer=None) for item in parts.unlabeled)
    )
    assert manifest(blind)["parts"] == page["parts"]
    other = manifest(split(sources, SIZES, run_seed=2))
    assert other["sources"] == page["sources"]
    assert all(other["parts"][name] != page["parts"][name] for name in page["parts"])
    assert other["digest"] != page["digest"]


def copied(count: int) -> list[Item]:
    """Questions in pairs that differ by one word of many."""
    texts = [f"On day {n} Ann found {3 * n} pens near the old mill and gave {n} to Bo. How many?" for n in range(count)]
    return [Item(question(text.replace("Bo", other)), str(n)) for n, text in enumerate(texts) for other in ("Bo", "Cy")]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_question_trained_on_repeats_one_of_dev(seed: int) -> None:
    items = copied(60)
    parts = split(Sources(items, test=numbered(200, 210)), Sizes(labeled=40, unlabeled=30, test=10), run_seed=seed)
    index = OverlapIndex(parts.dev)
    assert [item for item in (*parts.labeled, *parts.unlabeled) if index.find(item) is not None] == []
    assert [len(part) for part in (parts.labeled, parts.dev, parts.unlabeled)] == [32, 8, 30]
    removed = [removal for removal in parts.removed if removal.part == "dev"]
    assert 0 < len(removed) == parts.left_out[REPEATS["dev"]].count
    assert {removal.other_id for removal in removed} <= ids(parts.dev) | ids(parts.labeled)


def test_an_unlabeled_file_is_cleared_of_dev_too() -> None:
    copies = [Item(question(item.question.text.upper())) for item in numbered(0, 20)]
    more = numbered(300, 350, answered=False)
    sources = Sources(numbered(0, 20), unlabeled=[*copies, *more], test=numbered(200, 210))
    parts = split(sources, Sizes(labeled=20, unlabeled=50, test=10), run_seed=1)
    assert ids(parts.unlabeled) == ids(tuple(more))


def test_copies_within_the_test_count_once() -> None:
    test = [dataclasses.replace(item, place="a/t.jsonl:7") for item in numbered(200, 210)]
    copies = [Item(question(item.question.text.upper()), item.answer, place="a/t.jsonl:7") for item in test]
    parts = split(Sources(numbered(0, 60), test=[*test, *copies]), SIZES, run_seed=1)
    assert len({item.question.text.casefold() for item in parts.test}) == 10
    assert parts.left_out[COPY].count == 10
    assert parts.left_out[COPY].example.startswith("t.jsonl:7 ")
    with refused("too-few-questions", "data.test is 11", "10"):
        split(Sources(numbered(0, 60), test=[*test, *copies]), Sizes(labeled=20, unlabeled=30, test=11), run_seed=1)


def test_a_copy_in_another_case_with_another_answer_is_refused_across_parts() -> None:
    wrong = [Item(question("WHAT IS 3 + 3?"), "7", place="t.jsonl:1")]
    with refused("conflicting-answers", "7 at t.jsonl:1"):
        split(Sources(numbered(0, 50), test=[*wrong, *numbered(60, 80)]), SIZES, run_seed=1)


def test_what_is_left_out_is_counted_and_shown_in_the_manifest() -> None:
    rows = [LeftOut("an answer that cannot be read", "/a/b/q.jsonl:3", "5 or 6")]
    test = [Item(question("Tom has 14 pens and buys 27 more. How many pens has Tom?"), "41"), *numbered(200, 210)]
    told = Item(question("Anna has 14 pens and buys 27 more. How many pens has Anna?"), "41")
    sources = Sources(numbered(0, 5), unlabeled=[told, *numbered(20, 60)], test=test, left_out=rows)
    page = manifest(split(sources, Sizes(labeled=5, unlabeled=41, test=11), run_seed=1))
    assert page["left_out"] == {"an answer that cannot be read": {"count": 1, "example": "q.jsonl:3 5 or 6"}}
    assert page["retold"]["count"] == 1
    assert page["retold"]["shown"][0]["other_text"] == test[0].question.text


def test_parts_are_as_large_as_they_can_be_where_that_is_asked() -> None:
    parts = split(Sources(numbered(0, 30)), Sizes(labeled=10, unlabeled=99, test=10), run_seed=1, exact=False)
    assert [len(part) for part in parts_of(parts)] == [8, 2, 10, 10]
