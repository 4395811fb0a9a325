"""The content of ``results.json``, of a complete or a partial run, and the warnings printed with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from noisy_student.answers.extract import MOST_ANSWERS
from noisy_student.data.spec import ForeignSpec
from noisy_student.study.results.conditions import condition_row, round_rows
from noisy_student.study.results.costs import costs
from noisy_student.study.results.findings import beaten, criteria, findings, gaps, outcomes_of
from noisy_student.study.results.gold import gold_notes, withheld
from noisy_student.study.results.labels import label_row, predictions, selections, unlabeled_notes
from noisy_student.study.results.pass_at_k import pass_at_k_rows
from noisy_student.study.results.preflight import preflight
from noisy_student.study.results.probes import probe_rows
from noisy_student.study.results.view import RunView
from noisy_student.study.settings.conditions import UntrainedCondition
from noisy_student.study.settings.decisions import decided
from noisy_student.study.settings.study import Settings

SCHEMA = 1
SHOWN = 5
"""Ids named of the questions that are too long."""
HOPELESS = 0.05
"""Accuracy of an untrained model below which its votes teach nothing (the plan asks for 20 %)."""


def collect(view: RunView) -> dict[str, Any]:
    """Return the results of a run, as ``design.md`` section 3 describes them."""
    settings, result = view.settings, view.result
    outcomes = outcomes_of(view)
    rows = [condition_row(nodes, view) for nodes in view.plan.conditions]
    found = withheld(settings, findings(settings, outcomes), rows)
    held = beaten(settings, found)
    conditions = [{**row, "beaten": held.get(row["name"])} for row in rows]
    selected = list(selections(view))
    labels = [label_row(nodes, view) for nodes in view.plan.labels]
    drawn = [
        {**summary, "part": node.spec["part"]}
        for node in view.nodes
        if node.stage == "sample" and (summary := view.summary(node))
    ]
    failed = any(outcome.kind == "failed" for outcome in result.outcomes.values())
    results: dict[str, Any] = {
        "schema": SCHEMA,
        "study": settings.name,
        "question": settings.question,
        "scale": settings.scale,
        "protocol": settings.protocol,
        "model": settings.model.id,
        "data": _data(view),
        "seeds": list(settings.seeds),
        "status": "partial" if result.status == "done" and failed else result.status,
        "preflight": preflight(view, partial=True),
        "conditions": conditions,
        "labels": labels,
        "findings": [asdict(finding) for finding in found],
        "criteria": list(criteria(settings, found)),
        "ladder": list(probe_rows(view)),
        "rounds": list(round_rows(view)),
        "passes": pass_at_k_rows(view, conditions),
        "gap_recovered": list(gaps(settings, outcomes)),
        "selections": selected,
        "predictions": list(predictions(settings, selected)),
        "costs": costs(view),
        "notes": [*notes(settings, conditions, drawn), *unlabeled_notes(labels, settings), *_data_notes(view)],
        "settings": settings.model_dump(mode="json", by_alias=True),
    }
    return {**results, "decision": decided(settings.decide, results)}


def notes(
    settings: Settings, conditions: Sequence[Mapping[str, Any]], drawn: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """Yield the settings' own note, then warnings: a model that is hardly ever right, questions too long, floods.

    ``drawn`` holds the part and the summary of every sample node that has run.
    """
    if settings.note:
        yield settings.note
    for row in conditions:
        untrained = isinstance(settings.conditions[row["name"]], UntrainedCondition)
        if untrained and row["interval"] is not None and row["interval"][1] < HOPELESS:
            yield (
                f"{row['name']} answers {row['correct']} of {row['n']} questions right, so its votes would be wrong"
                " nearly always. Use easier questions, a stronger model or more labels first."
            )
    yield from gold_notes(conditions)
    for name, label in settings.labels.items():
        if label.stopping == "lossless" and not label.stops_early:
            yield f"labels.{name}: text = {label.text} needs all K samples, so early stopping saved none."
    for reason in sorted({one["fallback"] for one in drawn if one["fallback"] is not None}):
        yield (
            f"Samples were drawn by transformers' own forward pass, which is slower: the fast decoder does not support"
            f" this model: {reason}."
        )
    yield from _too_long(drawn)
    yield from _flooded(drawn)


def _too_long(drawn: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    named: dict[str, set[str]] = {}
    for one in drawn:
        named.setdefault(one["part"], set()).update(one["too_long"])
    for part, ids in named.items():
        if ids:
            shown = ", ".join(sorted(ids)[:SHOWN]) + (" and others" if len(ids) > SHOWN else "")
            yield f"{len(ids)} {part} questions are longer than the model's context and count as not answered: {shown}."


def _flooded(drawn: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    samples, flooded = (sum(one[name] for one in drawn) for name in ("samples", "flooded"))
    if flooded > samples / 100:
        yield (
            f"{flooded} of {samples} samples hold more than {MOST_ANSWERS} answers; the first after #### is read, else"
            " the last box; which of them is read is arbitrary."
        )


def _data(view: RunView) -> dict[str, Any]:
    spec = view.settings.data
    summary = view.summary(next(node for node in view.nodes if node.stage == "split"))
    return {
        "source": spec.source.kind,
        "dataset": spec.source.dataset,
        "parts": spec.source.parts,
        "counts": summary["counts"] if summary else None,
        "sizes": view.settings.facts["data"]["sizes"],
        "removed": summary["removed"] if summary else None,
        **({} if spec.foreign is None else {"foreign": _foreign(spec.foreign, summary)}),
    }


def _data_notes(view: RunView) -> Iterator[str]:
    """Yield a sentence on the user's rows that are in no part of the first seed, and one on retold questions."""
    summary = view.summary(next(node for node in view.nodes if node.stage == "split"))
    if not view.settings.own_data or summary is None:
        return
    for reason, left in summary.get("left_out", {}).items():
        yield f"Data: {left['count']} rows were left out ({reason}), such as {left['example']}."
    retold = summary.get("retold", {})
    if retold.get("count"):
        first = retold["shown"][0]
        yield (
            f"Data: {retold['count']} questions to learn from or to label have the numbers of a test or dev question in"
            f' other words and stay, such as "{first["text"]}" and "{first["other_text"]}".'
        )


def _foreign(spec: ForeignSpec, summary: Mapping[str, Any] | None) -> dict[str, Any]:
    counts = ("questions", "answered", "rows", "examined", "left_out", "found_by")
    found = summary["foreign"] if summary else {}
    return {
        "source": spec.family if spec.kind == "procedural" else spec.kind,
        "dataset": spec.dataset,
        "parts": spec.parts,
        "exclude_sources": list(spec.exclude_sources),
        **{name: found.get(name) for name in counts},
    }
