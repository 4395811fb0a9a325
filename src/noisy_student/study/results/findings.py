"""Findings of a run: declared and exploratory comparisons, criteria, controls, and the gap that students recover."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from noisy_student.evaluation.contrast import Outcomes, beats_control, contrast, criterion_answer, judge
from noisy_student.records import Finding
from noisy_student.statistics.gap import gap_recovered
from noisy_student.study.results.view import RunView
from noisy_student.study.settings.comparisons import ContrastSettings
from noisy_student.study.settings.conditions import UntrainedCondition
from noisy_student.study.settings.study import Settings


def outcomes_of(view: RunView) -> dict[str, Outcomes]:
    """Return the correctness of each graded condition by seed and question."""
    by_name: dict[str, dict[int, dict[str, float]]] = {}
    for nodes in view.plan.conditions:
        if view.outcome(nodes.grade) == "done":
            right = {row.question_id: float(row.correct) for row in view.grades(nodes.grade)}
            by_name.setdefault(nodes.name, {})[nodes.seed] = right
    return {name: Outcomes(name, by_seed) for name, by_seed in by_name.items()}


def findings(settings: Settings, outcomes: Mapping[str, Outcomes]) -> list[Finding]:
    """Return the declared comparisons, then the exploratory ones: a condition with the reference, and with its control.

    Holm counts the declared comparisons, so a run that lost one is not judged more mildly.
    """
    made: list[Finding] = []
    for name, item in settings.primary.items():
        sides = _sides(outcomes, item)
        if sides is not None:
            made += contrast(name, *sides, margin=item.margin, primary=True, family="primary")
    for a, b in _explored(settings):
        if _comparable(outcomes, a, b):
            name = f"{a} against {b}"
            made += contrast(name, outcomes[a], outcomes[b], margin=None, primary=False, family="exploratory")
    return judge(made, declared=len(settings.primary))


def criteria(settings: Settings, found: Sequence[Finding]) -> Iterator[dict[str, Any]]:
    """Yield a row for each primary comparison with an expectation; ``answer`` is None where it was not made."""
    made = {finding.name: finding for finding in found if finding.primary}
    for name, declared in settings.primary.items():
        if declared.expected is None:
            continue
        finding = made.get(name)
        measured = {field: getattr(finding, field, None) for field in ("difference", "interval", "verdict")}
        yield {
            "name": name,
            **declared.model_dump(mode="json"),
            # Of a difference of differences these are the pairs.
            **({} if finding is None else {"a": finding.a, "b": finding.b}),
            **measured,
            "answer": None if finding is None else criterion_answer(declared.expected, finding),
        }


def beaten(settings: Settings, found: Sequence[Finding]) -> dict[str, bool | None]:
    """Return for each control whether its condition is better; None where nothing was measured."""
    controls = {name: item.control_of for name, item in settings.conditions.items()}
    return {name: beats_control(other, name, found) for name, other in controls.items() if other is not None}


def gaps(settings: Settings, outcomes: Mapping[str, Outcomes]) -> Iterator[dict[str, Any]]:
    """Yield each student's share of the gap between reference and ceiling, over the questions of all common seeds."""
    ends = (settings.reference, settings.ceiling)
    if not set(ends) <= set(outcomes):
        return
    reference, ceiling = (settings.conditions[name] for name in ends)
    if reference.graded_on != ceiling.graded_on:
        return
    for name in outcomes:
        own = settings.conditions[name]
        apart = own.graded_on != reference.graded_on or own.model != reference.model
        if isinstance(own, UntrainedCondition) or name in ends or apart:
            continue
        sides = [outcomes[other].by_seed for other in (name, *ends)]
        seeds = sorted(set.intersection(*map(set, sides)))
        columns = [[side[seed][i] for seed in seeds for i in sorted(side[seed])] for side in sides]
        recovered = gap_recovered(*columns, run_seed=0) if columns[0] else None
        if recovered is not None:
            yield {"condition": name, "estimate": recovered.share, "interval": list(recovered.interval)}


def _sides(outcomes: Mapping[str, Outcomes], item: ContrastSettings) -> tuple[Outcomes, Outcomes] | None:
    """The sides of a declared comparison, each a condition or a difference of two; None where one was not graded."""
    if not _comparable(outcomes, item.a, item.b):
        return None
    if item.beyond is None:
        return outcomes[item.a], outcomes[item.b]
    if not _comparable(outcomes, item.beyond.a, item.beyond.b):
        return None
    sides = [outcomes[a].minus(outcomes[b]) for a, b in ((item.a, item.b), (item.beyond.a, item.beyond.b))]
    return (sides[0], sides[1]) if set(sides[0].by_seed) & set(sides[1].by_seed) else None


def _explored(settings: Settings) -> Iterator[tuple[str, str]]:
    """Pairs that no primary comparison names: a condition and the reference, a condition and its control."""
    declared = {frozenset((item.a, item.b)) for item in settings.primary.values() if item.beyond is None}
    pairs = [(name, settings.reference) for name in settings.conditions if settings.reference in settings.conditions]
    pairs += [(item.control_of, name) for name, item in settings.conditions.items() if item.control_of is not None]
    for a, b in dict.fromkeys(pairs):
        same_part = settings.conditions[a].graded_on == settings.conditions[b].graded_on
        if a != b and same_part and frozenset((a, b)) not in declared:
            yield a, b


def _comparable(outcomes: Mapping[str, Outcomes], a: str, b: str) -> bool:
    """Return whether both were graded for a seed in common; a run that was paused may lack one."""
    return a in outcomes and b in outcomes and bool(set(outcomes[a].by_seed) & set(outcomes[b].by_seed))
