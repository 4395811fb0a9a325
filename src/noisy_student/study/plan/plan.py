"""From settings to nodes: every condition of every seed as the graph that produces its grades.

Sharing is by content: what two conditions have in common is one node. The key is a lane of its own, and a plan in
which it reaches training without a reveal is refused (``wall``).
"""

from __future__ import annotations

from dataclasses import dataclass

from noisy_student.pipeline.node import Node, parents_first
from noisy_student.study.plan.inputs import Shared, variant
from noisy_student.study.plan.nodes import ConditionNodes, LabelNodes
from noisy_student.study.plan.preflight import PreflightGraph, PreflightNodes
from noisy_student.study.plan.students import SeedGraph
from noisy_student.study.plan.wall import require_wall
from noisy_student.study.settings.study import Settings


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a run computes."""

    settings: Settings
    conditions: tuple[ConditionNodes, ...]
    labels: tuple[LabelNodes, ...]
    preflight: PreflightNodes | None = None
    """What is measured before the rest, for the first seed; None where nothing waits for it."""

    @property
    def targets(self) -> tuple[Node, ...]:
        """The nodes that a run reads once all is computed: grades and qualities, and what it hands over."""
        students = [item.train for item in self.conditions if item.train is not None]
        of_conditions = [item.quality for item in self.conditions if item.quality is not None]
        of_conditions += [item.groups for item in self.conditions if item.groups is not None]
        of_conditions += [item.review for item in self.conditions if item.review is not None]
        of_conditions += [item.lineage for item in self.conditions if item.lineage is not None]
        of_labels = [node for item in self.labels for node in (item.labels, item.quality)]
        on_dev = [item.on_dev for item in self.labels if item.on_dev is not None]
        # The texts of labeled questions stand in the split.
        splits = [node for node in parents_first([item.labels for item in self.labels]) if node.stage == "split"]
        grades = [item.grade for item in self.conditions]
        first = () if self.preflight is None else self.preflight.targets
        return tuple(dict.fromkeys([*first, *grades, *of_conditions, *of_labels, *on_dev, *students, *splits]))


def plan(settings: Settings) -> Plan:
    """The nodes of a run; raises UserError for teachers in a circle and for a key that reaches training."""
    shared = Shared(settings)
    conditions: list[ConditionNodes] = []
    labels: list[LabelNodes] = []
    first = PreflightGraph(_checked(settings), settings.seeds[0], shared).nodes() if settings.preflight else None
    for run_seed in () if settings.checks.only else settings.seeds:
        graph = SeedGraph(settings, run_seed, shared)
        conditions += [graph.condition(name) for name in settings.conditions]
        labels += [graph.votes(name) for name, item in settings.labels.items() if item.rule == "vote"]
    made = Plan(settings, tuple(conditions), tuple(labels), first)
    require_wall(made.targets)
    return made


def _checked(settings: Settings) -> Settings:
    """The settings as the model has them that the pre-flight looks at: the reference's, where a study has several."""
    reference = settings.conditions.get(settings.reference)
    return settings if reference is None else variant(settings, reference.model)
