"""Rows of pass@k: curves of the conditions that answered test questions many times, and the gains between pairs.

Only conditions with ``passes`` take part; each is compared with the untrained model and the reference, where those have
``passes`` too. All of it is exploratory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from noisy_student.evaluation.contrast import Outcomes, contrast, judge
from noisy_student.evaluation.pass_at_k import Tries, gain_kind
from noisy_student.records import Finding
from noisy_student.study.results.view import RunView
from noisy_student.study.settings.study import Settings

FAMILY = "passes"
Measured = Mapping[str, Mapping[int, Sequence[Tries]]]
"""Condition -> seed -> the tries of each question."""


def pass_at_k_rows(view: RunView, conditions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return ``curves``, a row a condition and seed, and ``gains``, a row a pair with its findings at 1 and at K tries.

    ``conditions`` are the run's rows, for the greedy answers: ``reasoning`` is the gain by any way of reading,
    ``format`` the gain of the strict reading beyond that.
    """
    every: dict[str, dict[int, list[Tries]]] = {}
    points: dict[tuple[str, int], list[dict[str, float]]] = {}
    for nodes in view.plan.conditions:
        graded = view.summary(nodes.grade)
        if view.settings.conditions[nodes.name].passes and graded is not None:
            every.setdefault(nodes.name, {})[nodes.seed] = view.tries(nodes.grade)
            points[nodes.name, nodes.seed] = graded["passes"]["points"]
    curves = [
        {"condition": name, "seed": seed, "questions": len(found), "k": found[0].k, "points": points[name, seed]}
        for name, by_seed in every.items()
        for seed, found in by_seed.items()
    ]
    pairs = list(_pairs(view.settings, every))
    judged = judge([finding for pair in pairs for k in _ends(every) for finding in _contrast(every, pair, k)[:1]])
    gains = []
    for place, (name, other) in enumerate(pairs):
        first, last = judged[2 * place : 2 * place + 2]
        greedy = _greedy_gains(conditions, name, other)
        sides = {"a": name, "b": other, "one": asdict(first), "many": asdict(last)}
        gains.append({**sides, **greedy, "kind": gain_kind(first, last)})
    return {"curves": curves, "gains": gains}


def _pairs(settings: Settings, every: Mapping[str, Mapping[int, object]]) -> Iterator[tuple[str, str]]:
    """Each student with the untrained model of its kind, and with the reference, where both answered the same."""
    for name in every:
        condition = settings.conditions[name]
        if condition.method == "none":
            continue
        untrained = [
            other
            for other in every
            if settings.conditions[other].method == "none" and settings.conditions[other].model == condition.model
        ]
        for other in dict.fromkeys([*untrained, settings.reference]):
            same = other in every and settings.conditions[other].graded_on == condition.graded_on
            # A run that was paused may have them of different seeds.
            if same and other != name and set(every[name]) & set(every[other]):
                yield name, other


def _ends(every: Measured) -> tuple[int, int]:
    """1 and the K of the draw."""
    return 1, next(tries[0].k for by_seed in every.values() for tries in by_seed.values())


def _contrast(every: Measured, pair: tuple[str, str], k: int) -> tuple[Finding, ...]:
    a, b = (
        Outcomes(name, {seed: {one.question_id: one.passed(k) for one in tries} for seed, tries in every[name].items()})
        for name in pair
    )
    return contrast(f"pass@{k}", a, b, margin=None, primary=False, family=FAMILY)


def _greedy_gains(conditions: Sequence[Mapping[str, Any]], name: str, other: str) -> dict[str, float | None]:
    """The gain of greedy answers by any way of reading, and of the strict reading beyond it; means over seeds."""

    def mean(condition: str, field: str) -> float | None:
        values = [row[field] for row in conditions if row["name"] == condition and row[field] is not None]
        return sum(values) / len(values) if values else None

    read = [mean(condition, "accuracy") for condition in (name, other)]
    strict = [mean(condition, "strict_accuracy") for condition in (name, other)]
    if None in read or None in strict:
        return {"reasoning": None, "format": None}
    reasoning = (read[0] or 0) - (read[1] or 0)
    return {"reasoning": reasoning, "format": (strict[0] or 0) - (strict[1] or 0) - reasoning}
