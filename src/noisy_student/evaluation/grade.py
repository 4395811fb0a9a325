"""Grades of samples: right by any way of reading the answer, and right by a strict ``####`` match."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from noisy_student import files
from noisy_student.answer_key import AnswerKey
from noisy_student.answers.equivalence import same
from noisy_student.answers.extract import Truncated, read
from noisy_student.records import Answer, Grade, Sample


def grade(samples: Iterable[Sample], key: AnswerKey, *, truncated: Truncated = "abstain") -> Iterator[Grade]:
    """Yield one grade per sample, in their order; a sample without an answer is wrong.

    Raises KeyError for a question that the key does not hold.
    """
    for sample in samples:
        answer = read(sample.text, sample.finish, truncated=truncated, kind=sample.kind)
        found = answer.canonical if isinstance(answer, Answer) else None
        correct = found is not None and same(found, key[sample.question_id].answer)
        strict = correct and isinstance(answer, Answer) and answer.strict
        yield Grade(sample.question_id, sample.k, correct, strict, found, sample.finish)


def stop_rate(samples: Sequence[Sample]) -> float | None:
    """Return the share of samples that ended their turn by themselves; None without samples.

    Meaningful only for samples drawn without ``stop_at_answer``.
    """
    return sum(sample.finish == "eos" for sample in samples) / len(samples) if samples else None


def read_grades(path: Path) -> Iterator[Grade]:
    """Stream the grades of a file that this program wrote."""
    for row in files.read_jsonl(path):
        yield Grade(**row)
