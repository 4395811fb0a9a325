"""What the pre-flight has measured: the numbers that its rules judge. None is what was not measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Votes:
    """Votes of K samples on questions with known answers, and what those samples are like; K = 1 is plain accuracy."""

    K: int
    questions: int
    right: int
    samples: int
    readable: int
    cut: int
    p99_ended: int | None
    longest_ended: int | None
    unanimous: int = 0
    unanimous_right: int = 0


@dataclass(frozen=True, slots=True)
class Speed:
    """Tokens a second of ``rows`` answers drawn together, and of the same one at a time."""

    rows: int
    together: float
    alone: float


@dataclass(frozen=True, slots=True)
class StopIds:
    """Ids that end a text as the model's files state them, as the engine knows them, and the id that pads."""

    stated: tuple[int, ...]
    known: tuple[int, ...]
    turn_end: int
    pad: int
    told: bool
    """Whether the settings ask for a pad that is the end token."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """Training examples whose prompt was compared with the prompt that is sampled from."""

    examples: int
    other_prompt: int
    prompt_learned: int
    """Examples whose loss covers tokens of the prompt."""
    wrong_end: int
    """Examples whose last supervised token is not the end token, or is none that stops the engine."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of gold texts and of changed ones, with an example of each fault."""

    golds: int
    missed_golds: int
    forms: int
    missed_forms: int
    wrong: int
    taken_wrong: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Overlap:
    """Questions of the training side, those left out for repeating a test question, and those left that still do."""

    questions: int
    removed: int
    left: int


@dataclass(frozen=True, slots=True)
class Batches:
    """How a way of training divides its work: ``examples`` of which each step takes ``batch``."""

    method: str
    examples: int
    batch: int
    micro_batch: int
    steps: int
    unit: str = "examples"
    group: int = 1
    """Answers that must be judged together."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Bytes of memory that one step of the longest rows took at most; None where it did not fit at all."""

    method: str
    rows: int
    tokens: int
    peak: int | None
    free: int | None
    where: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Disk:
    """Bytes that the run is expected to write, and bytes that are free."""

    students: int
    expected: int
    free: int


@dataclass(frozen=True, slots=True)
class PoolGap:
    """Greedy right answers to questions of the training file that were not trained on, and to test questions."""

    pool: int
    pool_right: int
    test: int
    test_right: int


@dataclass(frozen=True, slots=True)
class Completion:
    """Questions of which the model saw the first half, and those whose second half it wrote word for word."""

    questions: int
    verbatim: int
    least: int
    """Tokens in a row that count as verbatim."""
    longest: int


@dataclass(frozen=True, slots=True)
class Facts:
    """All of it. ``missing`` says of a check why its numbers are None, ``excused`` why they need not be there."""

    asked: str = ""
    """Which questions were asked, in words."""
    baseline: Votes | None = None
    votes: tuple[Votes, ...] = ()
    """By K, the smallest first; larger ones only where they were needed."""
    labels: Mapping[str, int] = field(default_factory=dict)
    """The K of every set of labels that the study votes on."""
    cap: int | None = None
    speed: Speed | None = None
    stop_ids: StopIds | None = None
    rendered: Rendered | None = None
    reading: Reading | None = None
    dtype: str | None = None
    overlap: Overlap | None = None
    batches: tuple[Batches, ...] = ()
    rehearsals: tuple[Rehearsal, ...] = ()
    workers: int = 1
    """Processes that train at once, each with a peak of its own."""
    disk: Disk | None = None
    gap: PoolGap | None = None
    completion: Completion | None = None
    missing: Mapping[str, str] = field(default_factory=dict)
    excused: Mapping[str, str] = field(default_factory=dict)
