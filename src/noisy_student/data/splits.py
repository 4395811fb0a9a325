"""Sources in, four parts out: labeled, dev, unlabeled and test, the same whatever the order of the files.

A fifth, of foreign questions, is chosen after them (``foreign``), since it may repeat none of theirs.

Questions are ranked by a seed of their own. Test comes first; what repeats a test question leaves the training side;
the labeled budget is taken from the front of what is left (every fifth of it is dev, which no arm trains on) and
unlabeled from the back. So another labeled budget moves no unlabeled question as long as the two do not meet, and a
smaller part is the beginning of a larger one.
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
"""Every fifth question of the labeled budget, from the second on, goes to dev (design section 1)."""

SMALLEST = {"labeled": 2, "unlabeled": 1, "test": 1, "foreign": 0}
"""A labeled budget of two is one question to learn from and one for dev; foreign ones are there where asked for."""


class Sizes(Strict):
    """How many questions each part gets; ``labeled`` is the budget that dev is taken from."""

    labeled: int
    """Questions with answers: four fifths to learn from, one fifth for dev."""
    unlabeled: int
    """Questions whose answers, if known, go to the key only."""
    test: int
    """Questions that only the final grade reads."""
    foreign: int = 0
    """Questions of another kind to vote on."""

    @property
    def dev(self) -> int:
        """The part of the labeled budget that no arm is trained on."""
        return (self.labeled + DEV_EVERY - 2) // DEV_EVERY


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the parts come from; None means a share of ``labeled``."""

    labeled: Sequence[Item]
    unlabeled: Sequence[Item] | None = None
    test: Sequence[Item] | None = None


