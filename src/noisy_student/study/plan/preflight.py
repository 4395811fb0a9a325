"""Nodes that the pre-flight checks need: the study's baseline, its samples, and a few measurements.

The baseline is the node that the study trains anyway, so the study finds it done. No training reads these nodes, so
keys do not depend on whether the checks are on.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from noisy_student.data.parts import sizes_of
from noisy_student.models import lab
from noisy_student.pipeline.node import Node
from noisy_student.sampling.engine import Decoding
from noisy_student.sampling.sample import Shard
from noisy_student.study.plan import specs as stage_spec
from noisy_student.study.plan.samples import SampledModel, SampleGraph
from noisy_student.study.plan.specs import SampleRequest
from noisy_student.study.plan.students import SeedGraph
from noisy_student.study.settings.conditions import GOLD, GrpoCondition, SftCondition, UntrainedCondition, overridden
from noisy_student.study.settings.study import Settings
from noisy_student.training.specs.grpo import GrpoSpec

BASELINE = SftCondition(train=(GOLD,))
RUNGS = (4, 8, 16)
"""K of each try, from the project plan's 4 on; the next K is sampled only if the one before did not pass."""


@dataclass(frozen=True, slots=True)
class PreflightNodes:
    """The measuring nodes; ``votes`` by K, all after the first behind a gate."""

    holdout: Node
    gold: Node
    model: Node
    baseline: Node
    votes: tuple[Node, ...]
    rehearsal: Node | None
    pool: Node | None
    """Greedy answers of the teacher to holdout questions, and ``test`` to test questions; None where test has no own
    file."""
    test: Node | None

    @property
    def targets(self) -> tuple[Node, ...]:
        """All nodes, without repetition."""
        every = [self.holdout, self.gold, self.model, self.baseline, *self.votes, self.rehearsal, self.pool, self.test]
        return tuple(dict.fromkeys(node for node in every if node is not None))


