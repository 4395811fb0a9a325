"""Sampling in chunks: the unit of determinism, commit, resume and distribution (design section 7).

A chunk is as many questions as make up to so many samples of one shard of K. Questions are ordered by the length of
their prompt and their id, so the chunks are a function of the set of questions, not of its order. The seed of a sample
depends on run, question and k only: the first 8 of 32 samples are the 8 of a smaller draw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from noisy_student import files, seeds
from noisy_student.records import Question, Sample
from noisy_student.sampling.engine import Decoding, Engine, Windows
from noisy_student.strict import Strict

SHARD_ENDS = (8, 16, 32, 64, 128, 256)
"""Where the samples of one question are cut into shards; a larger K adds shards and changes none."""


class Shard(Strict):
    """The samples ``first`` … ``end`` - 1 of each question."""

    first: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(ge=1)]


@dataclass(frozen=True, slots=True)
class Prompted:
    """A question with the token ids that ask it."""

    question: Question
    prompt: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows of one call of the engine."""

    index: int
    rows: tuple[Prompted, ...]
    shard: Shard


def shards(k: int) -> list[Shard]:
    """Return the shards that make up K samples; requires K >= 1.

    >>> [(shard.first, shard.end) for shard in shards(20)]
    [(0, 8), (8, 16), (16, 20)]
    """
    assert k >= 1
    ends = [end for end in SHARD_ENDS if end < k] + [k]
    return [Shard(first=first, end=end) for first, end in zip([0, *ends], ends, strict=False)]


def chunks(
    questions: Sequence[Question],
    encode: Callable[[Question], Sequence[int]],
    *,
    shard: Shard,
    samples: int,
    copies: int | None = None,
) -> list[Chunk]:
    """Return chunks of up to ``samples`` samples and at least one question; the order of ``questions`` is irrelevant.

    ``copies`` is the number of samples drawn at once per question, if smaller than the shard.
    """
    size = max(1, samples // (copies or shard.end - shard.first))
    rows = sorted(
        (Prompted(question, tuple(encode(question))) for question in questions),
        key=lambda row: (len(row.prompt), row.question.id),
    )
    starts = range(0, len(rows), size)
    return [Chunk(index, tuple(rows[start : start + size]), shard) for index, start in enumerate(starts)]


def draw_chunk(
    chunk: Chunk,
    engine: Engine,
    *,
    decoding: Decoding,
    decode: Callable[[Sequence[int]], str],
    run_seed: int,
    windows: Windows | None = None,
) -> list[Sample]:
    """Draw the samples of one chunk, by question, then k; ``decode`` returns the text without special tokens.

    ``windows`` identify questions by their position in the chunk; with them some questions have fewer samples.
    """
    ks = range(chunk.shard.first, chunk.shard.end)
    row_seeds = [[seeds.seed(run_seed, "sample", row.question.id, k=k) for k in ks] for row in chunk.rows]
    drawn = engine.draw([row.prompt for row in chunk.rows], row_seeds, decoding, windows)
    return [
        Sample(
            question_id=row.question.id,
            k=k,
            text=decode(draw.token_ids),
            token_ids=draw.token_ids,
            finish=draw.finish,
            logprob=round(sum(draw.logprobs), 6),
            seed=seed,
            kind=row.question.kind,
        )
        for row, draws, seeds_K in zip(chunk.rows, drawn, row_seeds, strict=True)
        for k, draw, seed in zip(ks, draws, seeds_K, strict=windows is None)
    ]


def write_samples(path: Path, samples: Iterable[Sample]) -> int:
    """Write one sample a line, its kind only if other than "number"; return the count."""
    return files.write_jsonl(path, map(_row, samples))


def read_samples(path: Path) -> Iterator[Sample]:
    """Stream the samples of a file written by ``write_samples``."""
    for row in files.read_jsonl(path):
        yield Sample(**{**row, "token_ids": tuple(row["token_ids"])})


def read_folders(folders: Iterable[Path], check: Callable[[], None]) -> Iterator[Sample]:
    """Stream the samples of several results, one after the other; ``check`` is called before each."""
    for folder in folders:
        check()
        yield from read_samples(folder / "samples.jsonl")


def _row(sample: Sample) -> dict[str, Any]:
    row = {each.name: getattr(sample, each.name) for each in fields(Sample)}
    return {name: value for name, value in row.items() if name != "kind" or value != "number"}
