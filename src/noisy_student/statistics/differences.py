"""Tests on paired differences, one number per question or one per seed, and the mean of a table that has both.

No function returns nan: equal differences have no t statistic and get the exact sign-flip p value instead.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from noisy_student import seeds
from noisy_student.statistics.intervals import Interval, mean_se, t_interval

EXACT_FLIPS = 16
"""Nonzero differences up to which all 2^n sign patterns are counted instead of sampled."""
_ROUNDING = 1e-12
_CHUNK = 1000


@dataclass(frozen=True, slots=True)
class PairedT:
    """A paired t test: the mean difference, its standard error, its interval and its p value."""

    difference: float
    se: float | None
    interval: Interval | None
    t: float | None
    p_value: float | None
    n: int


@dataclass(frozen=True, slots=True)
class CrossedMean:
    """The mean of a seeds x questions table, both taken as random draws, and the mean squares of its parts."""

    mean: float
    se: float
    ms_question: float
    ms_seed: float
    ms_error: float
    var_question: float
    var_seed: float


def paired_t(differences: Sequence[float], *, confidence: float = 0.95) -> PairedT:
    """Test whether the mean difference is 0 by Student's t.

    A single difference has no p value. Differences that are all 0 have p = 1. Differences that are all equal and
    not 0 have no t and no interval; their p value is that of the exact sign-flip test, 2 / 2^n. Raises ValueError for
    no differences.
    """
    if not differences:
        raise ValueError("a paired test needs at least one difference")
    n = len(differences)
    mean = float(np.mean(differences))
    se = mean_se(differences)
    if se is None:
        return PairedT(mean, None, None, None, None, n)
    if max(abs(d) for d in differences) == 0:
        return PairedT(0.0, 0.0, Interval(0.0, 0.0), None, 1.0, n)
    if se * math.sqrt(n) <= _ROUNDING * abs(mean):
        return PairedT(mean, 0.0, None, None, 2.0 ** (1 - n), n)
    t = mean / se
    p_value = float(2 * stats.t.sf(abs(t), n - 1))
    return PairedT(mean, se, t_interval(differences, confidence=confidence), t, p_value, n)


def sign_flip(differences: Sequence[float], *, run_seed: int, resamples: int = 9999) -> float:
    """Return the two-sided p value of symmetry about 0 by random sign flips; the order of differences is irrelevant.

    Exact for at most ``EXACT_FLIPS`` nonzero differences, else (hits + 1) / (resamples + 1) of seeded flips. On 0/1
    outcomes this is McNemar's exact test.

    >>> sign_flip([1.0, 1.0, 1.0], run_seed=0)
    0.25
    """
    sizes = np.sort(np.abs(np.asarray([d for d in differences if d != 0], dtype=np.float64)))
    observed = abs(math.fsum(differences))
    threshold = observed - _ROUNDING * max(1.0, float(sizes.sum()))
    if len(sizes) <= EXACT_FLIPS:
        sums = np.zeros(1)
        for size in sizes:
            sums = np.concatenate([sums - size, sums + size])
        return float(np.mean(np.abs(sums) >= threshold))
    generator = seeds.array_generator(run_seed, "sign-flip")
    hits = 0
    for start in range(0, resamples, _CHUNK):
        rows = min(_CHUNK, resamples - start)
        signs = generator.integers(0, 2, size=(rows, len(sizes)), dtype=np.int8) * 2.0 - 1.0
        hits += int(np.sum(np.abs(signs @ sizes) >= threshold))
    return (hits + 1) / (resamples + 1)


def crossed_mean(by_seed: Sequence[Sequence[float]]) -> CrossedMean | None:
    """Return the mean of a seeds x questions table by two-way analysis of variance; None below two of either.

    SE^2 = var_question / Q + var_seed / S + ms_error / (S Q), negative variances clipped to 0. Raises ValueError
    unless there is one row per seed, all of one length.
    """
    table = np.asarray(by_seed, dtype=np.float64)
    if table.ndim != 2:
        raise ValueError("needs one row per seed, all of one length")
    s, q = table.shape
    if s < 2 or q < 2:
        return None
    mean = float(table.mean())
    question, seed = table.mean(axis=0), table.mean(axis=1)
    ms_question = s * float(np.sum((question - mean) ** 2)) / (q - 1)
    ms_seed = q * float(np.sum((seed - mean) ** 2)) / (s - 1)
    residual = table - question[None, :] - seed[:, None] + mean
    ms_error = float(np.sum(residual**2)) / ((s - 1) * (q - 1))
    var_question = max(0.0, (ms_question - ms_error) / s)
    var_seed = max(0.0, (ms_seed - ms_error) / q)
    se = math.sqrt(var_question / q + var_seed / s + ms_error / (s * q))
    return CrossedMean(mean, se, ms_question, ms_seed, ms_error, var_question, var_seed)
