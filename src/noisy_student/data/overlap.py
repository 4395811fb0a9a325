"""Finds training questions that repeat a question of test or dev, and names those that only retell one.

Two generated questions are compared by structure alone, all others by their words: case, spacing and punctuation do not
count, numbers and arithmetic signs do. Near duplicates share a run of 13 words (Brown et al. 2020, appendix C) or four
fifths of their runs of three words. Runs separate better than words: one changed number in 50 words changes one word in
40 but three runs in 48. A story with all its numbers changed falls below .8, unless 13 words between two numbers stay;
the same story with one other word does not. Texts without spaces are compared by clauses. ``retold`` finds the same
numbers in other words.
"""

from __future__ import annotations

import functools
import math
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from noisy_student.data.choices import BY_NUMBER
from noisy_student.data.source import Item, plain_text, without_format

Reason = Literal["exact", "near", "shared-run", "structure"]
Words = tuple[str, ...]

JACCARD = Fraction(4, 5)
RUN = 13
SHINGLE = 3

_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:['\u2019][^\W\d_]+)*|[+*/=<>^%\u00d7\u00f7]|[-\u2212](?=\s*\d)")


@dataclass(frozen=True, slots=True)
class Removal:
    """A question that was left out, the question of test or dev (``part``) that it repeats, and the reason.

    ``similarity`` is the Jaccard index of their runs of three words, None for equal structures. ``shared`` is the run
    of 13 words, if that is the reason.
    """

    question_id: str
    text: str
    other_id: str
    other_text: str
    reason: Reason
    similarity: float | None
    shared: str | None = None
    part: Literal["test", "dev"] = "test"


@dataclass(frozen=True, slots=True)
class Retold:
    """A training question with the numbers of a question of test or dev, in other words; it is used all the same."""

    question_id: str
    text: str
    other_id: str
    other_text: str


def words(text: str) -> Words:
    """Return the words, numbers and arithmetic signs of a text in lower case; thousands lose their commas.

    >>> words("Tom's 1,200 eggs cost $0.5 each: 3 - 1?")
    ('toms', '1200', 'eggs', 'cost', '0.5', 'each', '3', '-', '1')
    """
    found: Iterable[str] = _WORD.findall(unicodedata.normalize("NFKC", without_format(text)).casefold())
    return tuple(re.sub(r"['\u2019]|,(?=\d)", "", word).replace("\u2212", "-") for word in found)


def similarity(one: str, other: str) -> Fraction:
    """Return the Jaccard index of the runs of three words of two texts.

    >>> similarity("Two and two?", "two AND two")
    Fraction(1, 1)
    """
    return _jaccard(_shingles(_compared(one)), _shingles(_compared(other)))


class OverlapIndex:
    """Index of test questions by structure, words, runs of three and runs of 13 words.

    If a question repeats several test questions, ``find`` names the most similar one, then the one added first: the
    smallest id of those that the index began with.
    """

    def __init__(self, test: Iterable[Item]) -> None:
        self._items: list[Item] = []
        self._ids: dict[str, int] = {}
        self._structures: dict[str, int] = {}
        self._words: dict[Words, list[int]] = {}
        self._runs: dict[Words, list[int]] = {}
        self._holders: dict[Words, list[int]] = {}
        self._shingles: list[frozenset[Words]] = []
        for item in sorted(test, key=lambda item: item.question.id):
            self.add(item)

    def add(self, item: Item) -> None:
        """Add a question."""
        index = len(self._items)
        self._items.append(item)
        self._ids[item.question.id] = index
        if item.structure is not None:
            self._structures.setdefault(item.structure, index)
        found = _compared(item.question.text)
        self._words.setdefault(found, []).append(index)
        self._shingles.append(_shingles(found))
        for shingle in self._shingles[-1]:
            self._holders.setdefault(shingle, []).append(index)
        for run in _windows(found, RUN):
            self._runs.setdefault(run, []).append(index)

    def find(self, item: Item) -> Removal | None:
        """Return the removal of ``item``, or None if it repeats no test question."""
        if item.question.id in self._ids:
            return self._removal(item, self._ids[item.question.id], "exact")
        if item.structure in self._structures:
            return self._removal(item, self._structures[item.structure], "structure")
        found = _compared(item.question.text)
        for index in self._words.get(found, ()):
            if self._comparable(item, index):
                return self._removal(item, index, "exact")
        nearest = self._nearest(item, _shingles(found))
        if nearest is not None:
            return self._removal(item, nearest, "near")
        for run in _windows(found, RUN):
            for index in self._runs.get(run, ()):
                if self._comparable(item, index):
                    return self._removal(item, index, "shared-run", shared=" ".join(run))
        return None

    def _nearest(self, item: Item, shingles: frozenset[Words]) -> int | None:
        """Return the most similar test question at or above .8.

        A set that reaches .8 misses at most a fifth of ``shingles``, so it holds one of any fifth plus one: only the
        rarest of them are looked up (prefix filter, Bayardo et al. 2007).
        """
        probes = len(shingles) - math.ceil(JACCARD * len(shingles)) + 1
        rarest = sorted(shingles, key=lambda shingle: (len(self._holders.get(shingle, ())), shingle))[:probes]
        candidates = {index for shingle in rarest for index in self._holders.get(shingle, ())}
        rated = [(-_jaccard(shingles, self._shingles[i]), i) for i in candidates if self._comparable(item, i)]
        best = min(rated, default=None)
        return best[1] if best is not None and -best[0] >= JACCARD else None

    def _comparable(self, item: Item, index: int) -> bool:
        """True if words decide: unless both questions have a structure."""
        return item.structure is None or self._items[index].structure is None

    def _removal(self, item: Item, index: int, reason: Reason, *, shared: str | None = None) -> Removal:
        other = self._items[index].question
        rate = None if reason == "structure" else float(similarity(item.question.text, other.text))
        return Removal(item.question.id, item.question.text, other.id, other.text, reason, rate, shared)


MOST_RETOLD = 50
"""Most questions with one set of numbers that are compared with each other; more of them share a template."""
RETOLD = {2: Fraction(2, 5), 3: Fraction(1, 4)}
"""Smallest share of common words of a retold pair with two numbers, and with three or more. Own choice: a few pairs are
shown for a person to judge, and none is removed."""


def retold(training: Iterable[Item], guarded: Iterable[Item]) -> list[Retold]:
    """Return the questions of ``training`` that have the numbers of a question in ``guarded`` and words in common.

    At least two numbers, and the same answer where both are known; generated questions are compared by structure.
    """
    by_numbers: dict[Words, list[Item]] = {}
    for item in guarded:
        if item.structure is None and len(numbers := _numbers(item.question.text)) > 1:
            by_numbers.setdefault(numbers, []).append(item)
    found = []
    for item in training:
        others = by_numbers.get(_numbers(item.question.text), ()) if item.structure is None else ()
        for other in others[:MOST_RETOLD]:
            if None in (item.answer, other.answer) or item.answer == other.answer:
                if not _retells(item.question.text, other.question.text):
                    continue
                asked = other.question
                found.append(Retold(item.question.id, item.question.text, asked.id, asked.text))
                break
    return found


def _numbers(text: str) -> Words:
    return tuple(sorted(word for word in words(text) if word[0].isdigit()))


def _retells(one: str, other: str) -> bool:
    first, second = (frozenset((word,) for word in words(text) if word.isalpha()) for text in (one, other))
    least = RETOLD[min(3, len(_numbers(one)))]
    return bool(first | second) and _jaccard(first, second) >= least


@functools.lru_cache(maxsize=1 << 15)
def _compared(text: str) -> Words:
    """Return the words of a text; a text of signs only is one word, else all such texts would be equal."""
    # Every question with numbered options ends in this line.
    return words(text.removesuffix(BY_NUMBER)) or (plain_text(text),)


@functools.lru_cache(maxsize=1 << 15)
def _shingles(found: Words) -> frozenset[Words]:
    """Return the runs of three words; a shorter text is one run."""
    return frozenset(_windows(found, min(SHINGLE, len(found))))


def _windows(found: Words, size: int) -> list[Words]:
    """Return the distinct runs of ``size`` words in order."""
    return list(dict.fromkeys(found[start : start + size] for start in range(len(found) - size + 1)))


def _jaccard(one: frozenset[Words], other: frozenset[Words]) -> Fraction:
    both = len(one & other)
    return Fraction(both, len(one) + len(other) - both)
