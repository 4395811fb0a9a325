"""Frozen records that packages exchange.

Unknown is ``None``, never 0 or an empty string. True answers of unlabeled questions are in ``answer_key`` only.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

Kind = Literal["number", "math"]
"""Type of a question's answer: a number, or LaTeX."""
Finish = Literal["eos", "answer", "length", "failed"]
Method = Literal["hashes", "boxed", "phrase", "last-number"]
Origin = Literal["gold", "vote", "revealed"]
Stopped = Literal["accept", "give_up"]
Verdict = Literal["helps", "hurts", "no-difference", "undecided"]


@dataclass(frozen=True, slots=True)
class Question:
    """A question as the model may see it, without its answer."""

    id: str
    text: str
    kind: Kind = "number"
    source: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer extracted from a text: ``canonical`` is equal for equal values, ``surface`` is the original text.

    ``strict`` answers follow a complete ``####``, or are boxed where answers are LaTeX.
    """

    canonical: str
    surface: str
    method: Method
    strict: bool


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """A text without a readable answer, and the reason."""

    reason: Literal["absent", "unreadable", "truncated", "failed"]


@dataclass(frozen=True, slots=True)
class Draw:
    """Tokens sampled from a model: ids without the prompt, natural log-probabilities, how the text ended."""

    token_ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    finish: Finish


@dataclass(frozen=True, slots=True)
class Sample:
    """The k-th text sampled for a question; ``logprob`` is the sum over its tokens, in nats."""

    question_id: str
    k: int
    text: str
    token_ids: tuple[int, ...]
    finish: Finish
    logprob: float
    seed: int
    kind: Kind = "number"
    """Type of the question's answer, which decides how the text is read."""


@dataclass(frozen=True, slots=True)
class Vote:
    """Vote count of one question; ``tally`` is sorted by count, then by answer.

    ``k`` counts every requested sample, so abstentions lower the agreement. ``votes`` is the largest count. With a
    stopping rule, ``drawn`` is the number of samples and ``stopped`` the decision; without one both are None.
    """

    question_id: str
    winner: str | None
    votes: int
    k: int
    abstained: int
    tied: bool
    tally: tuple[tuple[str, int], ...]
    drawn: int | None = None
    stopped: Stopped | None = None

    @property
    def agreement(self) -> Fraction | None:
        """Return votes for the leading answer ÷ K, exact; None unless all K samples were drawn."""
        return None if self.drawn is not None and self.drawn < self.k else Fraction(self.votes, self.k)


@dataclass(frozen=True, slots=True)
class Label:
    """An answer that a student may learn from, with a worked solution if there is one."""

    question_id: str
    answer: str
    solution: str | None
    origin: Origin
    agreement: float | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """A training example: question id and target text."""

    question_id: str
    target: str


@dataclass(frozen=True, slots=True)
class Grade:
    """Grade of one sample: ``correct`` with any extraction method, ``strict`` only with an answer after ``####``."""

    question_id: str
    k: int
    correct: bool
    strict: bool
    answer: str | None
    finish: Finish


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference A − B between two conditions, in fractions of 1, with its test.

    ``interval`` is the unadjusted 95 % interval; ``mde`` the smallest difference found with 80 % power;
    ``verdict`` is None for exploratory findings.
    """

    name: str
    a: str
    b: str
    difference: float | None
    interval: tuple[float, float] | None
    p_value: float | None
    p_adjusted: float | None
    method: str
    primary: bool
    family: str
    unit: Literal["checkpoints", "recipe"]
    seeds: int
    n: int
    margin: float | None
    mde: float | None
    verdict: Verdict | None
    withheld: str | None = None
    """Reason why a primary finding has no verdict."""


@dataclass(frozen=True, slots=True)
class MemoryRehearsal:
    """Peak bytes of one training step with the longest rows.

    ``peak`` is None if the step did not fit (with ``reason``) or the peak is unknown.
    """

    method: str
    rows: int
    tokens: int
    peak: int | None
    free: int | None
    where: str
    reason: str = ""
