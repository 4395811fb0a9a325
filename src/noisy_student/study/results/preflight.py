"""Results of the pre-flight checks, judged from the stored measurements of their nodes.

The results are not a node of the plan, so neither the checks nor their outcome change any key of a study.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from noisy_student.data.parts import sizes_of
from noisy_student.errors import UserError
from noisy_student.evaluation.preflight import facts
from noisy_student.evaluation.preflight.checks import CHECKS, judge_all
from noisy_student.evaluation.preflight.model import VERBATIM
from noisy_student.models import lab
from noisy_student.records import MemoryRehearsal
from noisy_student.study.plan.preflight import PreflightNodes, grpo_specs
from noisy_student.study.plan.ready import STATE_BYTES, WEIGHT_BYTES
from noisy_student.study.results.view import RunView
from noisy_student.study.settings.methods import of_stage
from noisy_student.study.settings.study import Settings


def preflight(view: RunView, *, partial: bool = False) -> list[dict[str, Any]]:
    """Return a row a check; empty for a run without pre-flight.

    Where not all checks were reached, there are no rows, or with ``partial`` those of the checks that were.
    """
    nodes = view.plan.preflight
    if nodes is None:
        return []
    if not _unreached(nodes, view):
        return [asdict(result) for result in judge_all(measured(nodes, view))]
    if not partial:
        return []
    facts = measured(nodes, view)
    return [asdict(result) for result in judge_all(facts) if result.check not in facts.missing]


def preflight_error(rows: Sequence[Mapping[str, Any]]) -> UserError | None:
    """Return the error that names every failed check with its remedy; None if no check failed."""
    failed = [
        f"{row['check']} ({row['measured']})" + (f": {row['remedy']}" if row["remedy"] else "")
        for row in rows
        if row["outcome"] == "fail"
    ]
    if not failed:
        return None
    return UserError(
        f"Pre-flight checks failed: {'; '.join(failed)}.",
        why="The run itself would be wrong for the same reasons.",
        do="Fix these first, or continue anyway with --set preflight=false.",
        code="preflight-failed",
    )


def measured(nodes: PreflightNodes, view: RunView) -> facts.Facts:
    """Return the measurements from the summaries of the nodes, and the reason for each that is missing."""
    settings = view.settings
    model, gold, rehearsed = (view.summary(node) for node in (nodes.model, nodes.gold, nodes.rehearsal))
    baseline = view.summary(nodes.baseline)
    known = (model or {}).get("completion")
    return facts.Facts(
        asked=_asked(view.summary(nodes.holdout)),
        baseline=facts.Votes(**baseline) if baseline else None,
        votes=tuple(facts.Votes(**found) for node in nodes.votes if (found := view.summary(node))),
        labels={name: label.K for name, label in settings.labels.items() if label.rule == "vote"},
        cap=settings.sampling.max_new_tokens,
        speed=facts.Speed(**model["speed"]) if model else None,
        stop_ids=facts.StopIds(**_tuples(model["stop_ids"])) if model else None,
        prompts=facts.PromptComparison(**model["prompts"]) if model else None,
        reading=facts.GoldReading(**_tuples(gold["reading"])) if gold else None,
        dtype=model["dtype"] if model else None,
        overlap=facts.Overlap(gold["questions"], gold["removed"], gold["left"]) if gold else None,
        batches=tuple(batches(settings)),
        workers=settings.compute.workers,
        rehearsals=tuple(MemoryRehearsal(**row) for row in rehearsed["rehearsals"]) if rehearsed else (),
        disk=None if model is None else _disk(model["parameters"], view),
        gap=_gap(view.summary(nodes.pool), view.summary(nodes.test)),
        completion=facts.Completion(**known) if known else None,
        missing=dict(_missing(nodes, view)),
        excused=dict(_excused(settings, known)),
    )


def batches(settings: Settings) -> Iterator[facts.Batches]:
    """Yield the batches of the baseline and, where there is one, of the first GRPO condition."""
    sizes, sft = sizes_of(settings.data), settings.sft
    labeled = sizes.labeled - sizes.dev
    steps = sft.step_count(round(labeled * sft.epochs))
    yield facts.Batches("sft", labeled, sft.batch, sft.micro_batch or sft.batch, steps)
    for grpo in grpo_specs(settings)[:1]:
        micro = grpo.micro_batch or grpo.batch
        yield facts.Batches(
            "grpo", labeled, grpo.batch, micro, grpo.step_count(labeled), "questions", grpo.generations, "prompts"
        )


def _unreached(nodes: PreflightNodes, view: RunView) -> bool:
    """Return whether a deadline or a signal left nodes open; nodes below a failed one do not count."""
    failed = any(outcome.kind == "failed" for outcome in view.result.outcomes.values())
    return not failed and any(view.outcome(node) is None for node in nodes.targets)


def _asked(found: Mapping[str, Any] | None) -> str:
    if not found:
        return "holdout questions"
    spare = f" and {found['spare']} of the labeled source that no part holds" if found["spare"] else ""
    return f"{found['questions']} questions that no student is trained on ({found['dev']} dev{spare})"


def _gap(pool: Mapping[str, Any] | None, test: Mapping[str, Any] | None) -> facts.PoolGap | None:
    if not pool or not test:
        return None
    return facts.PoolGap(pool["questions"], pool["right"], test["grades"]["n"], test["grades"]["correct"])


def _disk(parameters: int, view: RunView) -> facts.Disk:
    """The disk space of the students still to be trained; a merged student is as large as its base.

    A run of checks alone counts the conditions that would be trained.
    """
    settings = view.settings
    if settings.checks.only:
        trained = (item for item in settings.conditions.values() if item.train)
        waiting = sum(max(1, len(item.rates)) for item in trained) * len(settings.seeds)
    else:
        waiting = sum(of_stage(node.stage) is not None and view.outcome(node) is None for node in view.nodes)
    state = STATE_BYTES * parameters * min(waiting, settings.compute.workers)
    return facts.Disk(waiting, WEIGHT_BYTES * parameters * waiting + state, view.free_bytes())


def _missing(nodes: PreflightNodes, view: RunView) -> Iterator[tuple[str, str]]:
    for check in CHECKS:
        for name in check.needs:
            node = nodes.votes[0] if name == "votes" else getattr(nodes, name)
            if node is not None and view.outcome(node) != "done":
                yield check.name, view.reason(node) or view.failure(node) or ""


def _excused(settings: Settings, known: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    if "test" not in settings.data.source.parts:
        yield (
            "pool-against-test",
            "test and training questions are a random split of one source, so the model cannot know one of them better",
        )
    if settings.model.id in lab.names():
        yield "prompt-completion", f"{settings.model.id} was pretrained here, on generated questions of another share"
    elif known is not None and not known["questions"]:
        yield "prompt-completion", f"no question has {2 * VERBATIM} tokens, half of which would be shown"


def _tuples(found: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a JSON object with lists turned into tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}
