"""Laws of the split: its parts are disjoint and of the size asked for, order counts for nothing, test stays unseen."""

from __future__ import annotations

from itertools import combinations

from examples import examples
from hypothesis import assume, given
from hypothesis import strategies as st

from noisy_student.data.overlap import OverlapIndex
from noisy_student.data.source import Item, question
from noisy_student.data.splits import Sizes, Sources, Split, limited, manifest, split
from noisy_student.errors import UserError

WORDS = ("Tom", "buys", "eggs", "sells", "two", "packs", "12", "7", "more")


def made(text: str) -> Item:
    return Item(question(text), answer=str(len(text.split())))


def parts_of(parts: Split) -> list[set[str]]:
    return [{item.question.id for item in part} for part in (parts.labeled, parts.dev, parts.unlabeled, parts.test)]


def attempt(sources: Sources, sizes: Sizes, run_seed: int) -> Split | None:
    """The split, or None where too many questions repeat each other."""
    try:
        return split(sources, sizes, run_seed=run_seed)
    except UserError:
        return None


def told(number: int) -> str:
    """A short story for each number; neighbours differ in their last word only."""
    digits = []
    while number:
        number, digit = divmod(number, len(WORDS))
        digits.append(WORDS[digit])
    return " ".join(["Ana", *reversed(digits)])


stories = st.lists(st.integers(0, 9**7), min_size=14, max_size=40) | st.lists(
    st.integers(0, 60), min_size=40, max_size=60
)
items = stories.map(lambda numbers: [made(told(number)) for number in numbers])
sizes = st.builds(Sizes, labeled=st.integers(2, 9), unlabeled=st.integers(1, 6), test=st.integers(1, 4))
run_seeds = st.integers(0, 2**31)
modest = examples(25)


@modest
@given(items, sizes, run_seeds)
def test_parts_are_disjoint_and_of_the_size_asked_for(items: list[Item], sizes: Sizes, run_seed: int) -> None:
    parts = attempt(Sources(items), sizes, run_seed)
    assume(parts is not None)
    assert parts is not None  # for mypy
    named = parts_of(parts)
    assert [len(part) for part in named] == [sizes.labeled - sizes.dev, sizes.dev, sizes.unlabeled, sizes.test]
    assert all(not one & other for one, other in combinations(named, 2))


@modest
@given(items, items, sizes, run_seeds)
def test_nothing_in_the_training_side_repeats_a_test_question(
    items: list[Item], more: list[Item], sizes: Sizes, run_seed: int
) -> None:
    for sources in (Sources(items), Sources(items, unlabeled=more), Sources(items, test=more)):
        parts = attempt(sources, sizes, run_seed)
        if parts is not None:
            index = OverlapIndex(parts.test)
            assert all(index.find(item) is None for item in (*parts.labeled, *parts.dev, *parts.unlabeled))


@modest
@given(items, items, sizes, run_seeds, st.integers(0, 100))
def test_the_order_of_a_file_does_not_matter(
    items: list[Item], more: list[Item], sizes: Sizes, run_seed: int, turn: int
) -> None:
    shuffled = sorted(items, key=lambda item: (hash((turn, len(item.question.text))), item.question.text[::-1]))
    one = attempt(Sources(items, unlabeled=more), sizes, run_seed)
    other = attempt(Sources(shuffled, unlabeled=more[::-1]), sizes, run_seed)
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert manifest(one) == manifest(other)
        assert [item.question.id for item in one.unlabeled] == [item.question.id for item in other.unlabeled]


@modest
@given(run_seeds, run_seeds)
def test_another_seed_gives_another_split(one: int, other: int) -> None:
    assume(one != other)
    many = [made(f"What is {n} times {n}?") for n in range(80)]
    plan = Sizes(labeled=20, unlabeled=20, test=10)
    first, second = (parts_of(split(Sources(many), plan, run_seed=run_seed)) for run_seed in (one, other))
    assert first != second


@modest
@given(sizes, st.integers(4, 30))
def test_a_limit_is_kept_and_leaves_no_part_empty(sizes: Sizes, limit: int) -> None:
    shrunk = limited(sizes, limit)
    assert shrunk.labeled + shrunk.unlabeled + shrunk.test <= max(limit, 4)
    assert all(
        min(1, size) <= small <= size
        for small, size in zip(shrunk.model_dump().values(), sizes.model_dump().values(), strict=True)
    )
    assert 0 < shrunk.dev < shrunk.labeled
