"""Splits sources into labeled, dev, unlabeled and test, independently of the order of the files.

Questions are ranked by a seeded hash. Test is taken first; questions that repeat a test question are removed; the
labeled budget is taken from the front of the rest (every fifth of it is dev, never trained on) and unlabeled from the
back. So another labeled budget moves no unlabeled question while the two do not meet, and a smaller part is a prefix of
a larger one. Foreign questions are chosen afterwards (``foreign``), since they must not repeat any of these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from noisy_student import identity, seeds
from noisy_student.answer_key import AnswerKey, KeyEntry
from noisy_student.data.foreign import ForeignPart
from noisy_student.data.overlap import OverlapIndex, Removal
from noisy_student.data.source import Item, digest_of, merge, question, require_agreement
from noisy_student.errors import UserError
from noisy_student.records import Label, Question
from noisy_student.strict import Strict

DEV_EVERY = 5
"""Every fifth question of the labeled budget, from the second on, goes to dev."""

SMALLEST = {"labeled": 2, "unlabeled": 1, "test": 1, "foreign": 0}
"""A labeled budget of two is one question to learn from and one for dev."""


class Sizes(Strict):
    """Number of questions in each part; ``labeled`` is the budget that includes dev."""

    labeled: int
    """Questions with answers: four fifths for training, one fifth for dev."""
    unlabeled: int
    """Questions whose answers, if known, go to the key only."""
    test: int
    """Questions of the final grade only."""
    foreign: int = 0
    """Questions of another kind to vote on."""

    @property
    def dev(self) -> int:
        """Number of questions of the labeled budget that go to dev."""
        return (self.labeled + DEV_EVERY - 2) // DEV_EVERY


@dataclass(frozen=True, slots=True)
class Sources:
    """Items of each part; None means a share of ``labeled``."""

    labeled: Sequence[Item]
    unlabeled: Sequence[Item] | None = None
    test: Sequence[Item] | None = None


@dataclass(frozen=True, slots=True)
class Split:
    """The parts, the removed repetitions of test questions, and the digests of the sources.

    ``repetitions`` counts, for each source, the rows dropped because the source already holds their question.
    """

    run_seed: int
    labeled: tuple[Item, ...]
    dev: tuple[Item, ...]
    unlabeled: tuple[Item, ...]
    test: tuple[Item, ...]
    removed: tuple[Removal, ...]
    repetitions: Mapping[str, int]
    sources: Mapping[str, str]
    foreign: ForeignPart | None = None


def limited(sizes: Sizes, limit: int) -> Sizes:
    """Shrink the sizes in proportion to at most ``limit`` questions in all; no part becomes empty.

    >>> limited(Sizes(labeled=1000, unlabeled=4000, test=500), 550)
    Sizes(labeled=100, unlabeled=400, test=50, foreign=0)
    """
    _check(sizes)
    whole = sum(sizes.model_dump().values())
    if limit >= whole:
        return sizes
    smallest = {**SMALLEST, "foreign": min(1, sizes.foreign)}
    least = sum(smallest.values())
    if limit < least:
        raise UserError(
            f"A limit of {limit} questions is too small.",
            why="A split needs one question for training, one for dev, one unlabeled and one for test"
            + (", and one foreign." if sizes.foreign else "."),
            do=f"Use --limit {least} or more.",
            code="limit-too-small",
        )
    shrunk = {name: max(smallest[name], size * limit // whole) for name, size in sizes.model_dump().items()}
    while sum(shrunk.values()) > limit:
        shrunk[max(shrunk, key=lambda name: shrunk[name] - smallest[name])] -= 1
    return Sizes(**shrunk)


def split(sources: Sources, sizes: Sizes, *, run_seed: int) -> Split:
    """Split the sources for one seed; raises UserError for empty parts, too few questions and conflicting answers."""
    _check(sizes)
    read = {"labeled": sources.labeled, "unlabeled": sources.unlabeled, "test": sources.test}
    given = {name: merge(items) for name, items in read.items() if items is not None}
    _require_one_truth([item for merged in given.values() for item in merged.items])
    ranked = {name: _ranked(merged.items, run_seed) for name, merged in given.items()}
    test = _take(ranked.get("test", ranked["labeled"]), sizes.test, "test", lost="")
    tested = set() if "test" in given else {item.question.id for item in test}
    overlap = OverlapIndex(test)
    front, removed = _clear([item for item in ranked["labeled"] if item.question.id not in tested], overlap)
    budget = _take(front, sizes.labeled, "labeled", lost=_lost(removed, len(tested), 0))
    taken = {item.question.id for item in budget}
    own = "unlabeled" in given
    back, removed_back = _clear(ranked["unlabeled"], overlap) if own else (front, removed)
    free = [item for item in reversed(back) if item.question.id not in taken]
    lost = _lost(removed_back, 0 if own else len(tested), len(back) - len(free))
    every = {removal.question_id: removal for removal in (*removed, *removed_back)}
    return Split(
        run_seed=run_seed,
        labeled=tuple(item for place, item in enumerate(budget) if place % DEV_EVERY != 1),
        dev=tuple(item for place, item in enumerate(budget) if place % DEV_EVERY == 1),
        unlabeled=_take(free, sizes.unlabeled, "unlabeled", lost=lost),
        test=test,
        removed=tuple(every[name] for name in sorted(every)),
        repetitions={name: merged.repetitions for name, merged in given.items()},
        sources={name: digest_of(merged.items) for name, merged in given.items()},
    )


def gold_labels(parts: Split) -> tuple[Label, ...]:
    """Return the labels of the labeled part."""
    return tuple(Label(item.question.id, _known(item), item.solution, "gold") for item in parts.labeled)


def dev_labels(parts: Split) -> tuple[Label, ...]:
    """Return the labels of dev, for tuning and gates; no student is trained on them."""
    return tuple(Label(item.question.id, _known(item), None, "gold") for item in parts.dev)


def views(parts: Split) -> tuple[Question, ...]:
    """Return the paraphrases of the training questions, under the ids of those, sorted by id."""
    learned = sorted((*parts.labeled, *parts.unlabeled), key=lambda item: item.question.id)
    return tuple(Question(item.question.id, item.paraphrase) for item in learned if item.paraphrase is not None)


def answer_key(parts: Split) -> AnswerKey:
    """Return the truth of dev, test and, if known, of unlabeled and foreign questions."""
    hidden = (*parts.dev, *parts.unlabeled, *parts.test, *(parts.foreign.items if parts.foreign else ()))
    return AnswerKey(
        {i.question.id: KeyEntry(i.question.id, i.answer, i.solution) for i in hidden if i.answer is not None}
    )


def manifest(parts: Split) -> dict[str, Any]:
    """Describe the split as JSON: counts, digests of parts and sources, removed questions, and its own digest.

    A part's digest covers ids and texts, so it does not depend on the truth.
    """
    named = {"labeled": parts.labeled, "dev": parts.dev, "unlabeled": parts.unlabeled, "test": parts.test}
    body: dict[str, Any] = {
        "schema": 1,
        "run_seed": parts.run_seed,
        "counts": {name: len(items) for name, items in named.items()},
        "parts": {name: identity.digest(_texts(items)) for name, items in named.items()},
        "sources": parts.sources,
        "repetitions": parts.repetitions,
        "removed": [asdict(removal) for removal in parts.removed],
    }
    if parts.foreign is not None:
        body["counts"]["foreign"] = len(parts.foreign.items)
        body["parts"]["foreign"] = identity.digest(_texts(parts.foreign.items))
        body["foreign"] = parts.foreign.summary
    return {**body, "digest": identity.digest(body)}


def _check(sizes: Sizes) -> None:
    for name, least in SMALLEST.items():
        size = getattr(sizes, name)
        if size < least:
            raise UserError(
                f"data.{name} = {size} leaves a part of the split empty.",
                why="A fifth of the labeled budget is dev." if name == "labeled" else "",
                do=f"Set data.{name} to {least} or more.",
                code="part-empty",
            )


def _require_one_truth(items: Sequence[Item]) -> None:
    """Raise UserError if two sources give one question different answers."""
    seen: dict[str, Item] = {}
    for item in (item for item in items if item.answer is not None):
        require_agreement(seen.setdefault(item.question.id, item), item)


def _ranked(items: Sequence[Item], run_seed: int) -> list[Item]:
    return sorted(items, key=lambda item: (seeds.seed(run_seed, "split", item.question.id), item.question.id))


def _clear(items: Sequence[Item], overlap: OverlapIndex) -> tuple[list[Item], list[Removal]]:
    """Return the items that repeat no test question, and the removals of the others."""
    found = [(item, overlap.find(item) or _find_view(item, overlap)) for item in items]
    return [item for item, removal in found if removal is None], [removal for _, removal in found if removal]


def _find_view(item: Item, overlap: OverlapIndex) -> Removal | None:
    """Return the removal of an item's paraphrase, or None; its text is the paraphrase."""
    if item.paraphrase is None:
        return None
    found = overlap.find(replace(item, question=question(item.paraphrase)))
    return None if found is None else replace(found, question_id=item.question.id)