@dataclass(frozen=True, slots=True)
class Split:
    """The four parts, what was left out because it repeats a test question, and the digests of the sources.

    ``repetitions`` counts, for each source, the rows dropped because the source holds their question already.
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
    """The sizes shrunk in proportion until at most ``limit`` questions are used in all; none is left empty.

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
        asked = ("one for dev", "one foreign") if sizes.foreign else ("one for dev",)
        raise UserError(
            f"A limit of {limit} questions is too small.",
            why=f"A split needs a question to learn from, {', '.join(asked)}, one unlabeled and one for the test.",
            do=f"Use --limit {least} or more.",
        )
    shrunk = {name: max(smallest[name], size * limit // whole) for name, size in sizes.model_dump().items()}
    while sum(shrunk.values()) > limit:
        shrunk[max(shrunk, key=lambda name: shrunk[name] - smallest[name])] -= 1
    return Sizes(**shrunk)


def split(sources: Sources, sizes: Sizes, *, run_seed: int) -> Split:
    """The four parts for one seed; raises UserError for empty parts, too few questions and conflicting answers."""
    _check(sizes)
    given = {name: merge(items) for name, items in _given(sources).items()}
    _require_one_truth([item for merged in given.values() for item in merged.items])
    ranked = {name: _ranked(merged.items, run_seed) for name, merged in given.items()}
    test = _take(ranked.get("test", ranked["labeled"]), sizes.test, "test", lost="")
    tested = set() if "test" in given else {item.question.id for item in test}
    overlap = OverlapIndex(test)
    front = _clear([item for item in ranked["labeled"] if item.question.id not in tested], overlap)
    budget = _take(front.kept, sizes.labeled, "labeled", lost=_lost(front, len(tested), 0))
    taken = {item.question.id for item in budget}
    back = _clear(ranked["unlabeled"], overlap) if "unlabeled" in given else front
    free = [item for item in reversed(back.kept) if item.question.id not in taken]
    lost = _lost(back, len(tested) if back is front else 0, len(back.kept) - len(free))
    removed = {removal.question_id: removal for removal in (*front.removed, *back.removed)}
    return Split(
        run_seed=run_seed,
        labeled=tuple(item for place, item in enumerate(budget) if place % DEV_EVERY != 1),
        dev=tuple(item for place, item in enumerate(budget) if place % DEV_EVERY == 1),
        unlabeled=_take(free, sizes.unlabeled, "unlabeled", lost=lost),
        test=test,
        removed=tuple(removed[name] for name in sorted(removed)),
        repetitions={name: merged.repetitions for name, merged in given.items()},
        sources={name: digest_of(merged.items) for name, merged in given.items()},
    )


def gold_labels(parts: Split) -> tuple[Label, ...]:
    """The labels that the labeled part may be trained on."""
    return tuple(Label(item.question.id, _known(item), item.solution, "gold") for item in parts.labeled)


def dev_labels(parts: Split) -> tuple[Label, ...]:
    """The answers by which learning rates are chosen; no student is trained on them."""
    return tuple(Label(item.question.id, _known(item), None, "gold") for item in parts.dev)


def views(parts: Split) -> tuple[Question, ...]:
    """The other wordings of the questions to learn from, under the ids of those; sorted by id."""
    learned = sorted((*parts.labeled, *parts.unlabeled), key=lambda item: item.question.id)
    return tuple(Question(item.question.id, item.paraphrase) for item in learned if item.paraphrase is not None)


def answer_key(parts: Split) -> AnswerKey:
    """The truth of dev, test and, where it is known, of unlabeled and foreign questions."""
    hidden = (*parts.dev, *parts.unlabeled, *parts.test, *(parts.foreign.items if parts.foreign else ()))
    return AnswerKey(
        {i.question.id: KeyEntry(i.question.id, i.answer, i.solution) for i in hidden if i.answer is not None}
    )


def manifest(parts: Split) -> dict[str, Any]:
    """What the split is made of, as JSON: counts, digests of parts and sources, what was left out, and its own digest.

    A part's digest covers ids and texts, so it is the same with and without the truth.
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


@dataclass(frozen=True, slots=True)
class _Cleared:
    """Ranked questions without those that repeat a test question."""

    kept: tuple[Item, ...]
    removed: tuple[Removal, ...]


def _check(sizes: Sizes) -> None:
    for name, least in SMALLEST.items():
        size = getattr(sizes, name)
        if size < least:
            raise UserError(
                f"data.{name} = {size} leaves a part of the split empty.",
                why="The labeled budget also feeds dev, a fifth of it." if name == "labeled" else "",
                do=f"Set data.{name} to {least} or more.",
            )


def _given(sources: Sources) -> dict[str, Sequence[Item]]:
    every = {"labeled": sources.labeled, "unlabeled": sources.unlabeled, "test": sources.test}
    return {name: items for name, items in every.items() if items is not None}


def _require_one_truth(items: Sequence[Item]) -> None:
    """Two sources may hold the same question, but not two answers to it."""
    seen: dict[str, Item] = {}
    for item in (item for item in items if item.answer is not None):
        require_agreement(seen.setdefault(item.question.id, item), item)


def _ranked(items: Sequence[Item], run_seed: int) -> list[Item]:
    return sorted(items, key=lambda item: (seeds.seed(run_seed, "split", item.question.id), item.question.id))


def _clear(items: Sequence[Item], overlap: OverlapIndex) -> _Cleared:
    found = [(item, overlap.find(item) or _find_view(item, overlap)) for item in items]
    return _Cleared(
        tuple(item for item, removal in found if removal is None),
        tuple(removal for _, removal in found if removal is not None),
    )


def _find_view(item: Item, overlap: OverlapIndex) -> Removal | None:
    """Why an item may not be trained on in its other wording; the text of the removal is that wording."""
    if item.paraphrase is None:
        return None
    found = overlap.find(replace(item, question=question(item.paraphrase)))
    return None if found is None else replace(found, question_id=item.question.id)


def _take(items: Sequence[Item], size: int, part: str, *, lost: str) -> tuple[Item, ...]:
    if size > len(items):
        lower = f"Lower data.{part} to {len(items)}, use --limit, or give" if len(items) >= SMALLEST[part] else "Give"
        raise UserError(
            f"data.{part} = {size}, but only {len(items)} questions are there for it{lost}.",
            why="No question may stand in two parts, and none of the training side may repeat a test question.",
            do=f"{lower} more questions.",
        )
    return tuple(items[:size])


def _lost(cleared: _Cleared, tested: int, taken: int) -> str:
    """Where the other questions of a source went, for the message that there are too few."""
    counts = {
        "in test": tested,
        "in labeled and dev": taken,
        "left out for repeating a test question": len(cleared.removed),
    }
    named = [f"{count} {what}" for what, count in counts.items() if count]
    runs = [removal.shared for removal in cleared.removed if removal.shared is not None]
    example = f'; shared words, for example: "{runs[0]}"' if runs else ""
    return f" ({', '.join(named)}{example})" if named else ""


def _known(item: Item) -> str:
    if item.answer is None:
        raise ValueError(f"question {item.question.id} of the labeled part has no answer")
    return item.answer


def _texts(items: Sequence[Item]) -> list[tuple[str, str]]:
    return sorted((item.question.id, item.question.text) for item in items)
