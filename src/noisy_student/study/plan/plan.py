"""The plan of a run: all nodes that compute the grades and measurements of every condition and seed.

Nodes with equal specs and inputs are one node. The wall: the answer key reaches training only through a visible reveal.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from noisy_student.errors import UserError
from noisy_student.pipeline.node import Node, parents_first
from noisy_student.study import stages
from noisy_student.study.plan.inputs import Inputs, variant
from noisy_student.study.plan.nodes import ConditionNodes, LabelNodes
from noisy_student.study.plan.preflight import PreflightGraph, PreflightNodes
from noisy_student.study.plan.students import SeedGraph
from noisy_student.study.settings.study import Settings


@dataclass(frozen=True, slots=True)
class Plan:
    """Nodes that a run computes."""

    settings: Settings
    conditions: tuple[ConditionNodes, ...]
    labels: tuple[LabelNodes, ...]
    preflight: PreflightNodes | None = None
    """Pre-flight checks of the first seed; None where they are switched off."""

    @property
    def targets(self) -> tuple[Node, ...]:
        """Nodes whose results the run reads: grades, measurements, students and labels."""
        kinds = ("grade", "quality", "groups", "review", "lineage")
        every: list[Node | None] = [] if self.preflight is None else [*self.preflight.targets]
        every += [getattr(item, kind) for kind in kinds for item in self.conditions]
        every += [node for item in self.conditions for node in item.measures.values()]
        every += [node for item in self.labels for node in (item.labels, item.quality)]
        every += [item.on_dev for item in self.labels] + [item.train for item in self.conditions]
        # The export of labels reads the texts of questions from the split.
        every += [node for node in parents_first([item.labels for item in self.labels]) if node.stage == "split"]
        return tuple(dict.fromkeys(node for node in every if node is not None))


def plan(settings: Settings) -> Plan:
    """Return the nodes of a run; raises UserError for teachers in a circle and for a key that reaches training."""
    inputs = Inputs(settings)
    conditions: list[ConditionNodes] = []
    labels: list[LabelNodes] = []
    first = None
    if settings.preflight:
        # The pre-flight checks the reference condition's model.
        reference = settings.conditions.get(settings.reference)
        checked = settings if reference is None else variant(settings, reference.model)
        first = PreflightGraph(checked, settings.seeds[0], inputs).nodes()
    for run_seed in () if settings.checks.only else settings.seeds:
        graph = SeedGraph(settings, run_seed, inputs)
        conditions += [graph.condition(name) for name in settings.conditions]
        labels += [graph.label(name) for name, item in settings.labels.items() if item.rule == "vote"]
    made = Plan(settings, tuple(conditions), tuple(labels), first)
    require_wall(made.targets)
    return made


def require_wall(targets: Iterable[Node]) -> None:
    """Raise UserError where a stage of the training lane descends from the key other than through a gate.

    A stage of another package cannot be a gate, whatever it declares.
    """
    sees: dict[str, bool] = {}
    for node in parents_first(targets):
        seen = any(sees[parent.key] for parent in node.parents)
        gate = node.lane == "gate" and node.module.startswith(f"{stages.__name__}.")
        if seen and not gate and node.lane != "truth":
            raise UserError(
                f'"{node.title}" would read the answer key.',
                why="Training and voting must not depend on the hidden answers.",
                do='Use "revealed" in the condition\'s train list, which the plan shows.',
                code="key-reaches-training",
            )
        sees[node.key] = node.lane == "key" or (seen and not gate)
