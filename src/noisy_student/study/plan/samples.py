"""The nodes of one seed that everything else stands on: the split, the key, and samples drawn of a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from noisy_student.data.parts import sizes_of
from noisy_student.pipeline import node
from noisy_student.pipeline.node import Node
from noisy_student.study.plan import specs
from noisy_student.study.plan.inputs import BaseModelFiles, Shared, variant
from noisy_student.study.plan.nodes import is_adapter
from noisy_student.study.plan.specs import Draws
from noisy_student.study.settings.conditions import LabelSettings
from noisy_student.study.settings.study import Settings

GOLD_K = 8
"""Samples of a labeled question among which one that reaches its answer is looked for (STaR, Zelikman 2022)."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A model that samples: ``train`` is None for the untrained one, ``settings`` are those of its start."""

    name: str
    train: Node | None
    settings: Settings


@dataclass
class DrawGraph:
    """Split, key and samples of one seed; each is shared by content."""

    settings: Settings
    run_seed: int
    shared: Shared
    _variants: dict[str | None, Settings] = field(default_factory=dict)

    @cached_property
    def split(self) -> Node:
        """The questions of every part, and the gold labels."""
        return self.node("split", {"data": self.shared.data}, title="split", paths=self.shared.paths)

    @cached_property
    def key(self) -> Node:
        """The truth, on a lane of its own."""
        return self.node("key", {"data": self.shared.data}, title="answer key", paths=self.shared.paths)

    def settings_of(self, condition: str) -> Settings:
        """The settings as the model of a condition has them."""
        model = self.settings.conditions[condition].model
        if model not in self._variants:
            self._variants[model] = variant(self.settings, model)
        return self._variants[model]

    def base_of(self, settings: Settings) -> BaseModelFiles:
        """The files of the model that ``settings`` start from."""
        return self.shared.base_of(settings.model)

    def count(self, part: str) -> int:
        """The questions of a part."""
        return int(getattr(sizes_of(self.settings.data), part))

    def draws(self, origin: Origin, drawn: Draws) -> list[Node]:
        """The sampling nodes of a model by shard and block."""
        base, train = self.base_of(origin.settings), origin.train
        kept = {field: base.spec[field] for field in ("dtype", "attn", "pad")}
        # An adapter is put upon its base again.
        upon_base = train is not None and is_adapter(train)
        if upon_base and "revision" in base.spec:
            kept["revision"] = base.spec["revision"]
        return [
            self.node(
                "sample",
                {**spec, "model": base.spec if train is None else kept},
                inputs={"split": [self.split], **({} if train is None else {"model": [train]})},
                title=f"sample {origin.name} on {drawn.part}",
                paths=base.paths if train is None or upon_base else {},
            )
            for spec in specs.samples(origin.settings, drawn, filters=self.shared.filters_of(origin.settings))
        ]

    def gold_samples(self, settings: Settings) -> list[Node]:
        """The untrained model's samples on labeled questions, from which answers without a worked text take one."""
        sizes = sizes_of(self.settings.data)
        drawn = Draws("labeled", settings.sampling, k=GOLD_K, count=sizes.labeled - sizes.dev)
        return self.draws(Origin("the base model", None, settings), drawn)

    def recorded(self, label: LabelSettings, *, part: str, count: int) -> Node:
        """The node that reads samples from a file in place of drawing them."""
        assert label.samples is not None
        spec = specs.recorded(self.settings, label.samples, part=part, K=label.K, count=count)
        if label.stops_early:
            spec |= {"stopping": specs.stopping(self.settings, label)}
        path = {"samples": str(Path(label.samples).expanduser().resolve())}
        return self.node(
            "sample", spec, inputs={"split": [self.split]}, title=f"samples in {path['samples']}", paths=path
        )

    def node(
        self,
        stage: str,
        spec: Mapping[str, Any],
        *,
        inputs: Mapping[str, Sequence[Node]] | None = None,
        title: str,
        paths: Mapping[str, str] | None = None,
    ) -> Node:
        """A node of this seed."""
        return node.make(stage, spec, inputs=inputs, seed=self.run_seed, title=title, paths=paths)
