"""The nouns on the arrows: frozen records that every package passes and none of them owns.

Unknown is ``None``, never 0 or an empty string. The truth of unlabeled questions is not here: see ``answer_key``.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

Kind = Literal["number", "math"]
"""What the answer to a question is: a number, or LaTeX."""
Finish = Literal["eos", "answer", "length", "failed"]
Method = Literal["hashes", "boxed", "phrase", "last-number"]
Origin = Literal["gold", "vote", "revealed"]
Stopped = Literal["accept", "give_up"]
Verdict = Literal["helps", "hurts", "no-difference", "undecided"]


@dataclass(frozen=True, slots=True)
class Question:
    """A question as the model may see it; it has no answer."""

    id: str
    text: str
    kind: Kind = "number"
    source: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer found in a text: ``canonical`` merges equal values, ``surface`` is what was written.

    ``strict`` says that it stood after a complete ``####``, or in a box where the answer is LaTeX.
    """

    canonical: str
    surface: str
    method: Method
    strict: bool


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """No answer could be read, and why: nothing there, a value that is no number, or a sample cut off."""

    reason: Literal["absent", "unreadable", "truncated", "failed"]


@dataclass(frozen=True, slots=True)
class Draw:
    """Tokens drawn from a model: ids without the prompt, their natural log-probabilities, how it finished."""

    token_ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    finish: Finish


@dataclass(frozen=True, slots=True)
class Sample:
    """The k-th text drawn for a question; ``logprob`` is the sum over its tokens, in nats."""

    question_id: str
    k: int
    text: str
    token_ids: tuple[int, ...]
    finish: Finish
    logprob: float
    seed: int
    kind: Kind = "number"
    """What its question asks for, so that whoever reads the text knows."""


@dataclass(frozen=True, slots=True)
class Vote:
    """The tally of one question's answers; ``tally`` is sorted by count, then by answer.

    ``k`` counts every sample asked for, so abstentions lower the agreement. ``votes`` is the largest count. Where a
    rule decided when to stop, ``drawn`` is how many samples there are and ``stopped`` how it ended; else both are
    None.
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
        """Votes for the leading answer ÷ K, exact; None where not all K were drawn, since it would be another share."""
        return None if self.drawn is not None and self.drawn < self.k else Fraction(self.votes, self.k)


@dataclass(frozen=True, slots=True)
class Label:
    """An answer that a student may learn from, with the worked text that leads to it, if there is one."""

    question_id: str
    answer: str
    solution: str | None
    origin: Origin
    agreement: float | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """An example of fine-tuning: the question's id and the target text."""

    question_id: str
    target: str


@dataclass(frozen=True, slots=True)
class Grade:
    """One sample against the key: ``correct`` by any way of reading the answer, ``strict`` only after ``####``."""

    question_id: str
    k: int
    correct: bool
    strict: bool
    answer: str | None
    finish: Finish


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference A − B between two conditions, in fractions of 1, with what is needed to judge it.

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
