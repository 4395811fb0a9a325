"""The nodes of rounds that build on one another: reviews on dev, gates behind them, the last student of a chain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from noisy_student.pipeline.node import Node
from noisy_student.study.plan.labels import LabelGraph
from noisy_student.study.plan.samples import DrawGraph, Origin
from noisy_student.study.plan.specs import Draws
from noisy_student.study.settings.conditions import ConditionSettings


@dataclass
class ChainGraph:
    """Chains of one seed; ``trained`` gives a condition's student, ``handed`` the same behind its gate."""

    draw: DrawGraph
    label: LabelGraph
    trained: Callable[[str], Node | None]
    handed: Callable[[str], Node | None]

    def accepted(self, name: str) -> Node:
        """The student of a condition behind its gate."""
        train = self._student(name)
        inputs = {"train": [train], "review": [self.review(name)]}
        return self.draw.node("accept", {"name": name}, inputs=inputs, title=f"accept {name}")

    def review(self, name: str) -> Node:
        """How a condition's student was held against the one before it."""
        settings, accept = self.draw.settings, self.draw.settings.conditions[name].accept
        assert accept is not None, "asked of conditions that have to be accepted only"
        inputs = {
            "split": [self.draw.split],
            # As it was trained: were it turned down, nothing would come after it.
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
        return self.draw.node("review", spec, inputs=inputs, title=f"review {name} on dev")

    def last(self, name: str) -> Node:
        """The last student of a chain that was not turned down."""
        chain = self.draw.settings.conditions[name].last_of
        handed = [self.handed(link) for link in chain]
        inputs = {f"train-{number}": [node] for number, node in enumerate(handed) if node is not None}
        return self.draw.node("last", {"chain": list(chain)}, inputs=inputs, title=f"the last of {', '.join(chain)}")

    def lineage(self, name: str) -> Node | None:
        """How a condition's labels changed since the round before; None where either has no single set of votes."""
        accept = self.draw.settings.conditions[name].accept
        if accept is None:
            return None
        before, now = (self._voted(condition) for condition in (accept.against, name))
        if before is None or now is None:
            return None
        inputs = {"key": [self.draw.key]}
        for role, condition, label in (("before-", *before), ("", *now)):
            inputs |= {
                f"{role}votes": [self.label.votes(self.draw.settings.labels[label])],
                f"{role}labels": [self.label.labels(label, condition)],
            }
        return self.draw.node("lineage", {}, inputs=inputs, title=f"labels of {name} since {accept.against}")

    def _voted(self, name: str) -> tuple[ConditionSettings, str] | None:
        condition = self.draw.settings.conditions[name]
        names = condition.label_names
        voted = len(names) == 1 and self.draw.settings.labels[names[0]].rule == "vote"
        return (condition, names[0]) if voted else None

    def _student(self, name: str) -> Node:
        train = self.trained(name)
        assert train is not None, "settings refuse a gate for what is not trained"
        return train

    def _on_dev(self, role: str, name: str, train: Node | None, *, K: int) -> dict[str, list[Node]]:
        """A student's answers to all dev questions: greedy, and K samples as a teacher would draw them."""
        settings, count = self.draw.settings_of(name), self.draw.count("dev")
        origin = Origin(name, train, settings)
        return {
            f"{role}greedy": self.draw.draws(origin, Draws("dev", settings.evaluation.decoding, k=1, count=count)),
            f"{role}drawn": self.draw.draws(origin, Draws("dev", settings.sampling, k=K, count=count)),
        }
