"""One set of pseudo-labels as ``results.json`` has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from noisy_student.data.parts import sizes_of
from noisy_student.statistics.intervals import wilson
from noisy_student.statistics.power import DISCORDANCE, paired_mde
from noisy_student.study.enough import enough
from noisy_student.study.seed_nodes import LabelNodes
from noisy_student.study.settings import Settings
from noisy_student.study.store import Store


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
