"""Splits sources into labeled, dev, unlabeled and test, independently of the order of the files.

Questions are ranked by a seeded hash. Test is taken first; questions that repeat a test question are removed; the
labeled budget is taken from the front of the rest (every fifth of it is dev, never trained on) and unlabeled from the
back. No question that is trained on repeats one of dev, which chooses rates, rounds and calibrators. So another labeled
budget moves no unlabeled question while the two do not meet and dev repeats none, and a smaller part is a prefix of a
larger one. Foreign questions are chosen afterwards (``foreign``), since they must not repeat any of these.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from noisy_student import identity, seeds
from noisy_student.answer_key import AnswerKey, KeyEntry
from noisy_student.data.fields import LeftOut
from noisy_student.data.foreign import ForeignPart
from noisy_student.data.overlap import OverlapIndex, Removal, Retold, retold
from noisy_student.data.source import Item, digest_of, merge, question, require_agreement, same_text, short
from noisy_student.errors import UserError
from noisy_student.records import Label, Question
from noisy_student.strict import Strict

DEV_EVERY = 5
"""Every fifth question of the labeled budget, from the second on, goes to dev."""

SHOWN = 20
"""Retold pairs that the manifest lists."""

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
    left_out: Sequence[LeftOut] = ()
    """Rows whose answers are at fault, where the source leaves those out."""


@dataclass(frozen=True, slots=True)
class Left:
    """Number of rows left out for one reason, and the place and text of one of them."""

    count: int
    example: str


@dataclass(frozen=True, slots=True)
class Split:
    """The parts, the removed repetitions of questions of test and dev, and the digests of the sources.

    ``repetitions`` counts, for each source, the rows dropped because the source already holds their question.
    ``left_out`` names everything that is in no part for a reason, ``retold`` the training questions that have the
    numbers of a question of test or dev in other words.
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
    left_out: Mapping[str, Left] = field(default_factory=dict)
    retold: tuple[Retold, ...] = ()


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


def split(sources: Sources, sizes: Sizes, *, run_seed: int, exact: bool = True) -> Split:
    """Split the sources for one seed; raises UserError for empty parts and conflicting answers.

    Raises UserError for too few questions too, unless ``exact`` is false: then the parts are as large as they can be.
    """
    _check(sizes)
    read = {"labeled": sources.labeled, "unlabeled": sources.unlabeled, "test": sources.test}
    given = {name: merge(items) for name, items in read.items() if items is not None}
    _require_one_truth([item for merged in given.values() for item in merged.items])
    ranked = {name: _ranked(merged.items, run_seed) for name, merged in given.items()}
    test = _take(ranked.get("test", ranked["labeled"]), sizes.test, "test", lost="", exact=exact)
    tested = set() if "test" in given else {item.question.id for item in test}
    overlap = OverlapIndex(test)
    front, removed = _clear([item for item in ranked["labeled"] if item.question.id not in tested], overlap)
    candidates, removed_dev = _budget(front, sizes.labeled)
    removed += removed_dev
    budget = _take(candidates, sizes.labeled, "labeled", lost=_lost(removed, len(tested), 0), exact=exact)
    dev = budget[1::DEV_EVERY]
    taken = {same_text(item.question.text) for item in budget}
    own = "unlabeled" in given
    back, removed_back = _clear(ranked["unlabeled"], overlap) if own else (front, removed)
    gone = {removal.question_id for removal in removed_dev}
    free = [i for i in reversed(back) if same_text(i.question.text) not in taken and i.question.id not in gone]
    free, repeating = _clear(free, OverlapIndex(dev), "dev")
    lost = _lost([*removed_back, *repeating], 0 if own else len(tested), len(back) - len(free) - len(repeating))
    unlabeled = _take(free, sizes.unlabeled, "unlabeled", lost=lost, exact=exact)
    every = {removal.question_id: removal for removal in (*repeating, *removed, *removed_back)}
    learned = tuple(item for place, item in enumerate(budget) if place % DEV_EVERY != 1)
    return Split(
        run_seed=run_seed,
        labeled=learned,
        dev=dev,
        unlabeled=unlabeled,
        test=test,
        removed=tuple(every[name] for name in sorted(every)),
        repetitions={name: merged.repetitions for name, merged in given.items()},
        sources={name: digest_of(merged.items) for name, merged in given.items()},
        left_out=_left_out(
            sources, list(every.values()), [copy for merged in given.values() for copy in merged.copies]
        ),
        retold=tuple(retold((*learned, *unlabeled), (*test, *dev))),
    )


