"""What a run's results cost, stage by stage: tokens, arithmetic, seconds, money.

Results that were there already count as what they cost when they were made; samples replayed from a file cost nothing
here. A forward pass takes 2 operations a parameter and token, training 6 (Kaplan et al. 2020, arXiv 2001.08361).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from noisy_student.pipeline.node import Node
from noisy_student.pipeline.store import Store
from noisy_student.study.settings.study import ComputeSettings

FORWARD, TRAIN = 2, 6
COUNTED = ("prompt_tokens", "sampled_tokens", "trained_tokens", "flops", "seconds", "usd")
_HOUR = 3600


def costs(nodes: Iterable[Node], store: Store, compute: ComputeSettings) -> dict[str, Any]:
    """A row a stage in the order of the graph, and their sum; what a stage does not have is None.

    ``prompt_tokens`` were read to sample ``sampled_tokens``; ``trained_tokens`` were read in training, prompts and
    epochs included, padding not, a prompt that several answers share once. ``seconds`` are those of the processes; the
    machine runs ``compute.workers`` of them.
    """
    rows: dict[str, dict[str, Any]] = {}
    uncounted = False
    for node in nodes:
        manifest = store.manifest(node)
        if manifest is None or manifest.outcome != "done":
            continue
        row = rows.setdefault(node.stage, {"stage": node.stage, "nodes": 0, **dict.fromkeys(COUNTED)})
        row["nodes"] += 1
        seconds = manifest.provenance["seconds"]
        arithmetic = arithmetic_of(node, manifest.summary)
        # A model whose size is not known (vLLM keeps it to itself): a sum without it would pass for the whole.
        uncounted = uncounted or (len(arithmetic) > 1 and arithmetic["flops"] is None)
        cost = {**arithmetic, "seconds": seconds, "usd": _usd(seconds, compute)}
        for name, amount in cost.items():
            row[name] = _add(row[name], amount)
    stages = list(rows.values())
    totals = {name: total(row[name] for row in stages) for name in COUNTED}
    if uncounted:
        totals["flops"] = None
    return {"stages": stages, "totals": totals}


def arithmetic_of(node: Node, summary: Mapping[str, Any]) -> dict[str, int | None]:
    """Tokens and operations of one result, from what its stage said or, before it ran, is expected to say."""
    parameters = summary.get("parameters")
    drawn, read = {}, {}
    if (node.stage == "sample" and node.spec["engine"]["name"] != "recorded") or node.stage == "train-grpo":
        tokens = summary["tokens" if node.stage == "sample" else "sampled_tokens"]
        drawn = {"prompt_tokens": summary["prompt_tokens"], "sampled_tokens": tokens}
    if node.stage.startswith("train-"):
        read = {"trained_tokens": summary["read_tokens"]}
    # Passes without a gradient: those of a reference model, and looks at how far a student has drifted.
    forward = sum(drawn.values()) + summary.get("scored_tokens", 0)
    if parameters is None or not (forward or read):
        return {**drawn, **read, "flops": None}
    # A frozen base has no gradient of its own weights.
    trained = summary.get("trainable_parameters", parameters)
    training = (TRAIN - FORWARD) * parameters + FORWARD * trained
    return {**drawn, **read, "flops": FORWARD * parameters * forward + training * sum(read.values())}


def _usd(seconds: float, compute: ComputeSettings) -> float | None:
    return None if compute.usd_per_hour is None else seconds / compute.workers / _HOUR * compute.usd_per_hour


def _add(sum_before: float | None, amount: float | None) -> float | None:
    return sum_before if amount is None else amount if sum_before is None else sum_before + amount


def total(amounts: Iterable[float | None]) -> float | None:
    """The sum of what is known; None where nothing is.

    >>> total([1.0, None, 2.0]), total([None])
    (3.0, None)
    """
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known else None
