"""The content of ``results.json``, of a complete or a partial run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from noisy_student.data.spec import ForeignSpec
from noisy_student.study.results.conditions import condition_row, round_rows
from noisy_student.study.results.costs import costs
from noisy_student.study.results.findings import beaten, criteria, findings, gaps, outcomes_of
from noisy_student.study.results.labels import label_row, predictions, selections
from noisy_student.study.results.notes import Drawn, notes
from noisy_student.study.results.pass_at_k import pass_at_k_rows
from noisy_student.study.results.preflight import preflight
from noisy_student.study.results.probes import probe_rows
from noisy_student.study.results.view import RunView
from noisy_student.study.settings.decisions import decided

SCHEMA = 1


def collect(view: RunView) -> dict[str, Any]:
    """Return the results of a run, as ``design.md`` section 3 describes them."""
    settings, result = view.settings, view.result
    outcomes = outcomes_of(view)
    found = findings(settings, outcomes)
    held = beaten(settings, found)
    conditions = [{**condition_row(nodes, view), "beaten": held.get(nodes.name)} for nodes in view.plan.conditions]
    selected = list(selections(view))
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
        "preflight": preflight(view),
        "conditions": conditions,
        "labels": [label_row(nodes, view) for nodes in view.plan.labels],
        "findings": [asdict(finding) for finding in found],
        "criteria": list(criteria(settings, found)),
        "ladder": list(probe_rows(view)),
        "rounds": list(round_rows(view)),
        "passes": pass_at_k_rows(view, conditions),
        "gap_recovered": list(gaps(settings, outcomes)),
        "selections": selected,
        "predictions": list(predictions(settings, selected)),
        "costs": costs(view),
        "notes": list(notes(settings, conditions, _drawn(view))),
        "settings": settings.model_dump(mode="json", by_alias=True),
    }
    return {**results, "decision": decided(settings.decide, results)}


def _drawn(view: RunView) -> Iterator[Drawn]:
    """The samples of each node that has run."""
    names = ("samples", "too_long", "flooded", "fallback")
    for node in view.nodes:
        if node.stage == "sample" and (summary := view.summary(node)):
            yield Drawn(node.spec["part"], *(summary[name] for name in names))


def _data(view: RunView) -> dict[str, Any]:
    """The source and the counts of each part, from the first seed's split."""
    spec = view.settings.data
    summary = view.summary(next(node for node in view.nodes if node.stage == "split"))
    return {
        "source": spec.source.kind,
        "dataset": spec.source.dataset,
        "parts": spec.source.parts,
        "counts": summary["counts"] if summary else None,
        "removed": summary["removed"] if summary else None,
        **({} if spec.foreign is None else {"foreign": _foreign(spec.foreign, summary)}),
    }


def _foreign(spec: ForeignSpec, summary: Mapping[str, Any] | None) -> dict[str, Any]:
    """The source of foreign questions, and how many were left out for each reason."""
    counts = ("questions", "answered", "rows", "examined", "left_out", "found_by")
    found = summary["foreign"] if summary else {}
    return {
        "source": spec.family if spec.kind == "procedural" else spec.kind,
        "dataset": spec.dataset,
        "parts": spec.parts,
        "exclude_sources": list(spec.exclude_sources),
        **{name: found.get(name) for name in counts},
    }
