"""What follows from an outlook, rule by rule."""

from __future__ import annotations

from dataclasses import replace

import pytest

from noisy_student.evaluation.advice import Filter, Prospect, advise


def kept(
    precision: float | None, *, se: float | None = 0.03, labels: float = 500.0, least: float | None = 0.75
) -> Filter:
    return Filter(least, 0.25, (0.2, 0.3), precision, se, labels)


GOOD = Prospect(known=200, labeled=500, pass_at_1=0.5, pass_at_k=0.9, filters=(kept(0.95),))


@pytest.mark.parametrize(
    ("change", "advice", "words"),
    [
        ({}, "go", "500 pseudo-labels, 95 % of them right, beside 500 labeled"),
        ({"pass_at_k": 0.29, "pass_at_1": 0.1}, "better base", "only 29 %"),
        ({"filters": (kept(0.95, se=0.06),)}, "buy labels", "200 questions with a known answer"),
        ({"filters": (kept(0.69),)}, "buy labels", "only 69 % are right"),
        ({"filters": (kept(None, se=None, labels=0.0),)}, "buy labels", "no vote is selected"),
        ({"pass_at_1": 0.87}, "buy labels", "only 3.0 more points"),
        ({"filters": (kept(0.95, labels=130.0),)}, "more questions", "124 right pseudo-labels beside 500"),
    ],
)
def test_each_rule_gives_its_advice(change: dict[str, object], advice: str, words: str) -> None:
    word, reason, rules = advise(replace(GOOD, **change))  # type: ignore[arg-type]
    assert (word, words in reason) == (advice, True), reason
    failed = [rule for rule in rules if not rule.holds]
    assert (failed[0].advice if failed else "go") == advice


def test_the_filter_with_the_most_right_labels_among_the_good_ones_decides() -> None:
    every, strict, worse = kept(0.72, labels=1500.0, least=None), kept(0.95), kept(0.65, labels=3000.0, least=None)
    assert "1500 pseudo-labels" in advise(replace(GOOD, filters=(every, strict)))[1]
    assert "500 pseudo-labels" in advise(replace(GOOD, filters=(worse, strict)))[1]


def test_the_first_rule_that_fails_speaks() -> None:
    hopeless = replace(GOOD, pass_at_k=0.2, pass_at_1=0.19, filters=(kept(0.3, labels=2.0),))
    word, _, rules = advise(hopeless)
    assert word == "better base"
    assert sum(not rule.holds for rule in rules) == 4
