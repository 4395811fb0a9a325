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
from noisy_student.study.settings.conditions import UntrainedCondition
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
    curves: list[dict[str, Any]] = [
        {"condition": name, "seed": seed, "questions": len(found), "k": found[0].k, "points": points[name, seed]}
        for name, by_seed in every.items()
        for seed, found in by_seed.items()
    ]
    pairs = list(_pairs(view.settings, every))
    judged = judge([_contrast(every, pair, k) for pair in pairs for k in (1, curves[0]["k"])])
    gains = []
    for (name, other), first, last in zip(pairs, judged[::2], judged[1::2], strict=True):
        sides = {"a": name, "b": other, "one": asdict(first), "many": asdict(last)}
        gains.append({**sides, **_greedy_gains(conditions, name, other), "kind": gain_kind(first, last)})
    return {"curves": curves, "gains": gains}


def _pairs(settings: Settings, every: Mapping[str, Mapping[int, object]]) -> Iterator[tuple[str, str]]:
    """Each student with the untrained model of its kind, and with the reference, where both answered the same."""
    untrained = [name for name in every if isinstance(settings.conditions[name], UntrainedCondition)]
    for name in every:
        condition = settings.conditions[name]
        if name in untrained:
            continue
        start = [other for other in untrained if settings.conditions[other].model == condition.model]
        for other in dict.fromkeys([*start, settings.reference]):
            same = other in every and settings.conditions[other].graded_on == condition.graded_on
            # A run that was paused may have them of different seeds.
            if same and other != name and set(every[name]) & set(every[other]):
                yield name, other


def _contrast(every: Measured, pair: tuple[str, str], k: int) -> Finding:
    a, b = (
        Outcomes(name, {seed: {one.question_id: one.passed(k) for one in tries} for seed, tries in every[name].items()})
        for name in pair
    )
    return contrast(f"pass@{k}", a, b, margin=None, primary=False, family=FAMILY)[0]


def _greedy_gains(conditions: Sequence[Mapping[str, Any]], name: str, other: str) -> dict[str, float | None]:
    """The gain of greedy answers by any way of reading, and of the strict reading beyond it; means over seeds."""

    def gain(field: str) -> float | None:
        sides = [
            [row[field] for row in conditions if row["name"] == condition and row[field] is not None]
            for condition in (name, other)
        ]
        if not all(sides):
            return None
        own, others = (sum(values) / len(values) for values in sides)
        return float(own - others)

    reasoning, strict = gain("accuracy"), gain("strict_accuracy")
    if reasoning is None or strict is None:
        return {"reasoning": None, "format": None}
    return {"reasoning": reasoning, "format": strict - reasoning}
