"""The readers of what comes from elsewhere, each as a function of bytes that raises only if the reader is at fault.

Shared by the property tests beside it and by ``benchmarks/fuzz_readers.py``, which searches by coverage.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from noisy_student import files
from noisy_student.answers.equivalence import same
from noisy_student.answers.extract import extract, read
from noisy_student.answers.marks import answer_end
from noisy_student.answers.normalize import MAX_SURFACE, canonical_number
from noisy_student.answers.thoughts import without_format
from noisy_student.cli.overrides import parse_set
from noisy_student.data.formats import source_rows
from noisy_student.data.read import read_file
from noisy_student.errors import DamagedArtifact, UserError
from noisy_student.pipeline import manifest
from noisy_student.records import Answer
from noisy_student.study.settings.files import Request, resolve

LONGEST = 0.2
"""Seconds of this process that one input may take: quadratic readers take more, and a busy machine four times 0.05."""

_FOLDER = tempfile.TemporaryDirectory(prefix="noisy-student-fuzz-")
PLACE = Path(_FOLDER.name)


def answers(content: bytes) -> None:
    """Extraction and the place where sampling may stop: canonical answers, no exception, one law."""
    text = content.decode(errors="replace")
    found = extract(text)
    if isinstance(found, Answer):
        assert canonical_number(found.canonical) == found.canonical
        assert len(found.canonical) <= MAX_SURFACE
        assert found.surface in without_format(text)
    end = answer_end(text)
    if end is not None:
        assert extract(text[:end]) == found
    for finish in ("eos", "length", "failed"):
        read(text, finish)


def numbers(content: bytes) -> None:
    """Normalisation and equivalence: a canonical form is its own, and two halves are equal or not, either way round."""
    text = content.decode(errors="replace")
    canonical = canonical_number(text)
    assert canonical is None or canonical_number(canonical) == canonical
    assert canonical is None or same(text, canonical)
    one, other = text[: len(text) // 2], text[len(text) // 2 :]
    assert same(one, other) == same(other, one)


def study(content: bytes) -> None:
    """A study file: settings or a UserError."""
    path = PLACE / "study.toml"
    path.write_bytes(content)
    _refusing(lambda: resolve(Request(str(path))))


def override(content: bytes) -> None:
    """One ``--set``."""
    _refusing(lambda: parse_set(content.decode(errors="replace")))


def rows(content: bytes) -> None:
    """A JSONL file of questions, and one of anything."""
    path = PLACE / "rows.jsonl"
    path.write_bytes(content)
    _refusing(lambda: read_file(path, answers="optional"))
    _refusing(lambda: list(files.read_jsonl(path)))


def tables(content: bytes) -> None:
    """A file whose format its content decides, and one that is named a table: rows or a UserError."""
    for name in ("any", "table.csv", "table.tsv", "one.json"):
        path = PLACE / name
        path.write_bytes(content)
        _refusing(lambda path=path: [dict(row.values) for row in source_rows(path)])


def manifests(content: bytes) -> None:
    """A manifest: itself or damage."""
    (PLACE / manifest.NAME).write_bytes(content)
    with suppress(DamagedArtifact):
        manifest.read(PLACE)


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target for target in (answers, numbers, study, override, rows, tables, manifests)
}


def in_time(target: Callable[[bytes], None], content: bytes) -> None:
    """Call the target; AssertionError if it takes too long three times."""
    for _ in range(3):
        start = time.process_time()
        target(content)
        seconds = time.process_time() - start
        if seconds < LONGEST:
            return
    raise AssertionError(f"{target.__name__} took {seconds:.3f} s for {len(content)} bytes: {content[:200]!r}")


def _refusing(action: Callable[[], object]) -> None:
    try:
        action()
    except UserError as error:
        assert error.what
