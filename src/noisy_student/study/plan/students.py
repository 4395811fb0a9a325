"""The graph of one seed: students, the labels that they learn from, and their grades.

Students and labels are one recursion: a condition learns from labels, whose teacher is a condition. Every condition's
training is built once, and nodes with equal specs and inputs are the same node.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from noisy_student.errors import UserError
from noisy_student.labeling.select import SELECTIONS
from noisy_student.pipeline.node import Node, declared_by
from noisy_student.study.plan import specs
from noisy_student.study.plan.nodes import ConditionNodes, LabelNodes, first_trained
from noisy_student.study.plan.samples import SampledModel, SampleGraph
from noisy_student.study.plan.specs import SampleRequest
from noisy_student.study.settings.checks import probes_before
from noisy_student.study.settings.conditions import (
    GOLD,
    LABELS,
    REVEALED,
    TARGET,
    ConditionSettings,
    LabelCondition,
    SftCondition,
    TextCondition,
    TrainedCondition,
)
from noisy_student.study.settings.labels import LabelSettings
from noisy_student.study.settings.methods import METHODS


@dataclass
class SeedGraph(SampleGraph):
    """The nodes of one seed; raises UserError where teachers form a circle."""

    _trained: dict[str, Node | None] = field(default_factory=dict)
    _waiting: list[str] = field(default_factory=list)

    def condition(self, name: str) -> ConditionNodes:
        """Return training, grade and measurements of one condition."""
        train, condition = self.trained(name), self.settings.conditions[name]
        taught = None if train is None else first_trained(train)
        learned = None if taught is None else taught.inputs.get("examples", (taught,))[0]
        measured_by, grade = METHODS.get(condition.method).measured_by, self._grade(name)
        return ConditionNodes(
            name=name,
            seed=self.run_seed,
            train=train,
            learned=learned,
            grade=grade,
            quality=self._condition_quality(name, learned) if isinstance(condition, TrainedCondition) else None,
            groups=self._against_key(measured_by, f"groups of {name} against the key", train=[self._student(name)])
            if measured_by
            else None,
            review=None if condition.accept is None else self.review(name),
            lineage=self.lineage(name),
            measures={stage: self._measure(stage, name, grade) for stage in self.settings.measures},
        )

    def label(self, name: str) -> LabelNodes:
        """Return one set of votes, the labels that it gives, and its quality against the key."""
        label = self.settings.labels[name]
        votes = self.votes(label)
        on_dev = None
        # Dev says nothing of questions of another kind.
        if label.part == "unlabeled" and not self.inputs.truth_known and label.samples is None:
            on_dev = self._vote_quality(f"quality of {name} on dev", self.votes(label, part="dev"))
        quality = None
        if self._key_holds(label):
            quality = self._vote_quality(f"quality of {name}", votes)
        labels = self.labels(name, SftCondition(train=(f"{LABELS}{name}",), select=label.default_select))
        return LabelNodes(name, self.run_seed, self._teacher(label), votes, labels, quality, on_dev)

    def trained(self, name: str) -> Node | None:
        """Return the training node of a condition, None for the untrained model."""
        if name not in self._trained:
            if name in self._waiting:
                circle = " → ".join([*self._waiting[self._waiting.index(name) :], name])
                raise UserError(
                    f"The teachers form a circle: {circle}.",
                    why="A teacher is trained before its votes are cast.",
                    do="Set another teacher in one of these label sets.",
                    code="teacher-circle",
                )
            self._waiting.append(name)
            self._trained[name] = self._train(name, self.settings.conditions[name])
            self._waiting.pop()
        return self._trained[name]

    def approved(self, name: str) -> Node | None:
        """Return the condition's model for others to use: as accepted, where it must be accepted, else as trained."""
        if self.settings.conditions[name].accept is None:
            return self.trained(name)
        inputs = {"train": [self._student(name)], "review": [self.review(name)]}
        return self.node("gate", {"criterion": "accepted", "name": name}, inputs=inputs, title=f"accept {name}")

    def _train(self, name: str, condition: ConditionSettings) -> Node | None:
        if isinstance(condition, TrainedCondition):
            return self._tuned(name, condition) if condition.rates else self._train_at(name, condition, 1.0)
        return self._last(name) if condition.last_of else None

    def _last(self, name: str) -> Node:
        chain = self.settings.conditions[name].last_of
        students = [self.approved(link) for link in chain]
        inputs = {f"train-{number}": [node] for number, node in enumerate(students) if node is not None}
        spec = {"rule": "last", "chain": list(chain)}
        return self.node("choose", spec, inputs=inputs, title=f"the last of {', '.join(chain)}")

    def _tuned(self, name: str, condition: TrainedCondition) -> Node:
        """The student of several learning rates that is best on dev."""
        settings = self.settings_of(name)
        request = SampleRequest("dev", settings.evaluation.decoding, k=1, count=self.count("dev"))
        inputs = {"split": [self.split]}
        for number, rate in enumerate(condition.rates):
            train = self._train_at(name, condition, rate)
            dev = self.samples(SampledModel(f"{name} x {rate:g}", train, settings), request)
            inputs |= {f"train-{number}": [train], f"dev-{number}": dev}
        base, truncated = self.inputs.base_of(settings.model), settings.answers.truncated
        spec = {"rule": "best-on-dev", "rates": list(condition.rates), "truncated": truncated, "model": base.spec}
        return self.node("choose", spec, inputs=inputs, title=f"choose {name} on dev", paths=base.paths)

    def _train_at(self, name: str, condition: TrainedCondition, rate: float) -> Node:
        stage, settings = METHODS.get(condition.method).stage, self.settings_of(name)
        assert stage is not None, "trained conditions have a stage"
        if isinstance(condition, TextCondition):
            inputs = {"split": [self.split], "examples": [self._examples(name, condition)]}
        else:
            inputs = {"split": [self.split], **self._labels_of(name, condition)}
        base = self.inputs.base_of(settings.model)
        model, paths = base.spec, base.paths
        if condition.start is not None:
            before = self.approved(condition.start)
            assert before is not None, "settings refuse a start that trains nothing"
            model, paths, inputs["start"] = base.loading, {}, [before]
        return self.node(
            stage,
            {**specs.training(settings, name, condition, rate=rate), "model": model},
            inputs=inputs,
            title=f"train {name}" if rate == 1 else f"train {name} x {rate:g}",
            paths=paths,
        )

    def _examples(self, name: str, condition: TextCondition) -> Node:
        settings = self.settings_of(name)
        inputs: dict[str, list[Node]] = {"gold": [], "own": [], "labels": []}
        for source in condition.train:
            if source == GOLD:
                inputs["gold"].append(self.split)
                inputs["own"] += [] if self.inputs.gold_is_solved else self.gold_samples(settings)
            elif source == REVEALED:
                inputs["labels"].append(self.reveal(condition))
        inputs["labels"] += [self.labels(label, condition) for label in condition.label_names]
        # Own samples replace missing solutions of gold answers, so their reading counts.
        spec = {"truncated": settings.answers.truncated if inputs["own"] else None, "shuffle": condition.shuffle}
        return self.node("examples", spec, inputs=_given(inputs), title=f"examples {name}")

    def _labels_of(self, name: str, condition: TrainedCondition) -> dict[str, list[Node]]:
        """The labels that a condition learns from without worked texts, and the gate of a probe."""
        labels = [self.labels(label, condition) for label in condition.label_names]
        labels += [self.reveal(condition)] if REVEALED in condition.train else []
        gated = isinstance(condition, LabelCondition) and condition.after is not None
        gold = [self.split] if GOLD in condition.train else []
        return _given({"gold": gold, "labels": labels, "gate": [self._gate(name)] if gated else []})

    def _gate(self, name: str) -> Node:
        """The gate of a probe: open where no probe before it met its criteria."""
        before = probes_before(name, self.settings.conditions)
        trained = [self.trained(probe) for probe in before]
        inputs = {f"probe-{number}": [node] for number, node in enumerate(trained) if node is not None}
        spec = {"criterion": "no-probe-held", "probes": list(before)}
        return self.node("gate", spec, inputs=inputs, title=f"gate before {name}")

    def review(self, name: str) -> Node:
        """Return the comparison on dev of a condition's student with the one of the round before."""
        settings, accept = self.settings, self.settings.conditions[name].accept
        assert accept is not None, "only conditions with accept are reviewed"
        inputs = {
            "split": [self.split],
            # As trained, not as accepted: had it been rejected, no round would come after it.
            **self._on_dev("before-", accept.against, self.trained(accept.against), K=accept.K),
            **self._on_dev("", name, self._student(name), K=accept.K),
        }
        if settings.conditions[accept.against].accept is not None:
            inputs["previous"] = [self.review(accept.against)]
        spec = {
            **accept.model_dump(mode="json", exclude={"against"}),
            "truncated": settings.answers.truncated,
            "ties": settings.answers.ties,
        }
        return self.node("review", spec, inputs=inputs, title=f"review {name} on dev")

    def _student(self, name: str) -> Node:
        train = self.trained(name)
        assert train is not None, "only conditions that train have accept or measured groups"
        return train

    def _on_dev(self, role: str, name: str, train: Node | None, *, K: int) -> dict[str, list[Node]]:
        """A student's answers to all dev questions: greedy, and K samples as a teacher would draw them."""
        settings, count = self.settings_of(name), self.count("dev")
        model = SampledModel(name, train, settings)
        greedy = SampleRequest("dev", settings.evaluation.decoding, k=1, count=count)
        drawn = SampleRequest("dev", settings.sampling, k=K, count=count)
        return {f"{role}greedy": self.samples(model, greedy), f"{role}drawn": self.samples(model, drawn)}

    def labels(self, name: str, condition: ConditionSettings) -> Node:
        """Return the labels that a condition selects from a set of votes."""
        label = self.settings.labels[name]
        rule, inputs = dict(condition.select), {"samples": self._label_samples(label)}
        target, like, text = rule.pop(TARGET, None), None, None
        if label.rule == "vote":
            inputs["votes"], text = [self.votes(label)], label.text
            if target is not None:
                inputs |= {"shown": [self.votes(label, part="dev")], "split": [self.split]}
            elif condition.like is not None:
                rule, like = {}, "random_count" if "random_like" in rule else "count"
                inputs["like"] = [self._like(condition.like)]
        spec = {
            "rule": label.rule,
            "select": rule,
            "plugin": {key: value for name in rule for key, value in SELECTIONS.identity(name).items()},
            "target": target,
            "like": like,
            "text": text,
            "truncated": self.settings.answers.truncated,
        }
        return self.node("label", spec, inputs=inputs, title=f"labels from {name}")

    def reveal(self, condition: TrainedCondition) -> Node:
        """Return the key's labels of unlabeled or foreign questions, for conditions that ask for them."""
        inputs = {"split": [self.split], "key": [self.key]}
        text, truncated = None, None
        if condition.target == "own-sample":
            label = self._own(condition)
            # All questions and all K samples, whatever share those labels vote on: an oracle is one of all questions.
            label = LabelSettings.model_validate(label.model_dump(include={"teacher", "K", "text", "shots"}))
            inputs["samples"] = self._label_samples(label, part=condition.reveal)
            text, truncated = label.text, self.settings.answers.truncated
        if condition.like is not None and not condition.label_names:
            inputs["like"] = [self._like(condition.like)]
        spec = {"part": condition.reveal, "text": text, "truncated": truncated, "accuracy": condition.accuracy}
        of = "" if condition.reveal == "unlabeled" else f" of {condition.reveal} questions"
        right = "" if condition.accuracy is None else f", {condition.accuracy:.0%} right"
        return self.node("reveal", spec, inputs=inputs, title=f"reveal the key{right or of}")

    def votes(self, label: LabelSettings, *, part: str | None = None) -> Node:
        """Return the votes of a set of labels, on its own part or on another."""
        part = part or label.part
        asked = self._asked(label, part)
        questions = None if asked == self.count(part) else asked
        return self.node(
            "vote",
            specs.vote(self.settings, label.K, questions=questions, stopping=specs.stopping(self.settings, label)),
            inputs={"samples": self._label_samples(label, part=part)},
            title=f"vote of {label.K} by {self._teacher(label)}" + ("" if part == "unlabeled" else f" on {part}"),
        )

    def _like(self, condition: str) -> Node:
        """The labels of a condition that learns from one set of votes."""
        other = self.settings.conditions[condition]
        return self.labels(other.label_names[0], other)

    def _own(self, condition: TrainedCondition) -> LabelSettings:
        """The first set of labels whose teacher has the condition's base model."""
        settings = self.settings
        for label in settings.labels.values() or [LabelSettings()]:
            teacher = label.teacher or settings.teacher
            if teacher in settings.conditions and settings.conditions[teacher].model == condition.model:
                return label
        raise UserError(
            f'target = "own-sample" needs labels of a teacher with the model {condition.model or settings.model.id}; '
            "there are none.",
            why="Samples of another model are not the student's own.",
            do="Add a set of labels with such a teacher.",
            code="own-samples-missing",
        )

    def _label_samples(self, label: LabelSettings, *, part: str | None = None) -> list[Node]:
        part = part or label.part
        if label.samples is not None:
            return [self.recorded(label, part=part, count=self._asked(label, part))]
        step = self.settings.compute.block
        # Whole blocks, so that votes on a share of the questions use the same nodes as votes on all.
        count = min(self.count(part), math.ceil(self._asked(label, part) / step) * step)
        name = self._teacher(label)
        settings = self.settings_of(name)
        stopping = specs.stopping(self.settings, label)
        request = SampleRequest(part, settings.sampling, label.K, count, stopping=stopping, shots=label.shots)
        return self.samples(SampledModel(name, self.approved(name), settings), request)

    def _asked(self, label: LabelSettings, part: str) -> int:
        """The number of questions of a part that are voted on; all of dev, whatever the share."""
        count = self.count(part)
        return count if part == "dev" else max(1, math.floor(count * label.share + 1e-9))

    def _teacher(self, label: LabelSettings) -> str:
        return label.samples or label.teacher or self.settings.teacher

    def lineage(self, name: str) -> Node | None:
        """Return the change of a condition's labels since the round before; None unless each has one set of votes."""
        accept = self.settings.conditions[name].accept
        if accept is None:
            return None
        inputs: dict[str, list[Node]] = {}
        for role, condition in (("before-", accept.against), ("", name)):
            learner = self.settings.conditions[condition]
            voted = [self.settings.labels[label] for label in learner.label_names]
            if len(voted) != 1 or voted[0].rule != "vote":
                return None
            inputs |= {f"{role}votes": [self.votes(voted[0])], f"{role}labels": [self._like(condition)]}
        return self._against_key("lineage", f"labels of {name} since {accept.against}", **inputs)

    def _grade(self, name: str) -> Node:
        settings, condition = self.settings_of(name), self.settings.conditions[name]
        evaluation, part = settings.evaluation, condition.graded_on
        tested = self.count(part)
        free = evaluation.decoding.model_copy(update={"stop_at_answer": False})
        slices = {
            "samples": (evaluation.decoding, 1, tested),
            "sampled": (evaluation.sampled, evaluation.sampled_k, evaluation.sampled_questions),
            "free": (free, 1, evaluation.stop_questions),
        }
        if condition.passes:
            slices["passes"] = (evaluation.passes, evaluation.passes_k, evaluation.passes_questions)
        model = SampledModel(name, self.trained(name), settings)
        inputs = {
            role: self.samples(model, SampleRequest(part, decoding, k=k, count=min(tested, count)))
            for role, (decoding, k, count) in slices.items()
        }
        return self.node(
            "grade",
            {"truncated": settings.answers.truncated},
            inputs={"key": [self.key], **inputs},
            title=f"grade {name}" + (" on dev" if part == "dev" else ""),
        )

    def _measure(self, stage: str, name: str, grade: Node) -> Node:
        inputs = {"samples": grade.inputs["samples"]}
        if declared_by(stage).lane == "truth":
            inputs["key"] = (self.key,)
        return self.node(stage, {}, inputs=inputs, title=f"{stage} of {name}")

    def _key_holds(self, label: LabelSettings) -> bool:
        """Return whether the key can hold the answers of the questions that a set of labels is about."""
        return label.part != "unlabeled" or self.inputs.truth_known

    def _condition_quality(self, name: str, learned: Node | None) -> Node | None:
        noised = self.settings.conditions[name].accuracy is not None
        judged = ("label", "reveal") if noised else ("label",)
        labels = [parent for parent in learned.inputs.get("labels", ()) if parent.stage in judged] if learned else []
        voted = [self.settings.labels[label] for label in self.settings.conditions[name].label_names]
        if len(labels) != 1 or not all(map(self._key_holds, voted)):
            return None
        return self._against_key("label-quality", f"labels of {name} against the key", labels=labels)

    def _vote_quality(self, title: str, votes: Node) -> Node:
        inputs = {"key": [self.key], "votes": [votes]}
        return self.node("label-quality", {"ties": self.settings.answers.ties}, inputs=inputs, title=title)

    def _against_key(self, stage: str, title: str, **inputs: list[Node]) -> Node:
        """A comparison with the key, for reports only."""
        return self.node(stage, {}, inputs={"key": [self.key], **inputs}, title=title)


def _given(inputs: dict[str, list[Node]]) -> dict[str, list[Node]]:
    return {role: nodes for role, nodes in inputs.items() if nodes}
