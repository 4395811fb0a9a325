"""The share of the gap between baseline and oracle that a student recovers, with a joint bootstrap interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from noisy_student import seeds
from noisy_student.statistics.intervals import Interval

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class GapRecovered:
    """(student - baseline) / (oracle - baseline) with its interval, and the oracle's gap with its own."""

    share: float
    interval: Interval
    gap: float
    gap_interval: Interval


def gap_recovered(
    student: Sequence[float],
    baseline: Sequence[float],
    oracle: Sequence[float],
    *,
    run_seed: int,
    resamples: int = 2000,
    confidence: float = 0.95,
) -> GapRecovered | None:
    """Return the recovered share of the gap; None unless the interval of the oracle's gap lies above 0.

    The three sequences hold one outcome per question in the same order; that order is irrelevant to the result. Each
    resample draws questions and takes all three outcomes of each, so the interval reflects their correlation.
    ``scipy.stats.bootstrap`` is not used: it draws other resamples, which would change
    published intervals. Raises ValueError for sequences of unequal length or none.
    """
    if not len(student) == len(baseline) == len(oracle) or not student:
        raise ValueError(f"needs the same questions three times, got {len(student)}, {len(baseline)}, {len(oracle)}")
    rows = np.asarray(sorted(zip(student, baseline, oracle, strict=True)), dtype=np.float64)
    lifts = np.stack([rows[:, 0] - rows[:, 1], rows[:, 2] - rows[:, 1]], axis=1)
    generator = seeds.array_generator(run_seed, "gap-recovered")
    n = len(lifts)
    drawn = []
    for start in range(0, resamples, _CHUNK):
        size = min(_CHUNK, resamples - start)
        weights = generator.multinomial(n, np.full(n, 1 / n), size=size)
        drawn.append(weights @ lifts / n)
    means = np.concatenate(drawn)
    gap_interval = _percentiles(means[:, 1], confidence)
    if gap_interval.low <= 0:
        return None
    lift, gap = (float(value) for value in lifts.mean(axis=0))
    # The interval lies above 0, so at most one resample in forty has no gap to divide by.
    usable = means[means[:, 1] > 0]
    return GapRecovered(lift / gap, _percentiles(usable[:, 0] / usable[:, 1], confidence), gap, gap_interval)


def _percentiles(values: npt.NDArray[np.float64], confidence: float) -> Interval:
    tail = (1 - confidence) / 2
    low, high = np.quantile(values, [tail, 1 - tail], method="inverted_cdf")
    return Interval(float(low), float(high))
