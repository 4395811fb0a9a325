"""The nodes of one seed's labels: samples of a teacher, their votes, what is selected, and what the key reveals."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from noisy_student.errors import UserError
from noisy_student.pipeline.node import Node
from noisy_student.study.plan import specs
from noisy_student.study.plan.nodes import LabelNodes
from noisy_student.study.plan.samples import DrawGraph, Origin
from noisy_student.study.plan.specs import Draws
from noisy_student.study.settings.conditions import LABELS, TARGET, ConditionSettings, LabelSettings


@dataclass
class LabelGraph:
    """Labels of one seed; ``teach`` gives a condition's model as it may teach, which may train it first."""

    draw: DrawGraph
    teach: Callable[[str], Node | None]

    def nodes(self, name: str) -> LabelNodes:
        """One set of votes and its quality."""
        settings = self.draw.settings
        label = settings.labels[name]
        votes = self.votes(label)
        on_dev = None
        # What dev shows holds for questions of its own kind only.
        if label.part == "unlabeled" and not self.draw.shared.truth_known and label.samples is None:
            on_dev = self._quality(self.votes(label, part="dev"), title=f"quality of {name} on dev")
        quality = self._quality(votes, title=f"quality of {name}")
        labels = self.labels(name, ConditionSettings(train=(f"{LABELS}{name}",), select=label.default_select))
        return LabelNodes(name, self.draw.run_seed, self._teacher(label), votes, labels, quality, on_dev)

    def labels(self, name: str, condition: ConditionSettings) -> Node:
        """What a condition learns from a set of votes."""
        settings = self.draw.settings
        label = settings.labels[name]
        spec: dict[str, Any] = {"rule": label.rule, "truncated": settings.answers.truncated}
        inputs: dict[str, list[Node]] = {"samples": self._samples(label)}
        if label.rule == "vote":
            inputs["votes"] = [self.votes(label)]
            spec |= {"text": label.text}
            if TARGET in condition.select:
                spec |= {"select": {}, "target": condition.select[TARGET]}
                inputs |= {"shown": [self.votes(label, part="dev")], "split": [self.draw.split]}
            elif condition.like is None:
                spec |= {"select": dict(condition.select)}
            else:
                other = settings.conditions[condition.like]
                spec |= {"select": {}, "like": "random_count" if "random_like" in condition.select else "count"}
                inputs["like"] = [self.labels(other.label_names[0], other)]
        return self.draw.node("label", spec, inputs=inputs, title=f"labels from {name}")

    def reveal(self, condition: ConditionSettings) -> Node:
        """The key's labels of the unlabeled questions, for conditions that ask for them."""
        inputs: dict[str, list[Node]] = {"split": [self.draw.split], "key": [self.draw.key]}
        spec: dict[str, Any] = {}
        if condition.target == "own-sample":
            label = self._own(condition)
            # All questions and all K, however those labels are voted on: else it would be the oracle of some.
            label = LabelSettings.model_validate(label.model_dump(include={"teacher", "K", "text", "shots"}))
            inputs["samples"] = self._samples(label, part=condition.reveal)
            spec = {"text": label.text, "truncated": self.draw.settings.answers.truncated}
        if condition.like is not None and not condition.label_names:
            other = self.draw.settings.conditions[condition.like]
            inputs["like"] = [self.labels(other.label_names[0], other)]
        title = "reveal the key"
        if condition.reveal != "unlabeled":
            spec |= {"part": condition.reveal}
            title = f"reveal the key of {condition.reveal} questions"
        if condition.accuracy is not None:
            spec |= {"accuracy": condition.accuracy}
            title = f"reveal the key, {condition.accuracy:.0%} right"
        return self.draw.node("reveal", spec, inputs=inputs, title=title)

    def _own(self, condition: ConditionSettings) -> LabelSettings:
        """The first set of labels whose teacher is the condition's own model, for own samples; UserError for none."""
        settings = self.draw.settings
        every = settings.labels.values() or [LabelSettings()]
        for label in every:
            teacher = label.teacher or settings.teacher
            if teacher in settings.conditions and settings.conditions[teacher].model == condition.model:
                return label
        raise UserError(
            f"A condition that starts from {condition.model or settings.model.id} asks for own samples, and no set of "
            "labels has a teacher of that model.",
            why="Another model's samples are not its own.",
            do="Add such a set of labels.",
        )

    def votes(self, label: LabelSettings, *, part: str | None = None) -> Node:
        """The votes of a set of labels, on its own part or on another."""
        part = part or label.part
        answers = self.draw.settings.answers
        asked = self._asked(label, part)
        part_of = {} if asked == self.draw.count(part) else {"questions": asked}
        stopping = {"stopping": specs.stopping(self.draw.settings, label)} if label.stops_early else {}
        return self.draw.node(
            "vote",
            {"K": label.K, "truncated": answers.truncated, "ties": answers.ties, **part_of, **stopping},
            inputs={"samples": self._samples(label, part=part)},
            title=f"vote of {label.K} by {self._teacher(label)}" + ("" if part == "unlabeled" else f" on {part}"),
        )

    def _quality(self, votes: Node, *, title: str) -> Node:
        return self.draw.node("label-quality", {}, inputs={"key": [self.draw.key], "votes": [votes]}, title=title)

    def _samples(self, label: LabelSettings, *, part: str | None = None) -> list[Node]:
        part = part or label.part
        if label.samples is not None:
            return [self.draw.recorded(label, part=part, count=self._asked(label, part))]
        step = self.draw.settings.compute.block
        # Whole blocks, so that votes on a share read the same nodes as votes on all.
        count = min(self.draw.count(part), math.ceil(self._asked(label, part) / step) * step)
        name = self._teacher(label)
        settings = self.draw.settings_of(name)
        drawn = Draws(part, settings.sampling, k=label.K, count=count, shots=label.shots)
        if label.stops_early:
            drawn = replace(drawn, stopping=specs.stopping(self.draw.settings, label))
        return self.draw.draws(Origin(name, self.teach(name), settings), drawn)

    def _asked(self, label: LabelSettings, part: str) -> int:
        """How many questions of a part are voted on; on dev all, whatever the share."""
        count = self.draw.count(part)
        return count if part == "dev" else max(1, math.floor(count * label.share + 1e-9))

    def _teacher(self, label: LabelSettings) -> str:
        return label.samples or label.teacher or self.draw.settings.teacher
