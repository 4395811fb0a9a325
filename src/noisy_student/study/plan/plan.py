"""The plan of a run: all nodes that compute the grades and measurements of every condition and seed.

Nodes with equal specs and inputs are one node. A plan in which the answer key reaches training without a reveal is
refused (``wall``).
"""

from __future__ import annotations

from dataclasses import dataclass

from noisy_student.pipeline.node import Node, parents_first
from noisy_student.study.plan.inputs import Inputs, variant
from noisy_student.study.plan.nodes import ConditionNodes, LabelNodes
from noisy_student.study.plan.preflight import PreflightGraph, PreflightNodes
from noisy_student.study.plan.students import SeedGraph
from noisy_student.study.plan.wall import require_wall
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
        students = [item.train for item in self.conditions]
        kinds = ("quality", "groups", "review", "lineage")
        of_conditions = [getattr(item, kind) for kind in kinds for item in self.conditions]
        of_conditions += [node for item in self.conditions for node in item.measures.values()]
        of_labels = [node for item in self.labels for node in (item.labels, item.quality)]
        on_dev = [item.on_dev for item in self.labels]
        # The export of labels reads the texts of questions from the split.
        splits = [node for node in parents_first([item.labels for item in self.labels]) if node.stage == "split"]
        grades = [item.grade for item in self.conditions]
        first = () if self.preflight is None else self.preflight.targets
        every = [*first, *grades, *of_conditions, *of_labels, *on_dev, *students, *splits]
        return tuple(dict.fromkeys(node for node in every if node is not None))


def plan(settings: Settings) -> Plan:
    """Return the nodes of a run; raises UserError for teachers in a circle and for a key that reaches training."""
    inputs = Inputs(settings)
    conditions: list[ConditionNodes] = []
    labels: list[LabelNodes] = []
    first = PreflightGraph(_checked(settings), settings.seeds[0], inputs).nodes() if settings.preflight else None
    for run_seed in () if settings.checks.only else settings.seeds:
        graph = SeedGraph(settings, run_seed, inputs)
        conditions += [graph.condition(name) for name in settings.conditions]
        labels += [graph.label(name) for name, item in settings.labels.items() if item.rule == "vote"]
    made = Plan(settings, tuple(conditions), tuple(labels), first)
    require_wall(made.targets)
    return made


def _checked(settings: Settings) -> Settings:
    """The settings for the pre-flight, which checks the reference condition's model."""
    reference = settings.conditions.get(settings.reference)
    return settings if reference is None else variant(settings, reference.model)
