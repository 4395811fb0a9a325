"""In which order a run goes: the pre-flight first, and the rest only where none of its checks failed.

The order stands here and not in the graph: were the verdict an input of what is trained, its key would be in every key
below it, and a run without pre-flight could not share a single result with one that has it.
"""

from __future__ import annotations

from noisy_student.study.executors.local import local
from noisy_student.study.node import parents_first
from noisy_student.study.plan import Plan
from noisy_student.study.run_graph import Event, Listener, Result, run_graph
from noisy_student.study.stage_run import Outcome
from noisy_student.study.store import Store


def in_order(plan: Plan, store: Store, *, deadline: float | None, on_event: Listener) -> Result:
    """Compute what is missing. What a failed check withholds is ``skipped`` with the reason, in this run alone.

    Nothing of it is written into the store, so that ``preflight=false`` finds it not done. What is there already is
    kept. Raises Interrupted as ``run_graph`` does.
    """
    workers = plan.settings.compute.workers
    if plan.preflight is None:
        return run_graph(
            plan.targets, store, executor=local(store, workers=workers), deadline=deadline, on_event=on_event
        )
    first = run_graph(
        plan.preflight.targets, store, executor=local(store, workers=workers), deadline=deadline, on_event=on_event
    )
    # Statistics need scipy, which a run that checks nothing must not wait for.
    from noisy_student.study.preflight import failures, preflight, withheld

    rows = preflight(plan, first, store)
    if failures(rows):
        return _without(plan, first, store, reason=str(withheld(rows)), on_event=on_event)
    rest = run_graph(plan.targets, store, executor=local(store, workers=workers), deadline=deadline, on_event=on_event)
    return Result({**first.nodes, **rest.nodes}, {**first.outcomes, **rest.outcomes})


def _without(plan: Plan, first: Result, store: Store, *, reason: str, on_event: Listener) -> Result:
    """The result of the checks, with everything else that is not there as skipped."""
    nodes, outcomes = dict(first.nodes), dict(first.outcomes)
    for node in parents_first(plan.targets):
        if node.key not in nodes and not store.cached(node):
            nodes[node.key], outcomes[node.key] = node, Outcome("skipped", reason)
            on_event(Event("skipped", node, reason=reason))
    return Result(nodes, outcomes)