class PreflightGraph(SampleGraph):
    """The nodes of the checks for one seed."""

    def _baseline(self) -> Node:
        """The training on gold labels, which is the study's node if the study has a condition like it."""
        conditions = {**self.settings.conditions, "baseline": BASELINE}
        settings = self.settings.model_copy(update={"conditions": conditions})
        trained = SeedGraph(settings, self.run_seed, self.inputs).trained("baseline")
        assert trained is not None, "the baseline trains on gold labels"
        return trained

    def nodes(self) -> PreflightNodes:
        """Return all measuring nodes; the teacher is the untrained model if the study's is, else the baseline."""
        checks, data = self.settings.checks, {"data": self.inputs.data}
        baseline = self._baseline()
        named = self.settings.conditions.get(self.settings.teacher)
        teacher = None if named is None or isinstance(named, UntrainedCondition) else baseline
        apart = "test" in self.settings.data.source.parts and checks.test_questions > 0
        return PreflightNodes(
            holdout=self.holdout,
            gold=self.node("data-check", data, title="check the data", paths=self.inputs.paths),
            model=self._model(),
            baseline=self._greedy(baseline),
            votes=tuple(self._votes_until_pass(teacher)),
            rehearsal=self._rehearsal() if checks.rehearse else None,
            pool=self._greedy(teacher) if apart else None,
            test=self._test(teacher) if apart else None,
        )

    @cached_property
    def holdout(self) -> Node:
        """Answered questions that no student trains on."""
        spec = {"data": self.inputs.data, "questions": self.settings.checks.questions}
        return self.node("holdout", spec, title="holdout questions", paths=self.inputs.paths)

    def _votes_until_pass(self, teacher: Node | None) -> list[Node]:
        """Votes of increasing K; each adds samples to the ones before, if those did not pass."""
        votes: list[Node] = []
        samples: list[Node] = []
        for first, end in zip((0, *RUNGS), RUNGS, strict=False):
            gate = [
                self.node("gate", {"criterion": "vote-fails"}, inputs={"votes": [last]}, title=f"gate before K = {end}")
                for last in votes[-1:]
            ]
            samples.append(self._ask(teacher, self.settings.sampling, Shard(first=first, end=end), gate))
            votes.append(self._votes_of(end, samples))
        return votes

    def _greedy(self, train: Node | None) -> Node:
        return self._votes_of(1, [self._ask(train, self.settings.evaluation.decoding, Shard(first=0, end=1))])

    def _ask(self, train: Node | None, decoding: Decoding, shard: Shard, gate: Sequence[Node] = ()) -> Node:
        base = self.inputs.base
        spec = stage_spec.sample(self.settings, shard, decoding=decoding, filters=self.inputs.filters)
        inputs: dict[str, Sequence[Node]] = {"split": [self.holdout]}
        inputs |= {} if train is None else {"model": [train]}
        inputs |= {"gate": gate} if gate else {}
        return self.node(
            "sample",
            {
                **spec,
                "part": "holdout",
                "block": [0, self.settings.checks.questions],
                "model": base.spec if train is None else base.loading,
            },
            inputs=inputs,
            title=f"sample {'the base model' if train is None else 'baseline'} on holdout questions",
            paths=base.paths if train is None else {},
        )

    def _votes_of(self, K: int, samples: Sequence[Node]) -> Node:
        answers = self.settings.answers
        return self.node(
            "holdout-votes",
            {"K": K, "truncated": answers.truncated, "ties": answers.ties},
            inputs={"holdout": [self.holdout], "samples": list(samples)},
            title=f"vote of {K} on holdout questions" if K > 1 else "answers to holdout questions",
        )

    def _test(self, teacher: Node | None) -> Node:
        """The teacher's grade on a slice of test, the only check that reads the answer key."""
        count = min(sizes_of(self.settings.data).test, self.settings.checks.test_questions)
        drawn = SampleRequest("test", self.settings.evaluation.decoding, k=1, count=count)
        return self.node(
            "grade",
            {"truncated": self.settings.answers.truncated},
            inputs={
                "key": [self.key],
                "samples": self.samples(SampledModel("the teacher", teacher, self.settings), drawn),
            },
            title=f"grade the teacher on {count} test questions",
        )

    def _model(self) -> Node:
        settings, checks = self.settings, self.settings.checks
        spec = {
            **self._machine(),
            "engine": stage_spec.engine(settings),
            "speed_rows": checks.speed_rows,
            "speed_tokens": checks.speed_tokens,
            # Lab models were pretrained on generated questions only.
            "completions": 0 if settings.model.id in lab.names() else checks.completions,
            "width": settings.compute.width,
        }
        inputs = {"split": [self.split], "holdout": [self.holdout]}
        return self.node("model-check", spec, inputs=inputs, title="check the model", paths=self.inputs.base.paths)

    def _rehearsal(self) -> Node:
        grpo, threads = _heaviest(grpo_specs(self.settings)), self.settings.compute.threads
        spec = {
            **self._machine(),
            "sft": stage_spec.training(self.settings, "baseline", BASELINE)["sft"],
            "grpo": None if grpo is None else {**grpo.model_dump(mode="json"), "threads": threads},
            "width": self.settings.compute.width,
        }
        return self.node(
            "rehearsal",
            spec,
            inputs={"split": [self.split]},
            title="measure the memory of a step",
            paths=self.inputs.base.paths,
        )

    def _machine(self) -> dict[str, Any]:
        """Fields of every measurement of this machine, whose name is part of the key."""
        return {
            "machine": platform.node(),
            "model": self.inputs.base.spec,
            "prompt": self.settings.prompt.model_dump(mode="json"),
            "threads": self.settings.compute.threads,
        }


def grpo_specs(settings: Settings) -> list[GrpoSpec]:
    """Return the training settings of every GRPO condition, in the order of the conditions."""
    return [
        overridden(settings.grpo, condition.grpo, f"conditions.{name}.grpo")
        for name, condition in settings.conditions.items()
        if isinstance(condition, GrpoCondition)
    ]


def _heaviest(specs: Sequence[GrpoSpec]) -> GrpoSpec | None:
    return max(specs, key=lambda spec: (spec.micro_batch or spec.batch) * spec.max_new_tokens, default=None)
