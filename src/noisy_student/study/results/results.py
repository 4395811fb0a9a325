"""From the store to ``results.json``: conditions, labels and findings of a run, whatever part of it is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from noisy_student.data.foreign_spec import ForeignSpec
from noisy_student.evaluation.contrast import Outcomes, contrast, judge
from noisy_student.evaluation.grade import read_grades
from noisy_student.pipeline.node import Node, parents_first
from noisy_student.pipeline.runner import Result
from noisy_student.pipeline.store import Store
from noisy_student.records import Finding
from noisy_student.statistics.gap import gap_recovered
from noisy_student.statistics.intervals import wilson
from noisy_student.study.plan.nodes import ConditionNodes, trained_by
from noisy_student.study.plan.plan import Plan
from noisy_student.study.results.costs import costs
from noisy_student.study.results.findings import beaten, criteria
from noisy_student.study.results.labels import label_row, predictions, selections
from noisy_student.study.results.notes import Drawn, notes
from noisy_student.study.results.pass_at_k import passes
from noisy_student.study.results.preflight import preflight
from noisy_student.study.results.probes import ladder
from noisy_student.study.results.rounds import round_rows
from noisy_student.study.results.training import health
from noisy_student.study.settings.conditions import ConditionSettings
from noisy_student.study.settings.decisions import decided
from noisy_student.study.settings.study import ContrastSettings, Settings

SCHEMA = 1
EPISODES = ("gold_episodes", "pseudo_episodes", "revealed_episodes", "groups", "reward_bits")
"""What only GRPO counts."""


def collect(plan: Plan, result: Result, store: Store) -> dict[str, Any]:
    """The results of a run, complete or partial, as ``design.md`` section 3 has them."""
    settings = plan.settings
    outcomes = _outcomes(plan, store)
    found = findings(settings, outcomes)
    held = beaten(settings, found)
    conditions = [
        {**_condition(nodes, settings, result, store), "beaten": held.get(nodes.name)} for nodes in plan.conditions
    ]
    selected = list(selections(plan, store))
    results: dict[str, Any] = {
        "schema": SCHEMA,
        "study": settings.name,
        "question": settings.question,
        "scale": settings.scale,
        "protocol": settings.protocol,
        "model": settings.model.id,
        "data": _data(plan, store),
        "seeds": list(settings.seeds),
        "status": "partial" if result.status == "done" and _failed(result) else result.status,
        "preflight": preflight(plan, result, store),
        "conditions": conditions,
        "labels": [label_row(nodes, settings, store) for nodes in plan.labels],
        "findings": [asdict(finding) for finding in found],
        "criteria": list(criteria(settings, found)),
        "ladder": list(ladder(plan, store)),
        "rounds": list(round_rows(plan, store)),
        "passes": passes(plan, store, conditions),
        "gap_recovered": list(_gaps(settings, outcomes)),
        "selections": selected,
        "predictions": list(predictions(settings, selected)),
        "costs": costs(parents_first(plan.targets), store, settings.compute),
        "notes": list(notes(settings, conditions, _drawn(plan, store))),
        "settings": settings.model_dump(mode="json", by_alias=True),
    }
    return {**results, "decision": decided(settings.decide, results)}


def findings(settings: Settings, outcomes: Mapping[str, Outcomes]) -> list[Finding]:
    """The declared comparisons with Holm; exploratory, every other condition against the reference and its controls.

    Holm counts what was declared, so a run that lost a comparison is not judged more mildly.
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
    """Pairs to look at that no primary comparison names: a condition and the reference, a condition and its control."""
    declared = {frozenset((item.a, item.b)) for item in settings.primary.values() if item.beyond is None}
    pairs = [(name, settings.reference) for name in settings.conditions if settings.reference in settings.conditions]
    pairs += [(item.control_of, name) for name, item in settings.conditions.items() if item.control_of is not None]
    for a, b in dict.fromkeys(pairs):
        same_part = settings.conditions[a].graded_on == settings.conditions[b].graded_on
        if a != b and same_part and frozenset((a, b)) not in declared:
            yield a, b


