"""Tokens, arithmetic, seconds and money of a run's results, by stage.

Results found in the store count as when they were made; samples replayed from a file cost nothing. A forward pass takes
2 operations a parameter and token, training 6 (Kaplan et al. 2020, arXiv 2001.08361).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from noisy_student.pipeline.node import Node
from noisy_student.sampling.engines import ENGINES
from noisy_student.study.results.view import RunView
from noisy_student.study.settings.methods import of_stage

FORWARD, TRAIN = 2, 6
COUNTED = ("prompt_tokens", "sampled_tokens", "trained_tokens", "flops", "seconds", "usd")
_HOUR = 3600


def costs(view: RunView) -> dict[str, Any]:
    """Return a row a stage in the order of the graph, and their sum; None for quantities that a stage does not have.

    ``prompt_tokens`` were read to sample ``sampled_tokens``; ``trained_tokens`` were read in training, prompts and
    epochs included, padding not, a prompt that several answers share once. ``seconds`` are those of the processes; the
    machine runs ``compute.workers`` of them.
    """
    compute = view.settings.compute
    rows: dict[str, dict[str, Any]] = {}
    uncounted = False
    for node in view.nodes:
        summary = view.summary(node)
        if summary is None:
            continue
        row = rows.setdefault(node.stage, {"stage": node.stage, "nodes": 0, **dict.fromkeys(COUNTED)})
        row["nodes"] += 1
        seconds = view.provenance(node)["seconds"]
        arithmetic = arithmetic_of(node, summary)
        # vLLM does not tell the size of its model: a sum without it would pass for the whole.
        uncounted = uncounted or (len(arithmetic) > 1 and arithmetic["flops"] is None)
        cost = {**arithmetic, "seconds": seconds, "usd": usd(seconds / compute.workers, compute.usd_per_hour)}
        for name, amount in cost.items():
            row[name] = total((row[name], amount))
    stages = list(rows.values())
    totals = {name: total(row[name] for row in stages) for name in COUNTED}
    if uncounted:
        totals["flops"] = None
    return {"stages": stages, "totals": totals}


def arithmetic_of(node: Node, summary: Mapping[str, Any]) -> dict[str, int | None]:
    """Return tokens and operations of one result, from the summary that its stage returned or is expected to return."""
    parameters = summary.get("parameters")
    drawn, read = {}, {}
    method = of_stage(node.stage)
    rolled_out = method is not None and method[1].samples and "sampled_tokens" in summary
    if rolled_out or (node.stage == "sample" and not ENGINES.get(node.spec["engine"]["name"]).replays):
        tokens = summary["tokens" if node.stage == "sample" else "sampled_tokens"]
        drawn = {"prompt_tokens": summary["prompt_tokens"], "sampled_tokens": tokens}
    if method is not None and "read_tokens" in summary:
        read = {"trained_tokens": summary["read_tokens"]}
    # Passes without a gradient: those of a reference model, and measurements of how far a student has drifted.
    forward = sum(drawn.values()) + summary.get("scored_tokens", 0)
    if parameters is None or not (forward or read):
        return {**drawn, **read, "flops": None}
    # A frozen base has no gradient of its own weights.
    trained = summary.get("trainable_parameters", parameters)
    training = (TRAIN - FORWARD) * parameters + FORWARD * trained
    return {**drawn, **read, "flops": FORWARD * parameters * forward + training * sum(read.values())}


def usd(seconds: float | None, usd_per_hour: float | None) -> float | None:
    """Return the price of so many seconds of the whole machine; None where time or price is unknown.

    >>> usd(1800.0, 3.0), usd(1800.0, None)
    (1.5, None)
    """
    return None if seconds is None or usd_per_hour is None else seconds / _HOUR * usd_per_hour


def total(amounts: Iterable[float | None]) -> float | None:
    """Return the sum of the known amounts; None where none is known.

    >>> total([1.0, None, 2.0]), total([None])
    (3.0, None)
    """
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known else None
