"""Variance of an accuracy when questions are answered several times, by samples or by training seeds.

A table of outcomes comes in, the mean with its standard error and its parts goes out: samples shrink one part, seeds
another, and neither shrinks the choice of questions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from noisy_student.statistics.intervals import mean_se


@dataclass(frozen=True, slots=True)
class RepeatedMean:
    """The mean over questions; ``within`` is the variance of one answer, ``between`` that of the questions' rates."""

    mean: float
    se: float | None
    within: float | None
    between: float | None


@dataclass(frozen=True, slots=True)
class CrossedMean:
    """The mean over seeds and questions, both taken as drawn at random, and the mean squares of its parts."""

    mean: float
    se: float
    ms_question: float
    ms_seed: float
    ms_error: float
    var_question: float
    var_seed: float


def repeated_mean(rows: Sequence[Sequence[float]]) -> RepeatedMean:
    """The mean of questions with K 0/1 answers each: Var(mean) = (Var(x) + E[s^2] / K) / n (Miller 2024).

    ``within`` is unbiased, mean of p (1 - p) K / (K - 1), and None for one answer a question; ``between`` is what the
    questions' observed rates vary beyond that, not below 0.
    """
    outcomes = np.asarray(rows, dtype=np.float64)
    if outcomes.ndim != 2 or outcomes.size == 0:
        raise ValueError("needs one row a question, all of one length")
    k = outcomes.shape[1]
    rates = outcomes.mean(axis=1)
    se = mean_se(rates.tolist())
    if k == 1 or se is None:
        return RepeatedMean(float(rates.mean()), se, None, None)
    within = float(np.mean(outcomes.var(axis=1, ddof=1)))
    between = max(0.0, float(rates.var(ddof=1)) - within / k)
    return RepeatedMean(float(rates.mean()), se, within, between)


def crossed_mean(by_seed: Sequence[Sequence[float]]) -> CrossedMean | None:
    """The mean of a seeds x questions table by two-way analysis of variance; None below two of either.

    SE^2 = var_question / Q + var_seed / S + ms_error / (S Q), negative variances clipped to 0.
    """
    table = np.asarray(by_seed, dtype=np.float64)
    if table.ndim != 2:
        raise ValueError("needs one row a seed, all of one length")
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
