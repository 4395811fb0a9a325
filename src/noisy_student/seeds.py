"""Seeds and generators: a seed is a hash of its purpose, never of the order of the work.

No name of a study or condition enters a seed, so studies share samples and a renamed condition keeps its numbers.
No code uses global generators.
"""

from __future__ import annotations

import hashlib
import json
import random

import numpy as np
import numpy.typing as npt

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def seed(
    run_seed: int, purpose: str, question_id: str | None = None, *, k: int | None = None, step: int | None = None
) -> int:
    """Return a seed in [0, 2^63) for one purpose of one run, optionally of one question, sample and step."""
    parts = json.dumps([run_seed, purpose, question_id, k, step], ensure_ascii=True, separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(parts.encode()).digest()[:8], "big") >> 1


def generator(run_seed: int, purpose: str, question_id: str | None = None, *, step: int | None = None) -> random.Random:
    """Return a generator for one purpose."""
    return random.Random(seed(run_seed, purpose, question_id, step=step))


def array_generator(run_seed: int, purpose: str) -> np.random.Generator:
    """Return a numpy generator for resampling; ``purpose`` names the resampled data."""
    return np.random.default_rng(seed(run_seed, purpose))


def uniforms(row_seeds: npt.NDArray[np.uint64], step: int | npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return one number in [0, 1) per row for decoding step ``step`` (one for all rows, or one each).

    A row's numbers do not depend on other rows. Shape (rows,) in, (rows,) out; counter mode of splitmix64 (Steele, Lea,
    Flood 2014).
    """
    with np.errstate(over="ignore"):
        z = row_seeds.astype(np.uint64) + _GOLDEN * (np.asarray(step, dtype=np.uint64) + np.uint64(1))
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    found: npt.NDArray[np.float64] = (z >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return found
