"""Rows of pseudo-labels: each set of votes, the selection of each condition from one, and predictions about that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from noisy_student.data.parts import sizes_of
from noisy_student.evaluation.contrast import prediction_answer
from noisy_student.evaluation.pass_at_k import saturation
from noisy_student.pipeline.node import Node
from noisy_student.statistics.intervals import wilson
from noisy_student.statistics.power import DISCORDANCE, paired_mde
from noisy_student.study.plan.nodes import LabelNodes
from noisy_student.study.results.view import RunView
from noisy_student.study.settings.comparisons import PredictionSettings
from noisy_student.study.settings.study import Settings


def label_row(nodes: LabelNodes, view: RunView) -> dict[str, Any]:
    """Return the counts of one set of votes, and its accuracy, over all and by agreement, where the truth is known."""
    settings = view.settings
    label = settings.labels[nodes.name]
    row: dict[str, Any] = {
        "name": nodes.name,
        "teacher": nodes.teacher,
        "seed": nodes.seed,
        "k": label.K,
        "stopping": label.stopping if label.stops_early else "fixed",
        "temperature": None if label.samples is not None else settings.sampling.temperature,
    }
    voted, judged = view.summary(nodes.votes), view.summary(nodes.quality)
    if voted is None:
        return {**row, **dict.fromkeys(("questions", "accuracy", "single_accuracy")), "by_level": []}
    # Questions stopped early have no known winner, so accuracy is undefined.
    lossless = label.stops_early and label.stopping == "lossless"
    row |= {
        "questions": voted["questions"],
        "coverage": voted["labeled"] / voted["questions"],
        "tie_rate": None if label.stops_early else voted["tied"] / voted["questions"],
        "abstained": voted["abstained"] / voted["samples"],
        "samples": voted["samples"],
        "on_dev": None if lossless else _on_dev(view.summary(nodes.on_dev)),
    }
    if judged is None:
        levels = [{"votes": votes, "questions": count, "accuracy": None} for votes, count in voted["levels"]]
        return {**row, "accuracy": None, "single_accuracy": None, "precision": None, "by_level": levels}
    votes = judged["votes"]
    return {
        **row,
        "accuracy": None if lossless else votes["right"] / votes["questions"],
        "single_accuracy": _single_accuracy(votes),
        "curve": votes["curve"],
        "enough": saturation(votes["curve"], paired_mde(DISCORDANCE, sizes_of(settings.data).test)),
        "precision": votes["right"] / voted["labeled"] if voted["labeled"] else None,
        "by_level": [
            {"votes": item["votes"], "questions": item["questions"], "accuracy": item["right"] / item["questions"]}
            for item in votes["by_level"]
        ],
    }


MOST_UNLABELED = 0.20
"""Share of questions left without a label by ties and abstentions above which a note says so."""


def unlabeled_notes(rows: Sequence[Mapping[str, Any]], settings: Settings) -> Iterator[str]:
    """Yield a note for each set of votes of which ties and abstentions leave more than a fifth without a label."""
    for row in rows:
        if row["questions"] is None or row["tie_rate"] is None or 1 - row["coverage"] <= MOST_UNLABELED:
            continue
        left = round(row["questions"] * (1 - row["coverage"]))
        tied = 0 if settings.answers.ties != "none" else round(row["questions"] * row["tie_rate"])
        advice = []
        if tied:
            advice.append(f"More samples break ties (labels.{row['name']}.K is {row['k']})")
            advice.append('answers.ties = "first-seen" gives a tie to the answer that came first')
        if left > tied:
            advice.append("unreadable answers need a larger sampling.max_new_tokens or another prompt")
        yield (
            f"{row['name']} (seed {row['seed']}): {left} of {row['questions']} questions have no label:"
            f" {tied} by a tie, {left - tied} without any readable answer. {'; '.join(advice)}."
        )


def selections(view: RunView) -> Iterator[dict[str, Any]]:
    """Yield a row for each condition and seed that learns from one set of votes, once its labels are there.

    ``right`` and ``precision`` are None where the truth is not known. Seconds and tokens are those of the samples that
    were voted on, whichever study drew them.
    """
    for nodes in view.plan.conditions:
        names = view.settings.conditions[nodes.name].label_names
        learned = [] if nodes.learned is None else nodes.learned.inputs.get("labels", ())
        label = next((node for node in learned if node.stage == "label"), None)
        if len(names) != 1 or label is None or "votes" not in label.inputs:
            continue
        (votes,) = label.inputs["votes"]
        voted, made = view.summary(votes), view.summary(label)
        if voted is None or made is None:
            continue
        settings = view.settings.labels[names[0]]
        judged = (view.summary(nodes.quality) or {}).get("labels")
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
            "seconds": _seconds(view, votes, voted["samples"]),
            "accepted": accepted,
            "right": right,
            "coverage": accepted / voted["questions"],
            "precision": None if right is None or not accepted else right / accepted,
            "samples_per_label": voted["samples"] / accepted if accepted else None,
            "tokens_per_label": voted["tokens"] / accepted if accepted else None,
        }


def predictions(settings: Settings, selected: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield a row a prediction with Wilson's 95 % interval; verdict and value are None where nothing was measured.

    Seeds are pooled by question, so the interval is too narrow where they share questions.
    """
    for name, prediction in settings.predictions.items():
        rows = [row for row in selected if row["condition"] == prediction.condition]
        found, asked = _counts(prediction, rows)
        interval = wilson(found, asked) if found is not None and asked else None
        bounds = {"above": prediction.above, "below": prediction.below}
        yield {
            "name": name,
            **prediction.model_dump(mode="json"),
            "value": found / asked if found is not None and asked else None,
            "interval": None if interval is None else list(interval),
            "n": asked or None,
            "verdict": None if interval is None else prediction_answer(interval, **bounds),
        }


def _on_dev(judged: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The accuracy of the teacher's votes on dev, which stands for unlabeled questions of unknown truth."""
    if judged is None:
        return None
    votes = judged["votes"]
    return {
        "questions": votes["questions"],
        "accuracy": votes["right"] / votes["questions"],
        "interval": list(wilson(votes["right"], votes["questions"])),
        "single_accuracy": _single_accuracy(votes),
    }


def _single_accuracy(votes: Mapping[str, Any]) -> float | None:
    return None if votes["single_right"] is None else votes["single_right"] / votes["questions"]


def _seconds(view: RunView, votes: Node, samples: int) -> float | None:
    """The seconds of drawing ``samples``: of nodes that drew more, their share."""
    drawn, seconds = 0, 0.0
    for node in votes.inputs["samples"]:
        summary = view.summary(node)
        if summary is None:
            return None
        drawn += summary["samples"]
        seconds += view.provenance(node)["seconds"]
    return seconds * samples / drawn if drawn else None


def _counts(prediction: PredictionSettings, rows: Sequence[Mapping[str, Any]]) -> tuple[int | None, int]:
    """The questions that count for a prediction, None where unknown, and all of them."""
    accepted = sum(row["accepted"] for row in rows)
    if prediction.measure == "coverage":
        return accepted, sum(row["questions"] for row in rows)
    known = all(row["right"] is not None for row in rows)
    return (sum(row["right"] for row in rows) if known else None), accepted
