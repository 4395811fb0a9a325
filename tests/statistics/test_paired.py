"""McNemar's tests and paired intervals against the reference, brute force and statsmodels."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from noisy_student.statistics.paired import (
    PairedCounts,
    mcnemar_exact,
    mcnemar_midp,
    newcombe_paired,
    worse_exact,
)

ORACLES = json.loads((Path(__file__).parent / "oracles.json").read_text())
cells = st.integers(0, 60)


@pytest.mark.parametrize("row", ORACLES["mcnemar"], ids=lambda row: f"{row['b']}-{row['c']}")
def test_mcnemar_equals_the_reference(row):
    assert mcnemar_exact(row["b"], row["c"]) == pytest.approx(row["exact"], rel=1e-8)
    assert mcnemar_midp(row["b"], row["c"]) == pytest.approx(row["midp"], rel=1e-8)


@pytest.mark.parametrize("row", ORACLES["paired_ci"], ids=lambda row: f"{row['only1']}-{row['only2']}")
def test_paired_intervals_equal_the_reference(row):
    counts = PairedCounts(row["both"], row["only1"], row["only2"], row["neither"])
    assert newcombe_paired(counts) == pytest.approx(row["newcombe10"], abs=1e-9)


# exact p by net difference and number of discordant questions (reference page, A.9, cells of whole counts)
PAIRING = [
    (28, 50, 0.000090), (28, 100, 0.006637), (28, 150, 0.027153),
    (30, 50, 0.000024), (30, 100, 0.003518), (30, 150, 0.017598),
    (44, 100, 0.000013), (44, 150, 0.000410), (10, 50, 0.202639),
    (10, 100, 0.368202), (10, 150, 0.462550), (27, 75, 0.002444), (27, 125, 0.019677), (27, 175, 0.049055),
]  # fmt: skip


@pytest.mark.parametrize(("net", "discordant", "p_value"), PAIRING)
def test_what_pairing_would_have_changed(net, discordant, p_value):
    assert mcnemar_exact((discordant + net) // 2, (discordant - net) // 2) == pytest.approx(p_value, abs=5.1e-7)


def test_exact_equals_statsmodels():
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    for b, c in [(1, 7), (10, 25), (45, 55), (3, 0)]:
        assert mcnemar_exact(b, c) == pytest.approx(tables.mcnemar([[9, b], [c, 9]], exact=True).pvalue, rel=1e-10)


@examples(30)
@given(b=cells, c=cells)
def test_mcnemar_is_symmetric_and_midp_is_the_smaller(b, c):
    assert mcnemar_exact(b, c) == mcnemar_exact(c, b)
    assert mcnemar_midp(b, c) == mcnemar_midp(c, b)
    assert 0 < mcnemar_midp(b, c) <= mcnemar_exact(b, c) <= 1


@examples(30)
@given(a=cells, b=cells, c=cells, d=cells)
def test_intervals_hold_the_difference_and_turn_with_it(a, b, c, d):
    if a + b + c + d == 0:
        return
    counts, turned = PairedCounts(a, b, c, d), PairedCounts(a, c, b, d)
    low, high = newcombe_paired(counts)
    assert -1 - 1e-9 <= low <= counts.difference + 1e-12
    assert counts.difference - 1e-12 <= high <= 1 + 1e-9
    assert newcombe_paired(turned) == pytest.approx((-high, -low), abs=1e-9)


@pytest.mark.parametrize("both", [0, 5, 10])
def test_identical_predictions_have_a_difference_of_zero(both):
    counts = PairedCounts(both, 0, 0, 10 - both)
    assert counts.difference == counts.discordance == 0
    assert mcnemar_exact(0, 0) == mcnemar_midp(0, 0) == 1
    low, high = newcombe_paired(counts)
    assert low < 0 < high


def test_midp_holds_its_level_where_the_exact_test_is_too_cautious():
    """Size of both tests under H0, summed over all tables of 40 discordant questions."""
    from math import comb

    size = {test: sum(comb(40, b) for b in range(41) if test(b, 40 - b) <= 0.05) / 2**40
            for test in (mcnemar_exact, mcnemar_midp)}  # fmt: skip
    assert size[mcnemar_exact] < 0.05
    assert size[mcnemar_exact] <= size[mcnemar_midp] < 0.055


def test_counts_of_pairs():
    pairs = [(True, True)] * 4 + [(True, False)] * 3 + [(False, True)] * 2 + [(False, False)]
    counts = PairedCounts.of(pairs)
    assert counts == PairedCounts(4, 3, 2, 1)
    assert (counts.n, counts.difference, counts.discordance) == (10, 0.1, 0.5)


@given(lost=cells, gained=cells)
def test_worse_is_the_one_sided_half_of_the_exact_test(lost, gained):
    p_value = worse_exact(lost, gained)
    if lost + gained:
        assert p_value == pytest.approx(stats.binomtest(lost, lost + gained, 0.5, alternative="greater").pvalue)
    # Both sides together hold the table itself twice; the smaller one is half of the two-sided test.
    both = worse_exact(gained, lost)
    assert min(1.0, 2 * min(p_value, both)) == pytest.approx(mcnemar_exact(lost, gained))
    assert worse_exact(lost + 1, gained) <= p_value <= worse_exact(lost, gained + 1) + 1e-12


@given(lost=st.integers(0, 7), gained=st.integers(0, 7))
def test_worse_counts_the_coins_that_fall_so_or_worse(lost, gained):
    total = lost + gained
    as_bad = sum(number.bit_count() >= lost for number in range(2**total))
    assert worse_exact(lost, gained) == pytest.approx(as_bad / 2**total)
