"""The verdict of the pre-flight: what its nodes measured, judged by the table of checks.

It is computed from the store, as findings are, and is no node itself: nothing that a study trains hangs on it by key,
so that with the checks switched off, or passed on another machine, every digest is what it was.
"""

from __future__ import annotations

import shutil
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
from noisy_student.pipeline.node import Node, parents_first
from noisy_student.pipeline.runner import Result
from noisy_student.pipeline.store import Store
from noisy_student.study.plan.plan import Plan
from noisy_student.study.plan.preflight import PreflightNodes
from noisy_student.study.settings.conditions import check_grpo
from noisy_student.study.settings.study import Settings
from noisy_student.training.sft.batch_order import step_count

WEIGHT = 4
"""Bytes of a weight on disk; the state of a training has AdamW's two moments beside it."""
STATE = 3 * WEIGHT
"""Of a weight in the state that a training saves."""
MODEL_CHECKS = (speed.NAME, stop_ids.NAME, template.NAME, dtype.NAME, completion.NAME)
VOTE_CHECKS = (vote_quality.NAME, parsing.NAME, truncation.NAME)


def preflight(plan: Plan, result: Result, store: Store) -> list[dict[str, Any]]:
    """A row a check; none for a run without pre-flight, or whose checks were not all reached."""
    nodes = plan.preflight
    if nodes is None or _unreached(nodes, result, store):
        return []
    return [check.row for check in judged(facts(plan, nodes, result, store))]


def failures(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A sentence for each check that failed: what was measured, and what to do."""
    return [
        f"{row['check']} ({row['measured']})" + (f": {row['remedy']}" if row["remedy"] else "")
        for row in rows
        if row["outcome"] == "fail"
    ]


def facts(plan: Plan, nodes: PreflightNodes, result: Result, store: Store) -> Facts:
    """What was measured, from the summaries of the nodes; what could not be measured is named with the reason."""
    settings = plan.settings
    unseen, model = store.summary(nodes.unseen), store.summary(nodes.model)
    gold, rehearsed = store.summary(nodes.gold), store.summary(nodes.rehearsal)
    votes = [store.summary(node) for node in nodes.votes]
    pool, test = store.summary(nodes.pool), store.summary(nodes.test)
    known = (model or {}).get("completion")
    return Facts(
        asked=_asked(unseen),
        baseline=_votes(store.summary(nodes.baseline)),
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
        disk=None if model is None else _disk(plan, store, model["parameters"]),
        gap=_gap(pool, test),
        completion=Completion(**known) if known else None,
        missing=dict(_missing(nodes, result, store)),
        excused=dict(_excused(settings, nodes, known)),
    )


def batches(settings: Settings) -> Iterator[Batches]:
    """How the baseline and, where there is one, the first condition of GRPO divide their labeled questions."""
    sizes, sft = sizes_of(settings.data), settings.sft
    labeled = sizes.labeled - sizes.dev
    steps = step_count(round(labeled * sft.epochs), sft)
    yield Batches("sft", labeled, sft.batch, sft.micro_batch or sft.batch, steps)
    named = ((name, item) for name, item in settings.conditions.items() if item.method == "grpo")
    for name, condition in named:
        grpo = check_grpo(name, condition, settings.grpo)
        micro = grpo.micro_batch or grpo.batch
        yield Batches("grpo", labeled, grpo.batch, micro, grpo.step_count(labeled), "questions", grpo.generations)
        break


def _unreached(nodes: PreflightNodes, result: Result, store: Store) -> bool:
    """Whether a deadline or a signal left some of it; a failure leaves what hangs below it, and counts."""
    failed = any(outcome.kind == "failed" for outcome in result.outcomes.values())
    return not failed and any(store.outcome(node) is None for node in nodes.targets)


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


def _disk(plan: Plan, store: Store, parameters: int) -> Disk:
    """What the students that are still to be trained will take; a merged student is as large as its base.

    Where the checks are all that is done, those of the conditions that would be trained.
    """
    settings = plan.settings
    if settings.checks.only:
        trained = (item for item in settings.conditions.values() if item.train)
        waiting = sum(max(1, len(item.rates)) for item in trained) * len(settings.seeds)
    else:
        nodes = (node for node in parents_first(plan.targets) if node.stage.startswith("train-"))
        waiting = sum(not store.cached(node) for node in nodes)
    state = STATE * parameters * min(waiting, settings.compute.workers)
    place = next(path for path in (store.root.absolute(), *store.root.absolute().parents) if path.exists())
    return Disk(waiting, WEIGHT * parameters * waiting + state, shutil.disk_usage(place).free)


def _missing(nodes: PreflightNodes, result: Result, store: Store) -> Iterator[tuple[str, str]]:
    """Of the checks whose node was not done: why."""
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
        if node is not None and store.outcome(node) != "done":
            for name in names:
                yield name, _reason(node, result, store)


def _reason(node: Node, result: Result, store: Store) -> str:
    """Why a node has no result: its own skip, or what failed above it."""
    manifest = store.manifest(node)
    if manifest is not None and manifest.reason:
        return manifest.reason
    reached = [(each, result.outcomes.get(each.key)) for each in parents_first([node])]
    return next((f"{each.title}: {found.reason}" for each, found in reached if found and found.kind == "failed"), "")


def _excused(settings: Settings, nodes: PreflightNodes, known: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    """Checks that have nothing to look at here, and why."""
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
    """JSON has lists where the facts have tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}


def withheld(rows: Sequence[Mapping[str, Any]]) -> UserError:
    """Why the rest of a run is not done, and how to do it anyway."""
    told = "; ".join(failures(rows))
    return UserError(
        f"pre-flight failed: {told}.",
        why="What is wrong before the run is wrong after it.",
        do="Mend it, or go on anyway: --set preflight=false.",
    )
