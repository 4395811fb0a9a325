"""Read-only views of stored results: of single nodes, and of a whole run with its plan and the outcomes of its nodes.

Every other module of results and forecasts computes from a view; none of them reads the store.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from noisy_student import documents, files
from noisy_student.data.rows import FileRow, read_asked, read_file_rows, read_labels
from noisy_student.documents import Document, shape
from noisy_student.errors import UserError
from noisy_student.pipeline.garbage import Call as Call
from noisy_student.pipeline.manifest import Manifest
from noisy_student.pipeline.node import Node, parents_first
from noisy_student.pipeline.runner import Result
from noisy_student.pipeline.store import Store
from noisy_student.records import Grade, Label, Question, Vote
from noisy_student.study.plan.plan import Plan
from noisy_student.study.settings.study import Settings
from noisy_student.training.specs.health import FILE

if TYPE_CHECKING:
    from noisy_student.evaluation.pass_at_k import Tries


LOGGED, ROLLOUTS = "training.jsonl", "rollouts.jsonl"
"""Files under ``curves/``: a row a logged step, and a row a batch of GRPO's answers."""
_STEP = {"step": Annotated[int, Field(ge=0, le=10**12)]}
_NUMBERS = """loss reward reward_std frac_reward_zero_std clipped_ratio mean_terminated_length mean_length kl spread
    mixed right readable stopped looped"""
_Curve = shape(Document, **dict.fromkeys(_NUMBERS.split(), float))
_Diagnosis = shape(Document, {"name": str}, evidence=str, cause=str, remedy=str)
_DIAGNOSES = {"diagnoses": list[_Diagnosis]}  # type: ignore[valid-type]
_Health = shape(Document, {**_STEP, **_DIAGNOSES}, misleading=list[str], dev=list[bool | float])
_ROWS = {LOGGED: shape(_Curve, _STEP), ROLLOUTS: _Curve, FILE: _Health}
"""Shapes of the files' rows, as readers use them."""


class StoreView:
    """The stored results of nodes; of a node without a result, and of no node, everything is None.

    Manifests are kept once read, since a committed result never changes. Methods that read files of ``data/`` raise
    DamagedArtifact where the node is not done.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._manifests: dict[str, Manifest] = {}

    def outcome(self, node: Node | None) -> Literal["done", "skipped"] | None:
        """Return how the node ended."""
        found = self._manifest(node)
        return found.outcome if found is not None else None

    def reason(self, node: Node | None) -> str | None:
        """Return the reason why the node was skipped."""
        found = self._manifest(node)
        return found.reason if found is not None else None

    def summary(self, node: Node | None) -> Mapping[str, Any] | None:
        """Return the numbers that the node's stage returned; None unless it is done."""
        found = self._manifest(node)
        return found.summary if found is not None and found.outcome == "done" else None

    def provenance(self, node: Node | None) -> Mapping[str, Any]:
        """Return how the node's result was made; empty without one."""
        found = self._manifest(node)
        return found.provenance if found is not None else {}

    def trained(self, node: Node | None) -> Node | None:
        """Follow tune, accept and last nodes back to the training they forward; None while a choice is not made."""
        while node is not None and node.forwards is not None:
            role = node.forwards
            if role.endswith("-"):
                summary = self.summary(node)
                if summary is None:
                    return None
                role += str(summary["chosen"])
            node = node.inputs[role][0]
        return node

    def data(self, node: Node) -> Path:
        """Return the verified ``data/`` folder of a done node, for files that are exported unread."""
        return self._store.data(node)

    def grades(self, node: Node) -> list[Grade]:
        """Read the grades of the compared decoding."""
        return [Grade(**row) for row in files.read_jsonl(self.data(node) / "grades.jsonl")]

    def tries(self, node: Node) -> list[Tries]:
        """Read the many answers to each question of a grade node."""
        # Evaluation imports scipy, which a run that is only exported does not need.
        from noisy_student.evaluation.pass_at_k import read_tries

        return read_tries(self.data(node) / "passes.jsonl")

    def labels(self, node: Node) -> list[Label]:
        """Read the labels of a label node."""
        return read_labels(self.data(node) / "labels.jsonl")

    def votes(self, node: Node) -> list[Vote]:
        """Read the votes of a vote node."""
        # Votes are read for an outlook only.
        from noisy_student.labeling.vote import read_votes

        return list(read_votes(self.data(node) / "votes.jsonl"))

    def questions(self, split: Node) -> list[Question]:
        """Read the questions of a split that a student may learn from."""
        return read_asked(self.data(split))

    def file_rows(self, split: Node) -> dict[str, FileRow]:
        """Read the ids and places that the questions of a split have in the user's file."""
        return read_file_rows(self.data(split))

    def gold(self, split: Node) -> list[Label]:
        """Read the gold labels of labeled and dev questions."""
        return [label for name in ("gold", "dev_gold") for label in read_labels(self.data(split) / f"{name}.jsonl")]

    def curve(self, node: Node, name: str) -> list[dict[str, Any]] | None:
        """Read a file under ``curves/`` of the node's committed folder; None where there is no file.

        No digest covers these files: rows from the first on that does not fit are left out, which a notice says.
        """
        path = self._store.folder(node) / "curves" / name
        if not path.is_file():
            return None
        rows: list[dict[str, Any]] = []
        try:
            for row in files.read_jsonl(path):
                documents.fitted(row, _ROWS.get(name, _Curve), place=f"{path}:{len(rows) + 1}")
                rows.append(row)
        except UserError as error:
            self._store.notice_once(f"{error.what} The {len(rows)} rows before it are shown.")
        return rows

    def free_bytes(self) -> int:
        """Return the free bytes of the disk that holds the store."""
        root = self._store.root
        return shutil.disk_usage(next(path for path in (root, *root.parents) if path.exists())).free

    def _manifest(self, node: Node | None) -> Manifest | None:
        if node is None:
            return None
        if node.key not in self._manifests and (found := self._store.manifest(node)) is not None:
            self._manifests[node.key] = found
        return self._manifests.get(node.key)


class RunView(StoreView):
    """A run: its ``plan``, and the ``result`` of computing it, empty where everything was found in the store.

    ``calls`` are those of the run so far, oldest first; empty where they are unknown.
    """

    def __init__(self, plan: Plan, store: Store, result: Result | None = None, calls: Sequence[Call] = ()) -> None:
        super().__init__(store)
        self.plan = plan
        self.calls = tuple(calls)
        self.result = Result({}, {}) if result is None else result

    @property
    def settings(self) -> Settings:
        """The run's settings."""
        return self.plan.settings

    @cached_property
    def nodes(self) -> list[Node]:
        """Every node of the plan, inputs first."""
        return parents_first(self.plan.targets)

    def failure(self, node: Node) -> str | None:
        """Return the title and reason of the first failed node among ``node`` and its ancestors."""
        reached = ((each, self.result.outcomes.get(each.key)) for each in parents_first([node]))
        return next(
            (f"{each.title}: {ended.reason}" for each, ended in reached if ended and ended.kind == "failed"), None
        )
