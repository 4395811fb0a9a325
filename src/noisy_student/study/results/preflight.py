"""The pre-flight's verdict: the measurements of its nodes, judged by the table of checks.

It is computed from stored results, as findings are, and is no node: keys of a study do not depend on it, so they are
the same with the checks switched off, or passed on another machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from noisy_student.data.parts import sizes_of
from noisy_student.errors import UserError
from noisy_student.evaluation.preflight import (
    baseline_accuracy,
    completion,
    dtype,
    extractor,
    memory,
    overlap,
    parsing,
    pool_gap,
    speed,
    stop_ids,
    template,
    truncation,
    vote_quality,
)
from noisy_student.evaluation.preflight.facts import (
    Batches,
    Completion,
    Disk,
    Facts,
    Overlap,
    PoolGap,
    Reading,
    Rehearsal,
    Rendered,
    Speed,
    StopIds,
    Votes,
)
from noisy_student.evaluation.preflight.rules import judged
from noisy_student.models import lab
from noisy_student.pipeline.node import Node
from noisy_student.study.plan.preflight import PreflightNodes
from noisy_student.study.results.view import RunView
from noisy_student.study.settings.conditions import GrpoCondition, overridden
from noisy_student.study.settings.methods import of_stage
from noisy_student.study.settings.study import Settings

WEIGHT = 4
"""Bytes of a weight on disk; the state of a training has AdamW's two moments beside it."""
STATE = 3 * WEIGHT
"""Of a weight in the state that a training saves."""
MODEL_CHECKS = (speed.NAME, stop_ids.NAME, template.NAME, dtype.NAME, completion.NAME)
VOTE_CHECKS = (vote_quality.NAME, parsing.NAME, truncation.NAME)


def preflight(view: RunView) -> list[dict[str, Any]]:
    """Return a row a check; empty for a run without pre-flight, or whose checks were not all reached."""
    nodes = view.plan.preflight
    if nodes is None or _unreached(nodes, view):
        return []
    return [check.row for check in judged(facts(nodes, view))]


