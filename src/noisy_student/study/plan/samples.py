"""Nodes of one seed that need no student: the split, the answer key, and samples of a given model."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

from noisy_student.data.parts import sizes_of
from noisy_student.pipeline.node import Node, make
from noisy_student.study.plan import specs
from noisy_student.study.plan.inputs import Inputs, variant
from noisy_student.study.plan.nodes import is_adapter
from noisy_student.study.plan.specs import SampleRequest
from noisy_student.study.settings.labels import LabelSettings
from noisy_student.study.settings.study import Settings

GOLD_K = 8
"""Samples of a labeled question, the first right one of which stands for a missing solution (STaR, Zelikman 2022)."""


@dataclass(frozen=True, slots=True)
class SampledModel:
    """A model to sample from: ``train`` is None for the untrained one, ``settings`` are those of its base model."""

    name: str
    train: Node | None
    settings: Settings


@dataclass
class SampleGraph:
    """Split, key and sample nodes of one seed; nodes with equal specs and inputs are the same node."""

    settings: Settings
    run_seed: int
    inputs: Inputs
    _variants: dict[str | None, Settings] = field(default_factory=dict)

    @cached_property
    def split(self) -> Node:
        """The questions of every part, and the gold labels."""
        return self.node("split", {"data": self.inputs.data}, title="split", paths=self.inputs.paths)

    @cached_property
    def key(self) -> Node:
        """The hidden answers."""
        return self.node("key", {"data": self.inputs.data}, title="answer key", paths=self.inputs.paths)

    def settings_of(self, condition: str) -> Settings:
        """Return the settings with the condition's model in place of the run's."""
        model = self.settings.conditions[condition].model
        if model not in self._variants:
            self._variants[model] = variant(self.settings, model)
        return self._variants[model]

    def count(self, part: str) -> int:
        """Return the number of questions of a part."""
        return int(getattr(sizes_of(self.settings.data), part))

    def samples(self, model: SampledModel, request: SampleRequest) -> list[Node]:
        """Return the sample nodes of a model, by shard and block."""
        base, train = self.inputs.base_of(model.settings.model), model.train
        # An adapter is loaded on top of its base model, a trained whole model is not.
        on_base = train is not None and is_adapter(train)
        kept = base.loading
        if on_base and "revision" in base.spec:
            kept["revision"] = base.spec["revision"]
        return [
            self.node(
                "sample",
                {**spec, "model": base.spec if train is None else kept},
                inputs={"split": [self.split], **({} if train is None else {"model": [train]})},
                title=f"sample {model.name} on {request.part}",
                paths=base.paths if train is None or on_base else {},
            )
            for spec in specs.samples(model.settings, request, filters=self.inputs.filters_of(model.settings))
        ]

    def gold_samples(self, settings: Settings) -> list[Node]:
        """Return the untrained model's samples on labeled questions, which replace missing worked solutions."""
        sizes = sizes_of(self.settings.data)
        request = SampleRequest("labeled", settings.sampling, k=GOLD_K, count=sizes.labeled - sizes.dev)
        return self.samples(SampledModel("the base model", None, settings), request)

    def recorded(self, label: LabelSettings, *, part: str, count: int) -> Node:
        """Return the node that reads samples from a file instead of drawing them."""
        assert label.samples is not None
        spec = specs.recorded(self.settings, label, part=part, count=count)
        path = {"samples": str(Path(label.samples).expanduser().resolve())}
        title = f"samples in {path['samples']}"
        return self.node("sample", spec, inputs={"split": [self.split]}, title=title, paths=path)

    @property
    def node(self) -> partial[Node]:
        """``pipeline.node.make`` for nodes of this seed."""
        return partial(make, seed=self.run_seed)
