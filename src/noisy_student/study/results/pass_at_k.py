"""Whether students learned something or became surer of what their model could do: pass@1 against pass@K.

Only conditions that answered test questions many times over (``passes``) take part; each is set against the untrained
model and the reference, where those did so too. All of it is exploratory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from noisy_student import files
from noisy_student.evaluation.contrast import Outcomes, contrast, judge
from noisy_student.evaluation.passes import Tries
from noisy_student.pipeline.store import Store
from noisy_student.records import Finding
from noisy_student.study.plan.plan import Plan
from noisy_student.study.settings.study import Settings

FAMILY = "passes"


def passes(plan: Plan, store: Store, conditions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """``curves``: a row a condition and seed; ``gains``: a row a pair, with what it gained at 1 and at K tries.

    ``conditions`` are the run's rows, for the greedy answers: ``reasoning`` is what was gained by any way of reading,
    ``format`` what the strict reading gained beyond that.
    """
    every = _tries(plan, store)
    curves = [
        {
            "condition": name,
            "seed": seed,
            "questions": len(found),
            "k": found[0].k,
            "points": _points(plan, store, name, seed),
        }
        for name, by_seed in every.items()
        for seed, found in by_seed.items()
    ]
    pairs = list(_pairs(plan.settings, every))
    judged = judge([finding for pair in pairs for k in _ends(every) for finding in _contrast(every, pair, k)[:1]])
    gains = []
    for place, (name, other) in enumerate(pairs):
        first, last = judged[2 * place : 2 * place + 2]
        greedy = _greedy_gains(conditions, name, other)
        gains.append(
            {"a": name, "b": other, "one": asdict(first), "many": asdict(last), **greedy, "kind": kind(first, last)}
        )
    return {"curves": curves, "gains": gains}


def kind(one: Finding, many: Finding) -> str:
    """What a pair of findings at 1 and at K tries says; adjusted p values decide, at .05.

    ``learned``: it does in K tries what the other does in none. ``sharpened``: it is surer of what the other could do;
    ``narrowed`` that and no longer all of it. ``worse`` at one try, else ``unclear``.
    """
    up, down = _sure(one, 1), _sure(one, -1)
    if _sure(many, 1):
        return "learned"
    if _sure(many, -1):
        return "narrowed" if up else "worse"
    return "sharpened" if up else "worse" if down else "unclear"


def _sure(finding: Finding, sign: int) -> bool:
    known = finding.difference is not None and finding.p_adjusted is not None
    return known and sign * (finding.difference or 0) > 0 and (finding.p_adjusted or 0) <= 0.05


def _tries(plan: Plan, store: Store) -> dict[str, dict[int, list[Tries]]]:
    found: dict[str, dict[int, list[Tries]]] = {}
    for nodes in plan.conditions:
        if plan.settings.conditions[nodes.name].passes and store.outcome(nodes.grade) == "done":
            rows = files.read_jsonl(store.data(nodes.grade) / "passes.jsonl")
            made = [Tries(**{**row, "wrong": tuple(row["wrong"])}) for row in rows]
            found.setdefault(nodes.name, {})[nodes.seed] = made
    return found


def _points(plan: Plan, store: Store, name: str, seed: int) -> list[dict[str, float]]:
    nodes = next(item for item in plan.conditions if (item.name, item.seed) == (name, seed))
    found: list[dict[str, float]] = (store.summary(nodes.grade) or {})["passes"]["points"]
    return found


def _pairs(settings: Settings, every: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
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


def _ends(every: Mapping[str, Mapping[int, Sequence[Tries]]]) -> tuple[int, int]:
    """1 and the K of the draw."""
    return 1, next(tries[0].k for by_seed in every.values() for tries in by_seed.values())


def _contrast(every: Mapping[str, Mapping[int, Sequence[Tries]]], pair: tuple[str, str], k: int) -> tuple[Finding, ...]:
    a, b = (
        Outcomes(name, {seed: {one.question_id: one.passed(k) for one in tries} for seed, tries in every[name].items()})
        for name in pair
    )
    return contrast(f"pass@{k}", a, b, margin=None, primary=False, family=FAMILY)


def _greedy_gains(conditions: Sequence[Mapping[str, Any]], name: str, other: str) -> dict[str, float | None]:
    """What the greedy answers gained by any way of reading, and the strict reading beyond it; means over seeds."""

    def mean(condition: str, field: str) -> float | None:
        values = [row[field] for row in conditions if row["name"] == condition and row[field] is not None]
        return sum(values) / len(values) if values else None

    read = [mean(condition, "accuracy") for condition in (name, other)]
    strict = [mean(condition, "strict_accuracy") for condition in (name, other)]
    if None in read or None in strict:
        return {"reasoning": None, "format": None}
    reasoning = (read[0] or 0) - (read[1] or 0)
    return {"reasoning": reasoning, "format": (strict[0] or 0) - (strict[1] or 0) - reasoning}