def _comparable(outcomes: Mapping[str, Outcomes], a: str, b: str) -> bool:
    """Whether both were graded for a seed in common; a run that was paused may lack one."""
    return a in outcomes and b in outcomes and bool(set(outcomes[a].by_seed) & set(outcomes[b].by_seed))


def _drawn(plan: Plan, store: Store) -> Iterator[Drawn]:
    """What was drawn, by node; nothing of nodes that have not run."""
    for node in parents_first(plan.targets):
        if node.stage == "sample" and (summary := store.summary(node)):
            yield Drawn(
                node.spec["part"],
                summary["samples"],
                summary["too_long"],
                summary["flooded"],
                summary["fallback"],
            )


def _outcomes(plan: Plan, store: Store) -> dict[str, Outcomes]:
    """Correctness by condition, seed and question, of what was graded."""
    by_name: dict[str, dict[int, dict[str, float]]] = {}
    for nodes in plan.conditions:
        if store.outcome(nodes.grade) == "done":
            rows = read_grades(store.data(nodes.grade) / "grades.jsonl")
            by_name.setdefault(nodes.name, {})[nodes.seed] = {row.question_id: float(row.correct) for row in rows}
    return {name: Outcomes(name, by_seed) for name, by_seed in by_name.items()}


def _condition(nodes: ConditionNodes, settings: Settings, result: Result, store: Store) -> dict[str, Any]:
    condition = settings.conditions[nodes.name]
    row: dict[str, Any] = {
        "name": nodes.name,
        "method": condition.method,
        "seed": nodes.seed,
        "control_of": condition.control_of,
        "graded_on": condition.graded_on,
        "learns_from": list(_learned(condition, settings)),
        **_status(nodes.grade, result, store),
        **_accuracy(store.summary(nodes.grade)),
    }
    training = trained_by(nodes.train, store)
    trained = store.summary(training)
    tuned = store.summary(nodes.train) if nodes.train is not training else None
    sampled = [store.summary(node) or {} for node in nodes.grade.parents if node.stage == "sample"]
    rollouts = trained.get("sampled_tokens", 0) if trained else 0
    own = [training, nodes.grade, *(node for node in nodes.grade.parents if node.stage == "sample")]
    return {
        **row,
        "trained_on": trained["examples"] if trained else None,
        "label_accuracy": _label_accuracy(store.summary(nodes.quality)),
        "steps": trained["steps"] if trained else None,
        **{name: trained.get(name) if trained else None for name in EPISODES},
        "trained_tokens": trained["trained_tokens"] if trained else None,
        "trainable_parameters": trained["trainable_parameters"] if trained else None,
        "tried": tuned.get("tried") if tuned else None,
        "last": tuned.get("name") if tuned else None,
        "learning_rate": _learning_rate(training),
        "health": health(training, store, name=nodes.name, own=condition.grpo),
        "group_quality": store.summary(nodes.groups),
        "sampled_tokens": rollouts + sum(summary.get("tokens", 0) for summary in sampled) or None,
        "seconds": _seconds(store, own),
    }


def _learned(condition: ConditionSettings, settings: Settings) -> tuple[str, ...]:
    """What it learns from; the last of a chain, what the chain learns from."""
    return settings.conditions[condition.last_of[-1]].train if condition.last_of else condition.train


def _learning_rate(training: Node | None) -> float | None:
    """The peak learning rate of a student, after any choice on dev."""
    if training is None:
        return None
    return float(training.spec["grpo" if training.stage == "train-grpo" else "sft"]["learning_rate"])


def _label_accuracy(judged: Mapping[str, Any] | None) -> float | None:
    """The share of the pseudo-labels learned from that are right."""
    labels = judged["labels"] if judged is not None else None
    return labels["right"] / labels["labels"] if labels and labels["labels"] else None