def _take(items: Sequence[Item], size: int, part: str, *, lost: str) -> tuple[Item, ...]:
    if size > len(items):
        raise UserError(
            f"data.{part} is {size} and {len(items)} questions are available{lost}.",
            why="Parts share no question, and no training question may repeat a test question.",
            do=f"Lower data.{part} to {len(items)}, use --limit, or give more questions."
            if len(items) >= SMALLEST[part]
            else "Give more questions.",
            code="too-few-questions",
        )
    return tuple(items[:size])


def _lost(removed: Sequence[Removal], tested: int, taken: int) -> str:
    """Explain where the other questions of a source went."""
    counts = {
        "in test": tested,
        "in labeled and dev": taken,
        "removed for repeating a test question": len(removed),
    }
    named = [f"{count} {what}" for what, count in counts.items() if count]
    runs = [removal.shared for removal in removed if removal.shared is not None]
    example = f'; shared words, for example: "{runs[0]}"' if runs else ""
    return f" ({', '.join(named)}{example})" if named else ""


def _known(item: Item) -> str:
    if item.answer is None:
        raise ValueError(f"question {item.question.id} of the labeled part has no answer")
    return item.answer


def _texts(items: Sequence[Item]) -> list[tuple[str, str]]:
    return sorted((item.question.id, item.question.text) for item in items)
