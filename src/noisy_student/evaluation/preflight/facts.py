"""Measurements that the pre-flight checks judge, the judgement that a check returns, and the formats of its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from noisy_student.records import MemoryRehearsal
from noisy_student.statistics.intervals import Interval

Outcome = Literal["pass", "warn", "fail", "unsure"]


@dataclass(frozen=True, slots=True)
class Votes:
    """Votes of K samples on questions with known answers, with counts of those samples; K = 1 is plain accuracy."""

    K: int
    questions: int
    right: int
    samples: int
    readable: int
    cut: int
    p99_ended: int | None
    """Tokens of the 99th percentile of answers that ended before the cap; ``longest_ended`` of the longest."""
    longest_ended: int | None
    unanimous: int = 0
    unanimous_right: int = 0


@dataclass(frozen=True, slots=True)
class Speed:
    """Tokens per second of ``rows`` answers sampled together, and of the same answers one at a time."""

    rows: int
    together: float
    alone: float


@dataclass(frozen=True, slots=True)
class StopIds:
    """Ids that end a text by the model's files (``stated``) and for the engine (``known``), and the padding id."""

    stated: tuple[int, ...]
    known: tuple[int, ...]
    turn_end: int
    pad: int
    pad_as_end: bool
    """True if the settings ask for the end token as padding."""


@dataclass(frozen=True, slots=True)
class PromptComparison:
    """Training examples compared with the prompts that are sampled from: the number that differ, by kind."""

    examples: int
    prompt_differs: int
    mask_differs: int
    """Examples whose loss covers prompt tokens or leaves out completion tokens."""
    end_differs: int
    """Examples whose last supervised token is not the end token, or does not stop the engine."""


@dataclass(frozen=True, slots=True)
class GoldReading:
    """Answers extracted from gold texts, from other forms of them and from wrong numbers, with examples of faults."""

    golds: int
    missed_golds: int
    forms: int
    missed_forms: int
    wrong: int
    taken_wrong: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Overlap:
    """Training-side questions, those removed for repeating a test question, and those left that still repeat one."""

    questions: int
    removed: int
    left: int


@dataclass(frozen=True, slots=True)
class Batches:
    """Division of one training into steps: each step takes ``batch`` rows, ``micro_batch`` at a time."""

    method: str
    examples: int
    batch: int
    micro_batch: int
    steps: int
    unit: str = "examples"
    group: int = 1
    """Answers to one prompt, which are rewarded together."""
    sized_by: str = "batch"
    """The field of the method's settings that sets ``batch``."""


@dataclass(frozen=True, slots=True)
class Disk:
    """Bytes that the run is expected to write, and bytes that are free."""

    students: int
    expected: int
    free: int


@dataclass(frozen=True, slots=True)
class PoolGap:
    """Correct greedy answers to untrained questions of the training file and to test questions."""

    pool: int
    pool_right: int
    test: int
    test_right: int


@dataclass(frozen=True, slots=True)
class Completion:
    """Questions of which the model saw the first half, and those whose second half it continued word for word."""

    questions: int
    verbatim: int
    least: int
    """Tokens in a row that count as verbatim."""
    longest: int


@dataclass(frozen=True, slots=True)
class Facts:
    """All measurements; by check, ``missing`` holds the failure and ``excused`` the reason why it does not apply."""

    asked: str = ""
    """Description of the questions that were asked."""
    baseline: Votes | None = None
    votes: tuple[Votes, ...] = ()
    """By K, the smallest first; larger ones only where the smaller did not pass."""
    labels: Mapping[str, int] = field(default_factory=dict)
    """K of every set of voted labels in the study."""
    cap: int | None = None
    speed: Speed | None = None
    stop_ids: StopIds | None = None
    prompts: PromptComparison | None = None
    reading: GoldReading | None = None
    dtype: str | None = None
    overlap: Overlap | None = None
    batches: tuple[Batches, ...] = ()
    rehearsals: tuple[MemoryRehearsal, ...] = ()
    workers: int = 1
    """Processes that train at once, each with its own peak."""
    disk: Disk | None = None
    gap: PoolGap | None = None
    completion: Completion | None = None
    missing: Mapping[str, str] = field(default_factory=dict)
    excused: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judgement:
    """Outcome of one check; ``measured`` is ``value`` in words, ``remedy`` replaces the remedy of the table."""

    outcome: Outcome
    value: float | None
    measured: str
    detail: str = ""
    remedy: str | None = None


def share(part: int, whole: int) -> str:
    """Format a share in percent.

    >>> share(1, 8)
    '12.5 %'
    """
    return f"{100 * part / whole:.1f} %"


def with_interval(part: int, whole: int, interval: Interval) -> str:
    """Format a share with its 95 % interval, in percent.

    >>> with_interval(1, 4, Interval(0.046, 0.699))
    '25.0 % [4.6, 69.9]'
    """
    return f"{share(part, whole)} [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"


def in_bytes(count: float) -> str:
    """Format bytes in GiB or MiB.

    >>> in_bytes(3 * 2**30), in_bytes(5_000_000)
    ('3.0 GiB', '5 MiB')
    """
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"
