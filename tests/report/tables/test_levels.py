"""Seeds laid on one another, level by level."""

from __future__ import annotations

from noisy_student.report.tables.labels import Level, histograms


def row(seed, levels, k=2):
    return {"name": "votes", "seed": seed, "k": k, "by_level": levels}


def test_seeds_are_weighted_by_questions():
    first = row(1, [{"votes": 2, "questions": 30, "accuracy": 1.0}, {"votes": 1, "questions": 5, "accuracy": 0.2}])
    second = row(2, [{"votes": 2, "questions": 10, "accuracy": 0.0}])
    (histogram,) = histograms([first, second])
    assert histogram.seeds == 2
    assert histogram.levels == (Level(1, 5, 0.2), Level(2, 40, 0.75))


def test_one_unknown_seed_makes_the_level_unknown():
    rows = [
        row(1, [{"votes": 2, "questions": 30, "accuracy": 1.0}]),
        row(2, [{"votes": 2, "questions": 1, "accuracy": None}]),
    ]
    assert histograms(rows)[0].levels == (Level(2, 31, None),)


def test_different_k_is_not_mixed_and_no_levels_no_histogram():
    level = [{"votes": 1, "questions": 1, "accuracy": 1.0}]
    assert [each.k for each in histograms([row(1, level, 8), row(1, level, 16), row(1, None), row(1, [])])] == [8, 16]


def test_a_level_without_questions_has_no_accuracy():
    assert histograms([row(1, [{"votes": 1, "questions": 0, "accuracy": None}])])[0].levels == (Level(1, 0, None),)
