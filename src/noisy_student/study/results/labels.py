"""One set of pseudo-labels as ``results.json`` has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from noisy_student.data.parts import sizes_of
from noisy_student.pipeline.node import Node
from noisy_student.pipeline.store import Store
from noisy_student.statistics.intervals import wilson
from noisy_student.statistics.power import DISCORDANCE, paired_mde
from noisy_student.study.plan.nodes import ConditionNodes, LabelNodes
from noisy_student.study.plan.plan import Plan
from noisy_student.study.settings.study import PredictionSettings, Settings

Point = Sequence[float]
"""A k and the share of votes over k samples that are right."""


def enough(curve: Sequence[Point], smallest: float) -> int | None:
    """The first k of the curve whose doubling gains less than ``smallest``; None where every doubling gains more.

    The step from 1 to 2 never counts: a vote of two decides nothing that one does not. Nor does a last step that is
    shorter than a doubling.

    >>> enough([(1, 0.5), (2, 0.5), (4, 0.6), (8, 0.65), (16, 0.66)], 0.02)
    8
    """
    for (k, here), (following, there) in zip(curve, curve[1:], strict=False):
        if k > 1 and following >= 2 * k and there - here < smallest:
            return int(k)
    return None


def label_row(nodes: LabelNodes, settings: Settings, store: Store) -> dict[str, Any]:
    """What was voted, how often the votes are right where that is known, and by agreement."""
    label = settings.labels[nodes.name]
    row: dict[str, Any] = {
        "name": nodes.name,
        "teacher": nodes.teacher,
        "seed": nodes.seed,
        "k": label.K,
        "stopping": label.stopping if label.stops_early else "fixed",
        "temperature": None if label.samples is not None else settings.sampling.temperature,
    }
    voted, judged = store.summary(nodes.votes), store.summary(nodes.quality)
    if voted is None:
        return {**row, **dict.fromkeys(("questions", "accuracy", "single_accuracy")), "by_level": []}
    # What would have won where sampling was given up is not known, so neither is how many votes are right.
    lossless = label.stops_early and label.stopping == "lossless"
    row |= {
        "questions": voted["questions"],
        "coverage": voted["labeled"] / voted["questions"],
        "tie_rate": None if label.stops_early else voted["tied"] / voted["questions"],
        "abstained": voted["abstained"] / voted["samples"],
        "samples": voted["samples"],
        "on_dev": None if lossless else _on_dev(store.summary(nodes.on_dev)),
    }
    if judged is None:
        levels = [{"votes": votes, "questions": count, "accuracy": None} for votes, count in voted["levels"]]
        return {**row, "accuracy": None, "single_accuracy": None, "precision": None, "by_level": levels}
    votes, single = judged["votes"], judged["votes"]["single_right"]
    tested = sizes_of(settings.data).test
    return {
        **row,
        "accuracy": None if lossless else votes["right"] / votes["questions"],
        "single_accuracy": None if single is None else single / votes["questions"],
        "curve": votes["curve"],
        "enough": enough(votes["curve"], paired_mde(DISCORDANCE, tested)),
        "precision": votes["right"] / voted["labeled"] if voted["labeled"] else None,
        "by_level": [
            {"votes": item["votes"], "questions": item["questions"], "accuracy": item["right"] / item["questions"]}
            for item in votes["by_level"]
        ],
    }


def _on_dev(judged: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What the votes on dev say about those on unlabeled questions whose truth is unknown."""
    if judged is None:
        return None
    votes = judged["votes"]
    interval = wilson(votes["right"], votes["questions"])
    return {
        "questions": votes["questions"],
        "accuracy": votes["right"] / votes["questions"],
        "interval": [interval.low, interval.high],
        "single_accuracy": None if votes["single_right"] is None else votes["single_right"] / votes["questions"],
    }


def selections(plan: Plan, store: Store) -> Iterator[dict[str, Any]]:
    """A row for each condition and seed that learns from one set of votes, once its labels are there.

    ``right`` and ``precision`` are None where the truth is not known. Seconds and tokens are those of the samples that
    were voted on, whichever study drew them.
    """
    for nodes in plan.conditions:
        names = plan.settings.conditions[nodes.name].label_names
        label = _label_node(nodes)
        if len(names) != 1 or label is None or "votes" not in label.inputs:
            continue
        (votes,) = label.inputs["votes"]
        voted, made = store.summary(votes), store.summary(label)
        if voted is None or made is None:
            continue
        settings = plan.settings.labels[names[0]]
        judged = (store.summary(nodes.quality) or {}).get("labels")
        accepted, right = made["questions"], None if judged is None else judged["right"]
        yield {
            "condition": nodes.name,
            "seed": nodes.seed,
            "labels": names[0],
            "k": settings.K,
            "stopping": settings.stopping if settings.stops_early else "fixed",
            "questions": voted["questions"],
            "samples": voted["samples"],
            "tokens": voted["tokens"],
            "seconds": _seconds(store, votes, voted["samples"]),
            "accepted": accepted,
            "right": right,
            "coverage": accepted / voted["questions"],
            "precision": None if right is None or not accepted else right / accepted,
            "samples_per_label": voted["samples"] / accepted if accepted else None,
            "tokens_per_label": voted["tokens"] / accepted if accepted else None,
        }


def _label_node(nodes: ConditionNodes) -> Node | None:
    learned = [] if nodes.learned is None else nodes.learned.inputs.get("labels", ())
    return next((node for node in learned if node.stage == "label"), None)


def _seconds(store: Store, votes: Node, samples: int) -> float | None:
    """The seconds of drawing ``samples``: of nodes that drew more, their share."""
    drawn, seconds = 0, 0.0
    for node in votes.inputs["samples"]:
        manifest = store.manifest(node)
        if manifest is None or manifest.outcome != "done":
            return None
        drawn += manifest.summary["samples"]
        seconds += manifest.provenance["seconds"]
    return seconds * samples / drawn if drawn else None


def predictions(settings: Settings, selected: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """A row a prediction: ``held`` or ``failed`` where Wilson's 95 % interval lies on one side of its bound, else
    ``unsure``; verdict and value are None where nothing was measured. Seeds are pooled
    by question, which is too sure of itself where they share questions.
    """
    for name, prediction in settings.predictions.items():
        rows = [row for row in selected if row["condition"] == prediction.condition]
        found, asked = _counts(prediction, rows)
        interval = wilson(found, asked) if found is not None and asked else None
        yield {
            "name": name,
            **prediction.model_dump(mode="json"),
            "value": found / asked if found is not None and asked else None,
            "interval": None if interval is None else [interval.low, interval.high],
            "n": asked or None,
            "verdict": None if interval is None else _verdict(prediction, interval.low, interval.high),
        }


def _counts(prediction: PredictionSettings, rows: Sequence[Mapping[str, Any]]) -> tuple[int | None, int]:
    accepted = sum(row["accepted"] for row in rows)
    if prediction.measure == "coverage":
        return accepted, sum(row["questions"] for row in rows)
    known = all(row["right"] is not None for row in rows)
    return (sum(row["right"] for row in rows) if known else None), accepted


def _verdict(prediction: PredictionSettings, low: float, high: float) -> str:
    if prediction.above is not None:
        return "held" if low > prediction.above else "failed" if high <= prediction.above else "unsure"
    assert prediction.below is not None
    return "held" if high < prediction.below else "failed" if low >= prediction.below else "unsure"
