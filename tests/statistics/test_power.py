"""Sample sizes, power and minimum detectable effects against the reference tables and statsmodels."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from scipy import stats

from noisy_student import seeds
from noisy_student.statistics.power import (
    AnswerNoise,
    mean_mde,
    mean_n,
    paired_mde,
    paired_n,
    paired_power,
    seeds_mde,
    unpaired_mde,
    unpaired_n,
    unpaired_power,
)

ORACLES = json.loads((Path(__file__).parent / "oracles.json").read_text())


@pytest.mark.parametrize("row", ORACLES["power_unpaired"], ids=str)
def test_unpaired_sizes_equal_the_reference(row):
    assert math.ceil(unpaired_n(row["p1"], row["p2"])) == row["n_per_arm_80"]
    assert math.ceil(unpaired_n(row["p1"], row["p2"], power=0.9)) == row["n_per_arm_90"]


@pytest.mark.parametrize(
    ("p1", "p2", "n", "n90"),
    [
        (0.326, 0.306, 8481.262274, 11354),
        (0.27, 0.29, 7910.491733, 10590),
        (0.27, 0.324, 1122.808990, 1503),
        (0.21, 0.27, 794.173190, 1063),
        (0.5, 0.52, 9805.996209, 13127),
        (0.7, 0.72, 8079.242650, 10816),
    ],
)
def test_unpaired_table(p1, p2, n, n90):
    assert unpaired_n(p1, p2) == pytest.approx(n, abs=1e-5)
    assert math.ceil(unpaired_n(p1, p2, power=0.9)) == n90


@pytest.mark.parametrize(
    ("p1", "p2", "power"), [(0.326, 0.306, 0.104396), (0.27, 0.324, 0.463586), (0.21, 0.27, 0.60335)]
)
def test_unpaired_power(p1, p2, power):
    assert unpaired_power(p1, p2, 500) == pytest.approx(power, abs=1e-6)
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    assert proportion.power_proportions_2indep(p1 - p2, p2, 500).power == pytest.approx(power, abs=1e-6)


@pytest.mark.parametrize("row", ORACLES["power_paired"], ids=str)
def test_paired_design_equals_the_reference(row):
    psi, delta = row["psi"], row["delta"]
    assert math.ceil(paired_n(psi, delta)) == row["n80"]
    assert math.ceil(paired_n(psi, delta, power=0.9)) == row["n90"]
    assert paired_power(psi, delta, 500) == pytest.approx(row["power_500"], abs=1e-9)
    assert paired_power(psi, delta, 1319) == pytest.approx(row["power_1319"], abs=1e-9)


@pytest.mark.parametrize(
    ("psi", "n", "n90", "power", "mde500", "mde1319"),
    [
        (0.05, 978.748781, 1310, 0.516032, 2.801585, 1.724910),
        (0.10, 1959.860407, 2623, 0.292243, 3.962040, 2.439391),
        (0.15, 2940.970926, 3937, 0.210024, 4.852488, 2.987632),
        (0.20, 3922.081168, 5250, 0.168295, 5.603170, 3.449820),
        (0.25, 4903.191300, 6563, 0.143124, 6.264535, 3.857016),
        (0.30, 5884.301377, 7877, 0.126264, 6.862454, 4.225149),
    ],
)
def test_paired_table(psi, n, n90, power, mde500, mde1319):
    assert paired_n(psi, 0.02) == pytest.approx(n, abs=1e-5)
    assert math.ceil(paired_n(psi, -0.02, power=0.9)) == n90
    assert paired_power(psi, 0.02, 500) == pytest.approx(power, abs=1e-6)
    assert 100 * paired_mde(psi, 500) == pytest.approx(mde500, abs=1e-6)
    assert 100 * paired_mde(psi, 1319) == pytest.approx(mde1319, abs=1e-6)


@pytest.mark.parametrize(("n", "points"), [(200, 12.44), (500, 7.87), (1000, 5.56), (1319, 4.84), (5000, 2.49)])
def test_unpaired_mde(n, points):
    assert 100 * unpaired_mde(0.27, n) == pytest.approx(points, abs=0.0051)


def test_several_answers_a_question():
    assert mean_n(AnswerNoise(1 / 9), 0.03) == pytest.approx(968.997, abs=1e-3)
    one, ten = AnswerNoise(1 / 9, 1 / 6, 1 / 6), AnswerNoise(1 / 9, 1 / 6, 1 / 6, 10, 10)
    assert mean_n(one, 0.03) == pytest.approx(3875.99, abs=0.01)
    assert mean_n(ten, 0.03) == pytest.approx(1259.70, abs=0.01)
    assert mean_mde(one, 198) == pytest.approx(0.132733, abs=1e-6)
    assert mean_mde(ten, 198) == pytest.approx(0.075670, abs=1e-6)
    sizes = [math.ceil(mean_n(AnswerNoise(0.02, 0.12, 0.12, k, k), 0.02)) for k in (1, 4, 8, 32)]
    assert sizes == pytest.approx([5102, 1570, 981, 540], abs=1)  # the page rounds, we round up


@pytest.mark.parametrize(("seeds", "points"), [(1, 3.96), (2, 2.80), (3, 2.29), (4, 1.98), (5, 1.77), (10, 1.25)])
def test_seed_spread_stays_with_infinitely_many_questions(seeds, points):
    assert 100 * paired_mde(0.2, 10**12, seed_sd=0.01, seeds=seeds) == pytest.approx(points, abs=0.0051)


@pytest.mark.parametrize(("seeds", "points"), [(1, 5.25), (3, 3.34), (5, 2.81), (10, 2.33), (20, 2.05)])
def test_seeds_of_a_full_test_set(seeds, points):
    noise = AnswerNoise(0.05, 0.075, 0.075, seeds, seeds)
    assert 100 * mean_mde(noise, 1319, seed_sd=0.01, seeds=seeds) == pytest.approx(points, abs=0.0051)


@pytest.mark.parametrize("count", [2, 3, 5, 10])
def test_a_t_test_over_seeds_finds_its_mde_four_times_in_five(count):
    draws = seeds.array_generator(1, "seeds-mde").normal(seeds_mde(1.0, count), 1.0, (100_000, count))
    t = draws.mean(axis=1) / draws.std(axis=1, ddof=1) * math.sqrt(count)
    assert (t > stats.t.ppf(0.975, count - 1)).mean() == pytest.approx(0.8, abs=0.005)


def test_seeds_mde_scales_and_refuses_one_seed():
    assert seeds_mde(0.02, 3) == pytest.approx(2 * seeds_mde(0.01, 3))
    assert seeds_mde(0.01, 100) == pytest.approx(2.8016 * 0.001, rel=0.02)
    with pytest.raises(ValueError, match="two or more"):
        seeds_mde(0.01, 1)


def test_impossible_designs_are_refused_and_certain_ones_answered():
    with pytest.raises(ValueError, match="difference of 0"):
        unpaired_n(0.3, 0.3)
    with pytest.raises(ValueError, match="cannot contain"):
        paired_n(0.01, 0.02)
    assert paired_power(1.0, 1.0, 5) == 1.0
    assert paired_power(1.0, 1.0, 3) == 0.0
    assert unpaired_power(1.0, 0.0, 10) == 1.0