def failures(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a sentence for each failed check: the measurement and the remedy."""
    return [
        f"{row['check']} ({row['measured']})" + (f": {row['remedy']}" if row["remedy"] else "")
        for row in rows
        if row["outcome"] == "fail"
    ]


def facts(nodes: PreflightNodes, view: RunView) -> Facts:
    """Return the measurements from the summaries of the nodes; those that are missing are named with the reason."""
    settings = view.settings
    unseen, model = view.summary(nodes.unseen), view.summary(nodes.model)
    gold, rehearsed = view.summary(nodes.gold), view.summary(nodes.rehearsal)
    votes = [view.summary(node) for node in nodes.votes]
    pool, test = view.summary(nodes.pool), view.summary(nodes.test)
    known = (model or {}).get("completion")
    return Facts(
        asked=_asked(unseen),
        baseline=_votes(view.summary(nodes.baseline)),
        votes=tuple(made for found in votes if (made := _votes(found)) is not None),
        labels={name: label.K for name, label in settings.labels.items() if label.rule == "vote"},
        cap=settings.sampling.max_new_tokens,
        speed=Speed(**model["speed"]) if model else None,
        stop_ids=StopIds(**_tuples(model["stop_ids"])) if model else None,
        rendered=Rendered(**model["rendered"]) if model else None,
        reading=Reading(**_tuples(gold["reading"])) if gold else None,
        dtype=model["dtype"] if model else None,
        overlap=Overlap(gold["questions"], gold["removed"], gold["left"]) if gold else None,
        batches=tuple(batches(settings)),
        workers=settings.compute.workers,
        rehearsals=tuple(Rehearsal(**row) for row in rehearsed["rehearsals"]) if rehearsed else (),
        disk=None if model is None else _disk(model["parameters"], view),
        gap=_gap(pool, test),
        completion=Completion(**known) if known else None,
        missing=dict(_missing(nodes, view)),
        excused=dict(_excused(settings, nodes, known)),
    )


def batches(settings: Settings) -> Iterator[Batches]:
    """Yield the batches of the baseline and, where there is one, of the first GRPO condition."""
    sizes, sft = sizes_of(settings.data), settings.sft
    labeled = sizes.labeled - sizes.dev
    steps = sft.step_count(round(labeled * sft.epochs))
    yield Batches("sft", labeled, sft.batch, sft.micro_batch or sft.batch, steps)
    named = ((name, item) for name, item in settings.conditions.items() if isinstance(item, GrpoCondition))
    for name, condition in named:
        grpo = overridden(settings.grpo, condition.grpo, f"conditions.{name}.grpo")
        micro = grpo.micro_batch or grpo.batch
        yield Batches("grpo", labeled, grpo.batch, micro, grpo.step_count(labeled), "questions", grpo.generations)
        break


def _unreached(nodes: PreflightNodes, view: RunView) -> bool:
    """Return whether a deadline or a signal left nodes open; nodes below a failed one do not count."""
    failed = any(outcome.kind == "failed" for outcome in view.result.outcomes.values())
    return not failed and any(view.outcome(node) is None for node in nodes.targets)


def _votes(found: Mapping[str, Any] | None) -> Votes | None:
    return None if found is None or not found else Votes(**found)


def _asked(found: Mapping[str, Any] | None) -> str:
    if not found:
        return "unseen questions"
    spare = f" and {found['spare']} of the labeled source that no part holds" if found["spare"] else ""
    return f"{found['questions']} questions that no student is trained on ({found['dev']} dev{spare})"


def _gap(pool: Mapping[str, Any] | None, test: Mapping[str, Any] | None) -> PoolGap | None:
    if not pool or not test:
        return None
    return PoolGap(pool["questions"], pool["right"], test["grades"]["n"], test["grades"]["correct"])


def _disk(parameters: int, view: RunView) -> Disk:
    """The disk space of the students still to be trained; a merged student is as large as its base.

    A run of checks alone counts the conditions that would be trained.
    """
    settings = view.settings
    if settings.checks.only:
        trained = (item for item in settings.conditions.values() if item.train)
        waiting = sum(max(1, len(item.rates)) for item in trained) * len(settings.seeds)
    else:
        waiting = sum(of_stage(node.stage) is not None and view.outcome(node) is None for node in view.nodes)
    state = STATE * parameters * min(waiting, settings.compute.workers)
    return Disk(waiting, WEIGHT * parameters * waiting + state, view.free_bytes())


def _missing(nodes: PreflightNodes, view: RunView) -> Iterator[tuple[str, str]]:
    """The checks whose node is not done, each with the reason."""
    by_node: list[tuple[Node | None, Sequence[str]]] = [
        (nodes.baseline, (baseline_accuracy.NAME,)),
        (nodes.votes[0], VOTE_CHECKS),
        (nodes.model, (*MODEL_CHECKS, "disk")),
        (nodes.gold, (extractor.NAME, overlap.NAME)),
        (nodes.rehearsal, (memory.NAME,)),
        (nodes.pool, (pool_gap.NAME,)),
        (nodes.test, (pool_gap.NAME,)),
    ]
    for node, names in by_node:
        if node is not None and view.outcome(node) != "done":
            for name in names:
                yield name, view.reason(node) or view.failure(node) or ""


def _excused(settings: Settings, nodes: PreflightNodes, known: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    """The checks that do not apply to this run, each with the reason."""
    if "test" not in settings.data.source.parts:
        yield (
            pool_gap.NAME,
            "test and training questions are drawn at random from one source, so neither can be better known",
        )
    if settings.model.id in lab.names():
        yield completion.NAME, f"{settings.model.id} was pretrained here, on generated questions of another share"
    elif known is not None and not known["questions"]:
        yield completion.NAME, f"no question has {2 * completion.VERBATIM} tokens, of which half could be known"


def _tuples(found: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a JSON object with lists turned into tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}


def withheld(rows: Sequence[Mapping[str, Any]]) -> UserError:
    """Return the error that names every failed check, for a run that stops after its pre-flight."""
    return UserError(
        f"Pre-flight checks failed: {'; '.join(failures(rows))}.",
        why="The run itself would be wrong for the same reasons.",
        do="Fix these first, or go on anyway with --set preflight=false.",
        code="preflight-failed",
    )
