"""The nodes of one seed: every condition and every set of labels, each made once and shared by content."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from noisy_student.errors import UserError
from noisy_student.pipeline.node import Node
from noisy_student.study.plan import specs
from noisy_student.study.plan.inputs import Shared
from noisy_student.study.plan.labels import LabelGraph
from noisy_student.study.plan.nodes import ConditionNodes, LabelNodes, first_trained
from noisy_student.study.plan.rounds import ChainGraph
from noisy_student.study.plan.samples import DrawGraph, Origin
from noisy_student.study.plan.specs import Draws
from noisy_student.study.settings.checks import probes_before
from noisy_student.study.settings.conditions import GOLD, REVEALED, ConditionSettings
from noisy_student.study.settings.study import Settings


@dataclass(frozen=True, slots=True)
class Begun:
    """What a training is told of the model that it begins with."""

    spec: Mapping[str, Any]
    paths: Mapping[str, str]
    inputs: Mapping[str, list[Node]]


@dataclass
class SeedGraph:
    """The nodes of one seed, each made once; raises UserError for teachers in a circle."""

    settings: Settings
    run_seed: int
    shared: Shared
    _trained: dict[str, Node | None] = field(default_factory=dict)
    _waiting: list[str] = field(default_factory=list)

    @cached_property
    def draw(self) -> DrawGraph:
        """Split, key and samples."""
        return DrawGraph(self.settings, self.run_seed, self.shared)

    @cached_property
    def label(self) -> LabelGraph:
        """Labels, whose teachers are conditions."""
        return LabelGraph(self.draw, self.handed)

    def votes(self, name: str) -> LabelNodes:
        """One set of votes and its quality."""
        return self.label.nodes(name)

    def condition(self, name: str) -> ConditionNodes:
        """Training and test of one condition."""
        train = self.trained(name)
        taught = None if train is None else first_trained(train)
        learned = taught.inputs.get("examples", (taught,))[0] if taught is not None else None
        chain = self.settings.conditions[name].method == "last"
        return ConditionNodes(
            name=name,
            seed=self.run_seed,
            train=train,
            learned=learned,
            grade=self._grade(name),
            quality=None if chain else self._quality(name, learned),
            groups=None if chain else self._groups(name, train),
            review=None if self.settings.conditions[name].accept is None else self.chain.review(name),
            lineage=self.chain.lineage(name),
        )

    def _grade(self, name: str) -> Node:
        """The test of a condition's model."""
        settings, condition = self.draw.settings_of(name), self.settings.conditions[name]
        evaluation, part = settings.evaluation, condition.graded_on
        tested = self.draw.count(part)
        free = evaluation.decoding.model_copy(update={"stop_at_answer": False})
        sampled = min(tested, evaluation.sampled_questions)
        slices = {
            "samples": self._samples(name, Draws(part, evaluation.decoding, k=1, count=tested)),
            "sampled": self._samples(name, Draws(part, evaluation.sampled, k=evaluation.sampled_k, count=sampled)),
            "free": self._samples(name, Draws(part, free, k=1, count=min(tested, evaluation.stop_questions))),
        }
        if condition.passes:
            count = min(tested, evaluation.passes_questions)
            drawn = Draws(part, evaluation.passes, k=evaluation.passes_k, count=count)
            slices["passes"] = self._samples(name, drawn)
        return self.draw.node(
            "grade",
            {"truncated": settings.answers.truncated},
            inputs={"key": [self.draw.key], **slices},
            title=f"grade {name}" + (" on dev" if part == "dev" else ""),
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

    def handed(self, name: str) -> Node | None:
        """The condition's model as it may teach and be gone on from: where it has to be accepted, behind its gate."""
        gated = self.settings.conditions[name].accept is not None
        return self.chain.accepted(name) if gated else self.trained(name)

    @cached_property
    def chain(self) -> ChainGraph:
        """Reviews, gates and the last of a chain."""
        return ChainGraph(self.draw, self.label, trained=self.trained, handed=self.handed)

    def _samples(self, name: str, drawn: Draws) -> list[Node]:
        """The sampling nodes of a condition's model."""
        return self.draw.draws(Origin(name, self.trained(name), self.draw.settings_of(name)), drawn)

    def _groups(self, name: str, train: Node | None) -> Node | None:
        if train is None or first_trained(train).stage != "train-grpo":
            return None
        inputs = {"key": [self.draw.key], "train": [train]}
        return self.draw.node("group-quality", {}, inputs=inputs, title=f"groups of {name} against the key")

    def _quality(self, name: str, node: Node | None) -> Node | None:
        noised = self.settings.conditions[name].accuracy is not None
        judged = ("label", "reveal") if noised else ("label",)
        learned = [parent for parent in node.inputs.get("labels", ()) if parent.stage in judged] if node else []
        if len(learned) != 1:
            return None
        return self.draw.node(
            "label-quality",
            {},
            inputs={"key": [self.draw.key], "labels": learned},
            title=f"labels of {name} against the key",
        )

    def _train(self, name: str, condition: ConditionSettings) -> Node | None:
        if condition.method == "none":
            return None
        if condition.method == "last":
            return self.chain.last(name)
        train = self._train_grpo if condition.method == "grpo" else self._train_sft
        return self._tuned(name, train) if condition.rates else train(name, 1.0)

    def _tuned(self, name: str, train: Callable[[str, float], Node]) -> Node:
        """The student of several learning rates that is best on dev."""
        settings, condition = self.draw.settings_of(name), self.settings.conditions[name]
        inputs = {"split": [self.draw.split]}
        for number, rate in enumerate(condition.rates):
            tried = train(name, rate)
            drawn = Draws("dev", settings.evaluation.decoding, k=1, count=self.draw.count("dev"))
            origin = Origin(f"{name} x {rate:g}", tried, settings)
            inputs |= {f"train-{number}": [tried], f"dev-{number}": self.draw.draws(origin, drawn)}
        base = self.draw.base_of(settings)
        spec = {"rates": list(condition.rates), "truncated": settings.answers.truncated, "model": base.spec}
        return self.draw.node("tune", spec, inputs=inputs, title=f"choose {name} on dev", paths=base.paths)

    def _train_sft(self, name: str, rate: float) -> Node:
        settings, condition = self.draw.settings_of(name), self.settings.conditions[name]
        inputs: dict[str, list[Node]] = {"gold": [], "own": [], "labels": []}
        for source in condition.train:
            if source == GOLD:
                inputs["gold"].append(self.draw.split)
                inputs["own"] += [] if self.shared.gold_is_solved else self.draw.gold_samples(settings)
            elif source == REVEALED:
                inputs["labels"].append(self.label.reveal(condition))
        inputs["labels"] += [self.label.labels(label, condition) for label in condition.label_names]
        spec = specs.examples(settings, condition, own=bool(inputs["own"]))
        given = {role: nodes for role, nodes in inputs.items() if nodes}
        examples = self.draw.node("examples", spec, inputs=given, title=f"examples {name}")
        begun = self._begun(name)
        return self.draw.node(
            "train-sft",
            {**specs.sft(settings, condition, rate=rate), "model": begun.spec},
            inputs={"split": [self.draw.split], "examples": [examples], **begun.inputs},
            title=_titled(name, rate),
            paths=begun.paths,
        )

    def _begun(self, name: str) -> Begun:
        """Where a student begins: at its model, or at another student."""
        base, start = self.draw.base_of(self.draw.settings_of(name)), self.settings.conditions[name].start
        if start is None:
            return Begun(base.spec, base.paths, {})
        before = self.handed(start)
        assert before is not None, "settings refuse a start that trains nothing"
        return Begun({field: base.spec[field] for field in ("dtype", "attn", "pad")}, {}, {"start": [before]})

    def _train_grpo(self, name: str, rate: float) -> Node:
        """Answers are its own, so it takes labels and no worked texts."""
        settings, condition = self.draw.settings_of(name), self.settings.conditions[name]
        labels = [self.label.labels(label, condition) for label in condition.label_names]
        labels += [self.label.reveal(condition)] if REVEALED in condition.train else []
        inputs = {"gold": [self.draw.split] if GOLD in condition.train else [], "labels": labels}
        inputs["gate"] = [] if condition.after is None else [self._gate(name)]
        begun = self._begun(name)
        given = {role: nodes for role, nodes in inputs.items() if nodes}
        return self.draw.node(
            "train-grpo",
            {**specs.grpo(settings, name, condition, rate=rate), "model": begun.spec},
            inputs={"split": [self.draw.split], **given, **begun.inputs},
            title=_titled(name, rate),
            paths=begun.paths,
        )

    def _gate(self, name: str) -> Node:
        """Whether the probe ``name`` is needed: none of those before it held."""
        before = probes_before(name, self.settings.conditions)
        trained = [self.trained(probe) for probe in before]
        inputs = {f"probe-{number}": [node] for number, node in enumerate(trained) if node is not None}
        return self.draw.node("gate", {"probes": list(before)}, inputs=inputs, title=f"whether {name} is needed")


def _titled(name: str, rate: float) -> str:
    return f"train {name}" if rate == 1 else f"train {name} x {rate:g}"
