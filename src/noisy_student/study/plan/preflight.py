"""What the pre-flight checks need, as nodes: the study's own baseline and its samples, and a few measurements.

The baseline is the node that a study trains anyway, so a study that follows finds it done. Nothing here is read by
anything that a study trains: with the checks switched off no key differs.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from noisy_student.data.parts import sizes_of
from noisy_student.evaluation.preflight.rungs import RUNGS
from noisy_student.models import lab
from noisy_student.pipeline.node import Node
from noisy_student.sampling.engine import Decoding
from noisy_student.sampling.sample import Shard
from noisy_student.study.plan import specs as stage_spec
from noisy_student.study.plan.inputs import Inputs
from noisy_student.study.plan.samples import SampledModel, SampleGraph
from noisy_student.study.plan.specs import SampleRequest
from noisy_student.study.plan.students import SeedGraph
from noisy_student.study.settings.conditions import GOLD, GrpoCondition, SftCondition, overridden
from noisy_student.study.settings.study import Settings
from noisy_student.training.specs.grpo import GrpoSpec

BASELINE = SftCondition(train=(GOLD,))


@dataclass(frozen=True, slots=True)
class PreflightNodes:
    """What is measured, by check; ``votes`` by K, those after the first only where they were needed."""

    unseen: Node
    gold: Node
    model: Node
    baseline: Node
    votes: tuple[Node, ...]
    rehearsal: Node | None
    pool: Node | None
    """Greedy answers of the teacher to unseen questions, and ``test`` to test questions; None where there is no file
    of test questions of their own."""
    test: Node | None

    @property
    def targets(self) -> tuple[Node, ...]:
        """All of them."""
        every = [self.unseen, self.gold, self.model, self.baseline, *self.votes, self.rehearsal, self.pool, self.test]
        return tuple(dict.fromkeys(node for node in every if node is not None))


@dataclass
class PreflightGraph:
    """The nodes of the checks for one seed."""

    settings: Settings
    run_seed: int
    inputs: Inputs

    @cached_property
    def draw(self) -> SampleGraph:
        """Split, key and samples."""
        return SampleGraph(self.settings, self.run_seed, self.inputs)

    def _baseline(self) -> Node:
        """A student of the gold labels, the study's own where it has such a one."""
        conditions = {**self.settings.conditions, "baseline": BASELINE}
        settings = self.settings.model_copy(update={"conditions": conditions})
        trained = SeedGraph(settings, self.run_seed, self.inputs).trained("baseline")
        assert trained is not None, "it trains on gold"
        return trained

    def nodes(self) -> PreflightNodes:
        """All that is measured; the teacher is the untrained model where the study's is, else the baseline."""
        checks, data = self.settings.checks, {"data": self.inputs.data}
        baseline = self._baseline()
        named = self.settings.conditions.get(self.settings.teacher)
        teacher = None if named is None or named.method == "none" else baseline
        apart = "test" in self.settings.data.source.parts and checks.test_questions > 0
        return PreflightNodes(
            unseen=self.unseen,
            gold=self.draw.node("gold-check", data, title="read gold answers", paths=self.inputs.paths),
            model=self._model(),
            baseline=self._greedy(baseline),
            votes=tuple(self._ladder(teacher)),
            rehearsal=self._rehearsal() if checks.rehearse else None,
            pool=self._greedy(teacher) if apart else None,
            test=self._test(teacher) if apart else None,
        )

    @property
    def unseen(self) -> Node:
        """Answered questions that no student is trained on."""
        spec = {"data": self.inputs.data, "questions": self.settings.checks.questions}
        return self.draw.node("unseen", spec, title="unseen questions", paths=self.inputs.paths)

    def _ladder(self, teacher: Node | None) -> list[Node]:
        """Votes of more and more samples; each rung adds to those before, and is drawn only where they did not pass."""
        votes: list[Node] = []
        samples: list[Node] = []
        for first, end in zip((0, *RUNGS), RUNGS, strict=False):
            title = f"whether K = {end} is needed"
            gate = [self.draw.node("more-votes", {}, inputs={"votes": [last]}, title=title) for last in votes[-1:]]
            samples.append(self._ask(teacher, self.settings.sampling, Shard(first=first, end=end), gate))
            votes.append(self._votes_of(end, samples))
        return votes

    def _greedy(self, train: Node | None) -> Node:
        """One answer to each unseen question, decoded as in the evaluation."""
        return self._votes_of(1, [self._ask(train, self.settings.evaluation.decoding, Shard(first=0, end=1))])

    def _ask(self, train: Node | None, decoding: Decoding, shard: Shard, gate: Sequence[Node] = ()) -> Node:
        """Samples of a model on all unseen questions."""
        base = self.inputs.base
        spec = stage_spec.sample(self.settings, shard, decoding=decoding, filters=self.inputs.filters)
        kept = {name: base.spec[name] for name in ("dtype", "attn", "pad")}
        inputs: dict[str, Sequence[Node]] = {"split": [self.unseen]}
        inputs |= {} if train is None else {"model": [train]}
        inputs |= {"gate": gate} if gate else {}
        return self.draw.node(
            "sample",
            {
                **spec,
                "part": "unseen",
                "block": [0, self.settings.checks.questions],
                "model": base.spec if train is None else kept,
            },
            inputs=inputs,
            title=f"sample {'the base model' if train is None else 'baseline'} on unseen questions",
            paths=base.paths if train is None else {},
        )

    def _votes_of(self, K: int, samples: Sequence[Node]) -> Node:
        answers = self.settings.answers
        return self.draw.node(
            "unseen-votes",
            {"K": K, "truncated": answers.truncated, "ties": answers.ties},
            inputs={"unseen": [self.unseen], "samples": list(samples)},
            title=f"vote of {K} on unseen questions" if K > 1 else "answers to unseen questions",
        )

    def _test(self, teacher: Node | None) -> Node:
        """The teacher's grade on a slice of test, the one place where the checks read the key."""
        count = min(sizes_of(self.settings.data).test, self.settings.checks.test_questions)
        drawn = SampleRequest("test", self.settings.evaluation.decoding, k=1, count=count)
        return self.draw.node(
            "grade",
            {"truncated": self.settings.answers.truncated},
            inputs={
                "key": [self.draw.key],
                "samples": self.draw.samples(SampledModel("the teacher", teacher, self.settings), drawn),
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
            # Our own models have seen no such text.
            "completions": 0 if settings.model.id in lab.names() else checks.completions,
            "width": settings.compute.width,
        }
        inputs = {"split": [self.draw.split], "unseen": [self.unseen]}
        return self.draw.node("model-check", spec, inputs=inputs, title="check the model", paths=self.inputs.base.paths)

    def _rehearsal(self) -> Node | None:
        grpo, threads = self.grpo(), self.settings.compute.threads
        spec = {
            **self._machine(),
            "sft": stage_spec.training(self.settings, "baseline", BASELINE)["sft"],
            "grpo": None if grpo is None else {**grpo.model_dump(mode="json"), "threads": threads},
            "width": self.settings.compute.width,
        }
        return self.draw.node(
            "rehearsal",
            spec,
            inputs={"split": [self.draw.split]},
            title="rehearse a step",
            paths=self.inputs.base.paths,
        )

    def grpo(self) -> GrpoSpec | None:
        """The heaviest way in which the study trains by GRPO, by tokens at once; None where it does not."""
        specs = [
            overridden(self.settings.grpo, condition.grpo, f"conditions.{name}.grpo")
            for name, condition in self.settings.conditions.items()
            if isinstance(condition, GrpoCondition)
        ]
        return max(specs, key=lambda spec: (spec.micro_batch or spec.batch) * spec.max_new_tokens, default=None)

    def _machine(self) -> dict[str, Any]:
        """What every measurement depends on; the machine is what is measured, so here its name counts."""
        return {
            "machine": platform.node(),
            "model": self.inputs.base.spec,
            "prompt": self.settings.prompt.model_dump(mode="json"),
            "threads": self.settings.compute.threads,
        }
