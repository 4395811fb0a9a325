"""What all seeds of a run have in common, read once: the model they start from and the files of the data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from noisy_student import identity
from noisy_student.answers.math_pool import require_extra
from noisy_student.data.locate import locate
from noisy_student.data.parts import foreign_answered, paths_of, read_sources
from noisy_student.data.splits import Sources
from noisy_student.errors import UserError
from noisy_student.files import sha256_file
from noisy_student.models.spec import ModelSpec
from noisy_student.study import base_model
from noisy_student.study.node import version
from noisy_student.study.settings import Settings


@dataclass(frozen=True)
class Shared:
    """What all seeds have in common, read once."""

    settings: Settings

    @cached_property
    def _bases(self) -> dict[ModelSpec, base_model.BaseModelFiles]:
        return {}

    @property
    def base(self) -> base_model.BaseModelFiles:
        """The model that students start from where they name no other."""
        return self.base_of(self.settings.model)

    def base_of(self, model: ModelSpec) -> base_model.BaseModelFiles:
        """The files of a model, looked for once."""
        if model not in self._bases:
            self._bases[model] = base_model.find(model)
        return self._bases[model]

    @cached_property
    def data(self) -> dict[str, Any]:
        """The data spec with digests in place of names of files and data sets."""
        spec = self.settings.data.model_dump(mode="json")
        digests = {part: [sha256_file(path) for path in found] for part, found in self.files.items()}
        # This field came later; where it is off, splits keep their keys.
        if spec["source"]["fields"]["paraphrase"] is None:
            del spec["source"]["fields"]["paraphrase"]
        known = {part: f"sha256:{identity.digest(found)}" for part, found in digests.items()}
        foreign = {"questions": known.pop("foreign")} if "foreign" in known else {}
        for table, names in ((spec["source"], known), (spec.get("foreign"), foreign)):
            if table is not None:
                table |= names
                if table["dataset"] is not None:
                    table |= {"dataset": "known by its files", "config": None, "revision": None}
        return {**spec, "algebra": self._algebra} if self.settings.data.reads_latex else spec

    @cached_property
    def files(self) -> dict[str, tuple[Path, ...]]:
        """The files of each part; a data set is fetched from the hub where it is not here yet."""
        data = self.settings.data
        return {**locate(data.source), **({} if data.foreign is None else locate(data.foreign))}

    @property
    def _algebra(self) -> str:
        """What compares LaTeX answers, with its version; UserError where it is not installed."""
        require_extra()
        return f"math-verify {version('math-verify')}"

    @property
    def paths(self) -> dict[str, str]:
        """The same, as a stage is told of them."""
        return paths_of(self.files)

    @cached_property
    def sources(self) -> Sources | None:
        """What the files hold, read once; None for generated questions, whose truth and solutions are known."""
        source = self.settings.data.source
        return read_sources(source, self.paths) if source.parts else None

    @property
    def truth_known(self) -> bool:
        """Whether the unlabeled questions have answers: always where they are a share of the labeled ones."""
        return self.sources is None or all(item.answer is not None for item in self.sources.unlabeled or ())

    @cached_property
    def foreign_truth_known(self) -> bool:
        """Whether every question of the foreign pool has an answer; also where there is no such pool."""
        foreign = self.settings.data.foreign
        return foreign is None or foreign_answered(foreign, self.paths)

    @property
    def gold_is_solved(self) -> bool:
        """Whether every answered question has a worked text to learn from."""
        return self.sources is None or all(item.solution is not None for item in self.sources.labeled)

    @property
    def filters(self) -> dict[str, int | float]:
        """Those of the run's own model."""
        return self.filters_of(self.settings)

    def filters_of(self, settings: Settings) -> dict[str, int | float]:
        """The decoding filters of the model of ``settings``, where the protocol leaves them to the model."""
        if settings.filters == "stated":
            return {}
        base = self.base_of(settings.model)
        if "hub" in base.spec:
            raise UserError(
                f"The generation config of {settings.model.id} is not known before the model is on this machine.",
                why="The protocol decodes as that config says, and a result depends on it.",
                do="Give the model as a folder, or state the filters: --set filters=stated.",
            )
        return dict(base.filters)
