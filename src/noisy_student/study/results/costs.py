"""Tokens, arithmetic, seconds and money of a run's results, by stage.

Money is the price of the time for which the run's calls held the machine. Seconds of a stage are those of its
processes, several of which may run at once, and count as when they were made, in whichever run; samples replayed from
a file cost nothing. A forward pass takes 2 operations a parameter and token, training 6 (Kaplan et al. 2020, arXiv
2001.08361).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from noisy_student.pipeline.node import Node
from noisy_student.sampling.engines import ENGINES
from noisy_student.study.results.view import Call, RunView
from noisy_student.study.settings.methods import of_stage

FORWARD, TRAIN = 2, 6
COUNTED = ("prompt_tokens", "sampled_tokens", "trained_tokens", "flops", "seconds", "usd")
_HOUR = 3600


def costs(view: RunView) -> dict[str, Any]:
    """Return a row a stage in the order of the graph, and their sum; None for quantities that a stage does not have.

    ``prompt_tokens`` were read to sample ``sampled_tokens``; ``trained_tokens`` were read in training, prompts and
    epochs included, padding not, a prompt that several answers share once. ``wall_seconds`` are those of the run's
    calls, and ``usd`` their price, divided among the stages by seconds; a result that another run made, or a version
    that recorded no calls, adds an estimate from its seconds and the workers of now.
    """
    compute = view.settings.compute
    rows: dict[str, dict[str, Any]] = {}
    uncounted, elsewhere = False, None
    every = ((node, view.summary(node), view.provenance(node)) for node in view.nodes)
    made = [(node, summary, took) for node, summary, took in every if summary is not None]
    held = hold_times(view.calls, [took["ended"] for _, _, took in made if took.get("ended") is not None])
    shares = _shares(held, [(node.key, took) for node, _, took in made])
    for node, summary, took in made:
        row = rows.setdefault(node.stage, {"stage": node.stage, "nodes": 0, **dict.fromkeys(COUNTED)})
        row["nodes"] += 1
        seconds = took.get("seconds")
        arithmetic = arithmetic_of(node, summary)
        # vLLM does not tell the size of its model: a sum without it would pass for the whole.
        uncounted = uncounted or (len(arithmetic) > 1 and arithmetic["flops"] is None)
        estimate = None if seconds is None else usd(seconds / compute.workers, compute.usd_per_hour)
        for name, amount in {**arithmetic, "seconds": seconds, "usd": shares.get(node.key, estimate)}.items():
            row[name] = total((row[name], amount))
        elsewhere = elsewhere if node.key in shares else total((elsewhere, estimate))
    stages = list(rows.values())
    totals = {name: total(row[name] for row in stages) for name in COUNTED}
    # A call without a result has a price and no stage.
    totals["usd"] = total((elsewhere, *(one.usd for one in held)))
    if uncounted:
        totals["flops"] = None
    wall = total(one.seconds for one in held)
    return {"stages": stages, "totals": {**totals, "wall_seconds": wall, "calls": len(held) or None}}


@dataclass(frozen=True, slots=True)
class HoldTime:
    """The time for which one call held the machine, and its price; None without a price."""

    started: float
    ended: float
    seconds: float
    usd: float | None


def hold_times(calls: Sequence[Call], ends: Iterable[float]) -> list[HoldTime]:
    """Return the time of each call, oldest first; time that two calls share counts for the first of them.

    ``ends`` are the times at which results of the run ended: a killed call counts until the last one before the next
    call.
    """
    known, found, held_until = sorted(ends), [], 0.0
    ordered = sorted(calls, key=lambda call: call.started)
    for call, after in zip(ordered, [*ordered[1:], None], strict=False):
        last = [end for end in known if call.started <= end and (after is None or end <= after.started)]
        ended = call.ended if call.ended is not None else last[-1] if last else call.started
        seconds = max(0.0, ended - max(call.started, held_until))
        held_until = max(held_until, ended)
        found.append(HoldTime(call.started, ended, seconds, usd(seconds, call.usd_per_hour)))
    return found


def _shares(held: Sequence[HoldTime], made: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, float | None]:
    """The price of every call, divided by seconds among the results that began in it, by their keys."""
    found: dict[str, float | None] = {}
    for call in held:
        mine = {
            key: took["seconds"]
            for key, took in made
            if key not in found and took.get("seconds") and call.started <= (took.get("started") or 0.0) <= call.ended
        }
        whole = sum(mine.values())
        for key, seconds in mine.items():
            found[key] = None if call.usd is None else call.usd * seconds / whole
    return found


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