def _accuracy(graded: Mapping[str, Any] | None) -> dict[str, Any]:
    names = ("accuracy", "interval", "n", "correct", "strict_accuracy", "truncated", "sampled_accuracy", "stop_rate")
    if graded is None or not graded["grades"]["n"]:
        return dict.fromkeys(names)
    main, sampled = graded["grades"], graded["sampled"]
    interval = wilson(main["correct"], main["n"])
    return {
        "accuracy": main["correct"] / main["n"],
        "interval": [interval.low, interval.high],
        "n": main["n"],
        "correct": main["correct"],
        "strict_accuracy": main["strict"] / main["n"],
        "truncated": main["truncated"] / main["n"],
        "sampled_accuracy": sampled["correct"] / sampled["n"] if sampled["n"] else None,
        "stop_rate": graded["stop_rate"],
    }


def _status(grade: Node, result: Result, store: Store) -> dict[str, Any]:
    """Whether a condition is done, skipped, failed or left, and why."""
    manifest = store.manifest(grade)
    if manifest is not None:
        return {"status": manifest.outcome, "reason": manifest.reason}
    reached = [(node, result.outcomes.get(node.key)) for node in parents_first([grade])]
    own = result.outcomes.get(grade.key)
    if own is not None and own.kind == "skipped":
        return {"status": "skipped", "reason": own.reason}
    for node, outcome in reached:
        if outcome is not None and outcome.kind == "failed":
            return {"status": "failed", "reason": f"{node.title}: {outcome.reason}"}
    return {"status": "left", "reason": "not reached yet; run the same command again"}


def _gaps(settings: Settings, outcomes: Mapping[str, Outcomes]) -> Iterator[dict[str, Any]]:
    """Each student's share of the gap between reference and ceiling, over all seeds' questions."""
    ends = (settings.reference, settings.ceiling)
    if not set(ends) <= set(outcomes):
        return
    reference, ceiling = (settings.conditions[name] for name in ends)
    if reference.graded_on != ceiling.graded_on:
        return
    for name in outcomes:
        own = settings.conditions[name]
        apart = own.graded_on != reference.graded_on or own.model != reference.model
        if settings.conditions[name].method == "none" or name in ends or apart:
            continue
        columns: list[list[float]] = [[], [], []]
        seeds = set.intersection(*(set(outcomes[other].by_seed) for other in (name, *ends)))
        for seed in sorted(seeds):
            rows = [outcomes[other].by_seed[seed] for other in (name, *ends)]
            for column, row in zip(columns, rows, strict=True):
                column += [row[question_id] for question_id in sorted(row)]
        recovered = gap_recovered(*columns, run_seed=0) if columns[0] else None
        if recovered is not None:
            interval = [recovered.interval.low, recovered.interval.high]
            yield {"condition": name, "estimate": recovered.share, "interval": interval}


def _data(plan: Plan, store: Store) -> dict[str, Any]:
    """The source and the counts of each part, from the first seed's split."""
    spec = plan.settings.data
    split = next(node for node in parents_first(plan.targets) if node.stage == "split")
    summary = store.summary(split)
    return {
        "source": spec.source.kind,
        "dataset": spec.source.dataset,
        "parts": spec.source.parts,
        "counts": summary["counts"] if summary else None,
        "removed": summary["removed"] if summary else None,
        **({} if spec.foreign is None else {"foreign": _foreign(spec.foreign, summary)}),
    }


def _foreign(spec: ForeignSpec, summary: Mapping[str, Any] | None) -> dict[str, Any]:
    """Where foreign questions come from, and how many were left out for which reason."""
    counts = ("questions", "answered", "rows", "examined", "left_out", "found_by")
    found = summary["foreign"] if summary else {}
    return {
        "source": spec.family if spec.kind == "procedural" else spec.kind,
        "dataset": spec.dataset,
        "parts": spec.parts,
        "exclude_sources": list(spec.exclude_sources),
        **{name: found.get(name) for name in counts},
    }


def _seconds(store: Store, nodes: Sequence[Node | None]) -> float | None:
    manifests = [store.manifest(node) for node in nodes if node is not None]
    known = [manifest.provenance["seconds"] for manifest in manifests if manifest is not None]
    return round(sum(known), 1) if known else None


def _failed(result: Result) -> bool:
    return any(outcome.kind == "failed" for outcome in result.outcomes.values())