def _budget(front: Sequence[Item], size: int) -> tuple[list[Item], list[Removal]]:
    """Return the labeled budget in order, and the questions left out so that none trained on repeats one of dev."""
    dev, learned = OverlapIndex(()), OverlapIndex(())
    budget: list[Item] = []
    removed: list[Removal] = []
    for item in front:
        if len(budget) == size:
            break
        for_dev = len(budget) % DEV_EVERY == 1
        found = _repetition(item, dev) or (_repetition(item, learned) if for_dev else None)
        if found is not None:
            removed.append(replace(found, part="dev"))
            continue
        budget.append(item)
        (dev if for_dev else learned).add(item)
    return budget, removed


COPY = "a copy of another row"
REPEATS = {"test": "a repetition of a test question", "dev": "a repetition of a dev question"}


def _left_out(sources: Sources, removed: Sequence[Removal], copies: Sequence[Item]) -> dict[str, Left]:
    """Count what is in no part by reason, with an example of each."""
    every = (*sources.labeled, *(sources.unlabeled or ()), *(sources.test or ()))
    places = {item.question.id: item.place for item in every}
    rows = [(row.reason, row.place, short(row.text)) for row in sources.left_out]
    rows += [(COPY, item.place, short(item.question.text)) for item in copies]
    rows += [
        (REPEATS[r.part], places.get(r.question_id, ""), f"{short(r.text)} / {short(r.other_text)}") for r in removed
    ]
    counts = Counter(reason for reason, _, _ in rows)
    # The example does not depend on the order of the files.
    ordered = sorted(rows, key=lambda row: (row[2], row[1]), reverse=True)
    examples = {reason: f"{Path(place).name} {text}".strip() for reason, place, text in ordered}
    return {reason: Left(counts[reason], examples[reason]) for reason in sorted(counts)}


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

    A part's digest covers ids and texts, so it does not depend on the truth. The split's own covers neither examples of
    rows left out nor retold pairs.
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
    return {**body, **departures(parts), "digest": identity.digest(body)}


def departures(parts: Split) -> dict[str, Any]:
    """Return what is in no part, by reason, and the retold pairs, as JSON."""
    return {
        "left_out": {reason: asdict(left) for reason, left in parts.left_out.items()},
        "retold": {"count": len(parts.retold), "shown": [asdict(pair) for pair in parts.retold[:SHOWN]]},
    }


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
        require_agreement(seen.setdefault(same_text(item.question.text), item), item)


def _ranked(items: Sequence[Item], run_seed: int) -> list[Item]:
    return sorted(items, key=lambda item: (seeds.seed(run_seed, "split", item.question.id), item.question.id))


def _clear(
    items: Sequence[Item], overlap: OverlapIndex, part: Literal["test", "dev"] = "test"
) -> tuple[list[Item], list[Removal]]:
    """Return the items that repeat no question of a part, and the removals of the others."""
    found = [(item, _repetition(item, overlap)) for item in items]
    removed = [replace(removal, part=part) for _, removal in found if removal is not None]
    return [item for item, removal in found if removal is None], removed


def _repetition(item: Item, overlap: OverlapIndex) -> Removal | None:
    """Return the removal of an item by its text or its paraphrase; None if neither repeats a question of the index."""
    found = overlap.find(item)
    if found is not None or item.paraphrase is None:
        return found
    found = overlap.find(replace(item, question=question(item.paraphrase)))
    return None if found is None else replace(found, question_id=item.question.id)


def _take(items: Sequence[Item], size: int, part: str, *, lost: str, exact: bool) -> tuple[Item, ...]:
    if exact and size > len(items):
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
        "removed for repeating a test question": sum(removal.part == "test" for removal in removed),
        "removed for repeating a dev question": sum(removal.part == "dev" for removal in removed),
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
