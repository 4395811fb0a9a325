"""The nodes of one seed: every condition and every set of labels, each made once and shared by content."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from noisy_student.data.parts import sizes_of
from noisy_student.errors import UserError
from noisy_student.sampling.engine import Decoding
from noisy_student.study import node, stage_spec
from noisy_student.study.conditions import GOLD, LABELS, REVEALED, ConditionSettings, LabelSettings
from noisy_student.study.node import Node
from noisy_student.study.probes import probes_before
from noisy_student.study.seed_nodes import ConditionNodes, LabelNodes
from noisy_student.study.settings import Settings
from noisy_student.study.shared import Shared
from noisy_student.study.stage_spec import Draws
from noisy_student.study.tuned import TUNE, first_trained, is_adapter

GOLD_K = 8
"""Samples of a labeled question among which one that reaches its answer is looked for (STaR, Zelikman 2022)."""


@dataclass
class SeedGraph:
    """The nodes of one seed, each made once; raises UserError for teachers in a circle."""

    settings: Settings
    run_seed: int
    shared: Shared
    _trained: dict[str, Node | None] = field(default_factory=dict)
    _waiting: list[str] = field(default_factory=list)

    @cached_property
    def split(self) -> Node:
        """The questions of every part, and the gold labels."""
        return self._node("split", {"data": self.shared.data}, title="split", paths=self.shared.paths)

    @cached_property
    def key(self) -> Node:
        """The truth, on a lane of its own."""
        return self._node("key", {"data": self.shared.data}, title="answer key", paths=self.shared.paths)

    def condition(self, name: str) -> ConditionNodes:
        """Training and test of one condition."""
        train = self.trained(name)
        evaluation = self.settings.evaluation
        tested = sizes_of(self.settings.data).test
        free = evaluation.decoding.model_copy(update={"stop_at_answer": False})
        slices = {
            "samples": self._samples(name, "test", evaluation.decoding, k=1, count=tested),
            "sampled": self._samples(
                name,
                "test",
                evaluation.sampled,
                k=evaluation.sampled_k,
                count=min(tested, evaluation.sampled_questions),
            ),
            "free": self._samples(name, "test", free, k=1, count=min(tested, evaluation.stop_questions)),
        }
        grade = self._node(
            "grade",
            {"truncated": self.settings.answers.truncated},
            inputs={"key": [self.key], **slices},
            title=f"grade {name}",
        )
        taught = None if train is None else first_trained(train)
        learned = taught.inputs.get("examples", (taught,))[0] if taught is not None else None
        return ConditionNodes(
            name, self.run_seed, train, learned, grade, self._quality(name, learned), self._groups(name, train)
        )

    def trained(self, name: str) -> Node | None:
        """The training node of a condition, or None for the untrained model."""
        if name not in self._trained:
            if name in self._waiting:
                circle = " → ".join([*self._waiting[self._waiting.index(name) :], name])
                raise UserError(
                    f"The teachers go in a circle: {circle}.",
                    why="A teacher must be trained before its votes.",
                    do="Set another teacher in one of these label sets.",
                )
            self._waiting.append(name)
            self._trained[name] = self._train(name, self.settings.conditions[name])
            self._waiting.pop()
        return self._trained[name]

    def votes(self, name: str) -> LabelNodes:
        """One set of votes and its quality."""
        label = self.settings.labels[name]
        votes = self._votes(label)
        on_dev = None
        if not self.shared.truth_known and label.samples is None:
            on_dev = self._vote_quality(self._votes(label, part="dev"), title=f"quality of {name} on dev")
        quality = self._vote_quality(votes, title=f"quality of {name}")
        labels = self._labels(name, ConditionSettings(train=(f"{LABELS}{name}",), select=label.default_select))
        return LabelNodes(name, self.run_seed, self._teacher(label), votes, labels, quality, on_dev)

    def _vote_quality(self, votes: Node, *, title: str) -> Node:
        return self._node("label-quality", {}, inputs={"key": [self.key], "votes": [votes]}, title=title)

    def _groups(self, name: str, train: Node | None) -> Node | None:
        if train is None or first_trained(train).stage != "train-grpo":
            return None
        inputs = {"key": [self.key], "train": [train]}
        return self._node("group-quality", {}, inputs=inputs, title=f"groups of {name} against the key")

    def _quality(self, name: str, node: Node | None) -> Node | None:
        learned = [parent for parent in node.inputs.get("labels", ()) if parent.stage == "label"] if node else []
        if len(learned) != 1:
            return None
        return self._node(
            "label-quality",
            {},
            inputs={"key": [self.key], "labels": learned},
            title=f"labels of {name} against the key",
        )

    def _train(self, name: str, condition: ConditionSettings) -> Node | None:
        if condition.method == "none":
            return None
        train = self._train_grpo if condition.method == "grpo" else self._train_sft
        if not condition.rates:
            return train(name, condition, 1.0)
        inputs = {"split": [self.split]}
        for number, rate in enumerate(condition.rates):
            tried = train(name, condition, rate)
            drawn = Draws("dev", self.settings.evaluation.decoding, k=1, count=self._count("dev"))
            inputs |= {f"train-{number}": [tried], f"dev-{number}": self._draws(tried, f"{name} x {rate:g}", drawn)}
        spec = {
            "rates": list(condition.rates),
            "truncated": self.settings.answers.truncated,
            "model": self.shared.base.spec,
        }
        return self._node(TUNE, spec, inputs=inputs, title=f"choose {name} on dev", paths=self.shared.base.paths)

    def _train_sft(self, name: str, condition: ConditionSettings, rate: float) -> Node:
        inputs: dict[str, list[Node]] = {"gold": [], "own": [], "labels": []}
        for source in condition.train:
            if source == GOLD:
                inputs["gold"].append(self.split)
                inputs["own"] += [] if self.shared.gold_is_solved else self._gold_samples()
            elif source == REVEALED:
                inputs["labels"].append(self._reveal(condition))
        inputs["labels"] += [self._labels(label, condition) for label in condition.label_names]
        spec = stage_spec.examples(self.settings, condition, own=bool(inputs["own"]))
        given = {role: nodes for role, nodes in inputs.items() if nodes}
        examples = self._node("examples", spec, inputs=given, title=f"examples {name}")
        return self._node(
            "train-sft",
            {**stage_spec.sft(self.settings, condition, rate=rate), "model": self.shared.base.spec},
            inputs={"split": [self.split], "examples": [examples]},
            title=_titled(name, rate),
            paths=self.shared.base.paths,
        )

    def _train_grpo(self, name: str, condition: ConditionSettings, rate: float) -> Node:
        """Answers are its own, so it takes labels and no worked texts."""
        labels = [self._labels(label, condition) for label in condition.label_names]
        labels += [self._reveal(condition)] if REVEALED in condition.train else []
        inputs = {"gold": [self.split] if GOLD in condition.train else [], "labels": labels}
        inputs["gate"] = [] if condition.after is None else [self._gate(name)]
        return self._node(
            "train-grpo",
            {**stage_spec.grpo(self.settings, name, condition, rate=rate), "model": self.shared.base.spec},
            inputs={"split": [self.split], **{role: nodes for role, nodes in inputs.items() if nodes}},
            title=_titled(name, rate),
            paths=self.shared.base.paths,
        )

    def _gate(self, name: str) -> Node:
        """Whether the probe ``name`` is needed: none of those before it held."""
        before = probes_before(name, self.settings.conditions)
        trained = [self.trained(probe) for probe in before]
        inputs = {f"probe-{number}": [node] for number, node in enumerate(trained) if node is not None}
        return self._node("gate", {"probes": list(before)}, inputs=inputs, title=f"whether {name} is needed")

    def _reveal(self, condition: ConditionSettings) -> Node:
        inputs: dict[str, list[Node]] = {"split": [self.split], "key": [self.key]}
        spec: dict[str, Any] = {}
        if condition.target == "own-sample":
            label = next(iter(self.settings.labels.values()), LabelSettings())
            # All questions and all K, however those labels are voted on: else it would be the oracle of some.
            label = LabelSettings.model_validate(label.model_dump(include={"teacher", "K", "text", "shots"}))
            inputs["samples"] = self._label_samples(label)
            spec = {"text": label.text, "truncated": self.settings.answers.truncated}
        if condition.like is not None and not condition.label_names:
            other = self.settings.conditions[condition.like]
            inputs["like"] = [self._labels(other.label_names[0], other)]
        return self._node("reveal", spec, inputs=inputs, title="reveal the key")

    def _labels(self, name: str, condition: ConditionSettings) -> Node:
        settings = self.settings.labels[name]
        spec: dict[str, Any] = {"rule": settings.rule, "truncated": self.settings.answers.truncated}
        inputs: dict[str, list[Node]] = {"samples": self._label_samples(settings)}
        if settings.rule == "vote":
            inputs["votes"] = [self._votes(settings)]
            spec |= {"text": settings.text}
            if condition.like is None:
                spec |= {"select": dict(condition.select)}
            else:
                other = self.settings.conditions[condition.like]
                spec |= {"select": {}, "like": "random_count" if "random_like" in condition.select else "count"}
                inputs["like"] = [self._labels(other.label_names[0], other)]
        return self._node("label", spec, inputs=inputs, title=f"labels from {name}")

    def _votes(self, label: LabelSettings, *, part: str = "unlabeled") -> Node:
        answers = self.settings.answers
        asked = self._asked(label, part)
        part_of = {} if asked == self._count(part) else {"questions": asked}
        stopping = {"stopping": stage_spec.stopping(self.settings, label)} if label.stops_early else {}
        return self._node(
            "vote",
            {"K": label.K, "truncated": answers.truncated, "ties": answers.ties, **part_of, **stopping},
            inputs={"samples": self._label_samples(label, part=part)},
            title=f"vote of {label.K} by {self._teacher(label)}" + (" on dev" if part == "dev" else ""),
        )

    def _label_samples(self, label: LabelSettings, *, part: str = "unlabeled") -> list[Node]:
        if label.samples is not None:
            return [self._recorded(label, part)]
        step = self.settings.compute.block
        # Whole blocks, so that votes on a share read the same nodes as votes on all.
        count = min(self._count(part), math.ceil(self._asked(label, part) / step) * step)
        name = self._teacher(label)
        drawn = Draws(part, self.settings.sampling, k=label.K, count=count, shots=label.shots)
        if label.stops_early:
            drawn = replace(drawn, stopping=stage_spec.stopping(self.settings, label))
        return self._draws(self.trained(name), name, drawn)

    def _recorded(self, label: LabelSettings, part: str) -> Node:
        """The node that reads samples from a file in place of drawing them."""
        assert label.samples is not None
        spec = stage_spec.recorded(self.settings, label.samples, part=part, K=label.K, count=self._asked(label, part))
        if label.stops_early:
            spec |= {"stopping": stage_spec.stopping(self.settings, label)}
        path = {"samples": str(Path(label.samples).expanduser().resolve())}
        return self._node(
            "sample", spec, inputs={"split": [self.split]}, title=f"samples in {path['samples']}", paths=path
        )

    def _count(self, part: str) -> int:
        return int(getattr(sizes_of(self.settings.data), part))

    def _asked(self, label: LabelSettings, part: str) -> int:
        """How many questions of a part are voted on; on dev all, whatever the share."""
        count = self._count(part)
        return max(1, math.floor(count * label.share + 1e-9)) if part == "unlabeled" else count

    def _gold_samples(self) -> list[Node]:
        """The untrained model's samples on labeled questions, from which answers without a worked text take one."""
        sizes = sizes_of(self.settings.data)
        count = sizes.labeled - sizes.dev
        return self._draws(None, "the base model", Draws("labeled", self.settings.sampling, k=GOLD_K, count=count))

    def _teacher(self, label: LabelSettings) -> str:
        return label.samples or label.teacher or self.settings.teacher

    def _samples(self, name: str, part: str, decoding: Decoding, *, k: int, count: int) -> list[Node]:
        """The sampling nodes of a condition's model on the first ``count`` questions of a part."""
        return self._draws(self.trained(name), name, Draws(part, decoding, k=k, count=count))

    def _draws(self, train: Node | None, name: str, drawn: Draws) -> list[Node]:
        """The sampling nodes of a model by shard and block; ``train`` is None for the untrained one."""
        base = self.shared.base
        kept = {field: base.spec[field] for field in ("dtype", "attn", "pad")}
        # An adapter is put upon its base again.
        upon_base = train is not None and is_adapter(train)
        if upon_base and "revision" in base.spec:
            kept["revision"] = base.spec["revision"]
        return [
            self._node(
                "sample",
                {**spec, "model": base.spec if train is None else kept},
                inputs={"split": [self.split], **({} if train is None else {"model": [train]})},
                title=f"sample {name} on {drawn.part}",
                paths=base.paths if train is None or upon_base else {},
            )
            for spec in stage_spec.samples(self.settings, drawn, filters=self.shared.filters)
        ]

    def _node(
        self,
        stage: str,
        spec: Mapping[str, Any],
        *,
        inputs: Mapping[str, Sequence[Node]] | None = None,
        title: str,
        paths: Mapping[str, str] | None = None,
    ) -> Node:
        return node.make(stage, spec, inputs=inputs, seed=self.run_seed, title=title, paths=paths)


def _titled(name: str, rate: float) -> str:
    return f"train {name}" if rate == 1 else f"train {name} x {rate:g}"
