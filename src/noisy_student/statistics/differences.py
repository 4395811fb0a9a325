"""Tests on paired differences: one number a question, or one number a seed.

Differences come in, a p value with its interval goes out. Nothing here returns nan: equal differences have no t
statistic and get the exact sign-flip p value instead.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from noisy_student import seeds
from noisy_student.statistics.intervals import Interval, mean_se, t_interval
from noisy_student.statistics.paired import PairedCounts

EXACT_FLIPS = 16  # up to this many nonzero differences all 2^n sign patterns are counted
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
class Bootstrap:
    """The standard error and the percentile interval of a resampled mean."""

    se: float
    interval: Interval


def paired_t(differences: Sequence[float], *, confidence: float = 0.95) -> PairedT:
    """The t test that the mean difference is 0.

    One difference alone has no p value. Differences that are all 0 have p = 1. Differences that are all equal and
    not 0 have no t and no interval; their p value is that of the exact sign-flip test, 2 / 2^n.
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
    """The two-sided p value that the differences are symmetric about 0, by flipping their signs.

    Exact for at most ``EXACT_FLIPS`` nonzero differences, else (hits + 1) / (resamples + 1) of seeded flips. On 0/1
    outcomes this is McNemar's exact test. The order of the differences does not matter.

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


def paired_bootstrap(counts: PairedCounts, *, confidence: float = 0.95) -> Bootstrap:
    """The bootstrap of the paired difference without resampling: its distribution is a multinomial convolution."""
    n = counts.n
    step = np.array([counts.only_b, counts.both + counts.neither, counts.only_a], dtype=np.float64) / n
    cumulative = np.cumsum(_convolution_power(step, n))
    tail = (1 - confidence) / 2
    low = int(np.searchsorted(cumulative, tail)) - n
    high = int(np.searchsorted(cumulative, 1 - tail)) - n
    se = math.sqrt(max(0.0, counts.discordance - counts.difference**2) / n)
    return Bootstrap(se, Interval(low / n, high / n))


def _convolution_power(step: npt.NDArray[np.float64], n: int) -> npt.NDArray[np.float64]:
    """The distribution of the sum of n draws from ``step``, by repeated squaring."""
    result = np.ones(1)
    while n:
        if n & 1:
            result = np.convolve(result, step)
        step = np.convolve(step, step)
        n >>= 1
    return result
