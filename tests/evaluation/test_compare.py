"""Comparisons outside a study: counts and grades."""

from __future__ import annotations

import dataclasses

import pytest
from refusals import refused

from noisy_student.evaluation.compare import compare_counts, compare_grades, correctness
from noisy_student.records import Grade
from noisy_student.statistics.paired import mcnemar_exact, mcnemar_midp


def _grades(right, n=500, samples=1):
    return [
        Grade(f"q{i}", k, correct=i in right, strict=False, answer=None, finish="eos")
        for i in range(n)
        for k in range(samples)
    ]


def test_counts_as_the_command_prints_them():
    found = compare_counts(163, 500, 153, 500)
    assert found.difference == pytest.approx(0.02)
    assert found.p_value == pytest.approx(0.4963859828)
    assert found.p_fisher == pytest.approx(0.5404610964)
    assert found.interval == pytest.approx((-0.03755642681, 0.07737439174))
    assert (found.paired, found.n, found.n_needed, found.p_exact) == (False, 500, 8482, None)
    assert found.mde == pytest.approx(2.801585 * (2 * 0.316 * 0.684 / 500) ** 0.5, abs=1e-6)
    assert found.verdict == "undecided"
    names = "difference interval p_value p_fisher p_exact method paired n mde n_needed verdict"
    assert list(dataclasses.asdict(found)) == names.split()


def test_verdicts_of_counts():
    assert compare_counts(162, 500, 118, 500).verdict == "helps"
    assert compare_counts(118, 500, 162, 500).verdict == "hurts"
    assert compare_counts(135, 500, 134, 500, margin=0.05).verdict == "no-difference"
    assert compare_counts(135, 500, 134, 500, margin=0.02).verdict == "undecided"


@pytest.mark.parametrize("k", [0, 500])
def test_equal_counts_at_the_edge(k):
    found = compare_counts(k, 500, k, 500)
    assert (found.difference, found.p_value, found.p_fisher, found.mde, found.n_needed) == (0, 1, 1, None, None)


@pytest.mark.parametrize("counts", [(501, 500, 1, 2), (1, 2, -1, 5), (0, 0, 1, 2)])
def test_impossible_counts_are_refused(counts):
    with refused("bad-count", next(f"{k}/{n}" for k, n in (counts[:2], counts[2:]) if n < 1 or not 0 <= k <= n)):
        compare_counts(*counts)


def test_grades_are_paired():
    found = compare_grades(_grades(range(163)), reversed(_grades(range(10, 163))))
    assert (found.difference, found.paired, found.n) == (0.02, True, 500)
    assert found.p_value == mcnemar_midp(10, 0)
    assert found.p_exact == mcnemar_exact(10, 0)
    assert (found.verdict, found.p_fisher) == ("helps", None)
    # (1.959964 sqrt(.02) + .841621 sqrt(.02 - .0004))^2 / .0004 = 390.1
    assert found.n_needed == 391


def test_several_samples_are_averaged_first():
    grades = [*_grades(range(10), 40), *_grades(range(20), 40)]
    assert correctness(grades) == {f"q{i}": 1.0 if i < 10 else 0.5 if i < 20 else 0.0 for i in range(40)}
    found = compare_grades(grades, _grades(range(30), 40, samples=2))
    assert found.difference == pytest.approx(15 / 40 - 30 / 40)
    assert (found.method, found.p_exact, found.n) == ("paired t on question means", None, 40)
    assert found.verdict == "hurts"


def test_questions_of_one_file_only():
    with refused("different-questions", "10 only in A"):
        compare_grades(_grades(range(20), 50), _grades(range(20), 40))
    found = compare_grades(_grades(range(20), 50), _grades(range(20), 40), join="inner")
    assert (found.n, found.p_value, found.p_exact, found.n_needed) == (40, 1, 1, None)
    with refused("nothing-graded"):
        compare_grades([], [])
