"""Samples as a JSONL file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from noisy_student import files
from noisy_student.records import Sample


def write_samples(path: Path, samples: Iterable[Sample]) -> int:
    """Write one sample a line, its kind only where it is no number; returns how many."""
    return files.write_jsonl(path, map(_row, samples))


def read_samples(path: Path) -> Iterator[Sample]:
    """Stream the samples of a file that this program wrote."""
    for row in files.read_jsonl(path):
        yield Sample(**{**row, "token_ids": tuple(row["token_ids"])})


def read_folders(folders: Iterable[Path], check: Callable[[], None]) -> Iterator[Sample]:
    """Stream the samples of several results, one after the other; ``check`` is called before each."""
    for folder in folders:
        check()
        yield from read_samples(folder / "samples.jsonl")


def _row(sample: Sample) -> dict[str, Any]:
    row = {
        "question_id": sample.question_id,
        "k": sample.k,
        "text": sample.text,
        "token_ids": list(sample.token_ids),
        "finish": sample.finish,
        "logprob": sample.logprob,
        "seed": sample.seed,
    }
    return row if sample.kind == "number" else {**row, "kind": sample.kind}
