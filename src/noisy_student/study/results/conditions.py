"""A row for each condition and seed: how it ended, its accuracy, its training; and for each round, its review."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from noisy_student.pipeline.node import Node
from noisy_student.statistics.intervals import wilson
from noisy_student.study.plan.nodes import ConditionNodes
from noisy_student.study.results.gold import gold_row
from noisy_student.study.results.training import health
from noisy_student.study.results.view import RunView
from noisy_student.study.settings.conditions import ConditionSettings
from noisy_student.study.settings.methods import METHODS, of_stage
from noisy_student.study.settings.study import Settings


def condition_row(nodes: ConditionNodes, view: RunView) -> dict[str, Any]:
    """Return the row of one condition and seed, complete or not."""
    condition = view.settings.conditions[nodes.name]
    training = view.trained(nodes.train)
    trained = view.summary(training) or {}
    tuned = (view.summary(nodes.train) or {}) if nodes.train is not training else {}
    # Only some methods have these counts, such as GRPO's episodes.
    reported = [count for method in METHODS for count in METHODS.get(method).reported]
    samples = [node for node in nodes.grade.parents if node.stage == "sample"]
    graded = sum((view.summary(node) or {}).get("tokens", 0) for node in samples)
    return {
        "name": nodes.name,
        "method": condition.method,
        "seed": nodes.seed,
        "control_of": condition.control_of,
        "graded_on": condition.graded_on,
        "learns_from": list(_sources(condition, view.settings)),
        **_status(nodes.grade, view),
        **_accuracy(view.summary(nodes.grade)),
        "trained_on": trained.get("examples"),
        "gold": gold_row(nodes, view),
        "label_accuracy": _label_accuracy(view.summary(nodes.quality)),
        **{name: trained.get(name) for name in ("steps", *reported, "trained_tokens", "trainable_parameters")},
        "tried": tuned.get("tried"),
        "last": tuned.get("name"),
        "learning_rate": _learning_rate(training),
        "health": health(training, view, name=nodes.name, own=condition.overrides),
        "group_quality": view.summary(nodes.groups),
        "measures": {stage: view.summary(node) for stage, node in nodes.measures.items()},
        "sampled_tokens": trained.get("sampled_tokens", 0) + graded or None,
        "seconds": _seconds(view, [training, nodes.grade, *samples]),
    }


def round_rows(view: RunView) -> Iterator[dict[str, Any]]:
    """Yield a row a condition and seed under review; ``status`` is accepted, turned down, skipped or left."""
    for nodes in view.plan.conditions:
        accept = view.settings.conditions[nodes.name].accept
        if accept is None or nodes.review is None:
            continue
        row: dict[str, Any] = {"condition": nodes.name, "seed": nodes.seed, "against": accept.against}
        found = view.summary(nodes.review)
        if found is None:
            yield {**row, "status": view.outcome(nodes.review) or "left", "reason": view.reason(nodes.review)}
            continue
        measured = ("reason", "p_worse", "level", "alarms", "questions", "before", "now")
        yield {
            **row,
            "status": "accepted" if found["accepted"] else "turned down",
            **{name: found[name] for name in measured},
            "selected": _selected(nodes, view),
            "lineage": view.summary(nodes.lineage),
        }


def _sources(condition: ConditionSettings, settings: Settings) -> tuple[str, ...]:
    """Return the training sources; for the end of a chain, those of the chain's last round."""
    return settings.conditions[condition.last_of[-1]].train if condition.last_of else condition.train


def _learning_rate(training: Node | None) -> float | None:
    method = None if training is None else of_stage(training.stage)
    if training is None or method is None:
        return None
    rate = training.spec.get(method[0], {}).get("learning_rate")
    return None if rate is None else float(rate)


def _label_accuracy(judged: Mapping[str, Any] | None) -> float | None:
    labels = judged["labels"] if judged is not None else None
    return labels["right"] / labels["labels"] if labels and labels["labels"] else None


def _accuracy(graded: Mapping[str, Any] | None) -> dict[str, Any]:
    names = ("accuracy", "interval", "n", "correct", "strict_accuracy", "truncated", "sampled_accuracy", "stop_rate")
    if graded is None or not graded["grades"]["n"]:
        return dict.fromkeys(names)
    main, sampled = graded["grades"], graded["sampled"]
    return {
        "accuracy": main["correct"] / main["n"],
        "interval": list(wilson(main["correct"], main["n"])),
        "n": main["n"],
        "correct": main["correct"],
        "strict_accuracy": main["strict"] / main["n"],
        "truncated": main["truncated"] / main["n"],
        "sampled_accuracy": sampled["correct"] / sampled["n"] if sampled["n"] else None,
        "stop_rate": graded["stop_rate"],
    }


def _status(grade: Node, view: RunView) -> dict[str, Any]:
    stored = view.outcome(grade)
    if stored is not None:
        return {"status": stored, "reason": view.reason(grade)}
    own = view.result.outcomes.get(grade.key)
    if own is not None and own.kind == "skipped":
        return {"status": "skipped", "reason": own.reason}
    failure = view.failure(grade)
    if failure is not None:
        return {"status": "failed", "reason": failure}
    return {"status": "left", "reason": "not reached yet; run the same command again"}


def _seconds(view: RunView, nodes: list[Node | None]) -> float | None:
    known = [took["seconds"] for node in nodes if (took := view.provenance(node))]
    return round(sum(known), 1) if known else None


def _selected(nodes: ConditionNodes, view: RunView) -> int | None:
    """The number of questions whose labels a round learned from; None unless it has a single set of them."""
    learned = [] if nodes.learned is None else nodes.learned.inputs.get("labels", ())
    summary = view.summary(learned[0]) if len(learned) == 1 else None
    return None if summary is None else int(summary["questions"])
