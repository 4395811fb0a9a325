"""Base models and data files of a run, found and digested once for all seeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from noisy_student import identity
from noisy_student.answers.math_pool import require_extra
from noisy_student.data.locate import locate
from noisy_student.data.parts import paths_of, read_sources
from noisy_student.data.splits import Sources
from noisy_student.errors import UserError
from noisy_student.files import sha256_file
from noisy_student.models import lab
from noisy_student.models.config import read_object
from noisy_student.models.folder import (
    check_folder,
    check_hub_id,
    folder_digest,
    gguf_digest,
    is_gguf,
    local_path,
    resolve,
)
from noisy_student.models.spec import ModelSpec
from noisy_student.pipeline.node import version
from noisy_student.study.settings.study import Settings

FILTERS = ("top_k", "top_p", "min_p", "repetition_penalty")


@dataclass(frozen=True, slots=True)
class BaseModelFiles:
    """Files of a base model: ``spec`` enters keys and holds no path, ``paths`` says where the files are.

    ``filters`` are the decoding filters of the model's generation config.
    """

    spec: Mapping[str, Any]
    paths: Mapping[str, str]
    filters: Mapping[str, int | float]

    @property
    def loading(self) -> dict[str, Any]:
        """The part of ``spec`` that a student trained from this model keeps."""
        return {name: self.spec[name] for name in ("dtype", "attn", "pad")}


def find(model: ModelSpec) -> BaseModelFiles:
    """Return the files of a lab model, folder, GGUF file or hub id; raises UserError where there are none."""
    shared = {"dtype": model.dtype, "attn": model.attn, "pad": model.pad}
    if model.id in lab.names():
        folder = lab.folder(model.id)
    elif (file := local_path(model.id)).is_dir():
        folder = resolve(file, model.revision).resolve()
    elif is_gguf(file):
        read = {"gguf": gguf_digest(file), "reader": version("gguf")}
        return BaseModelFiles({**shared, **read}, {"model": str(file.resolve())}, {})
    else:
        check_hub_id(model.id)
        return BaseModelFiles({**shared, "hub": model.id, "revision": model.revision}, {"model": model.id}, {})
    check_folder(folder)
    config = folder / "generation_config.json"
    stated = read_object(config) if config.is_file() else {}
    filters = {name: stated[name] for name in FILTERS if isinstance(stated.get(name), int | float)}
    return BaseModelFiles({**shared, "digest": folder_digest(folder)}, {"model": str(folder)}, filters)


@dataclass(frozen=True)
class Inputs:
    """Base models and data files of a run, read once for all seeds."""

    settings: Settings
    _bases: dict[ModelSpec, BaseModelFiles] = field(default_factory=dict, init=False)

    @property
    def base(self) -> BaseModelFiles:
        """The run's own base model."""
        return self.base_of(self.settings.model)

    def base_of(self, model: ModelSpec) -> BaseModelFiles:
        """Return the files of a model, found once."""
        if model not in self._bases:
            self._bases[model] = find(model)
        return self._bases[model]

    @cached_property
    def data(self) -> dict[str, Any]:
        """The data spec, with digests in place of the names of files and data sets."""
        spec = self.settings.data.model_dump(mode="json")
        digests = {part: [sha256_file(path) for path in found] for part, found in self.files.items()}
        known = {part: f"sha256:{identity.digest(found)}" for part, found in digests.items()}
        foreign = {"questions": known.pop("foreign")} if "foreign" in known else {}
        for table, names in ((spec["source"], known), (spec["foreign"], foreign)):
            if table is not None:
                table |= names
                if table["dataset"] is not None:
                    table |= {"dataset": "known by its files", "config": None, "revision": None}
        if not self.settings.data.reads_latex:
            return {**spec, "algebra": None}
        require_extra()
        # The package that compares LaTeX answers.
        return {**spec, "algebra": f"math-verify {version('math-verify')}"}

    @cached_property
    def files(self) -> dict[str, tuple[Path, ...]]:
        """The files of each part; a data set that is not on this machine is fetched from the hub."""
        data = self.settings.data
        return {**locate(data.source), **({} if data.foreign is None else locate(data.foreign))}

    @property
    def paths(self) -> dict[str, str]:
        """The paths of the files, by the names that stages read them by."""
        return paths_of(self.files)

    @cached_property
    def sources(self) -> Sources | None:
        """The questions in the files; None for generated ones, which all have answers and solutions."""
        source = self.settings.data.source
        return read_sources(source, self.paths) if source.parts else None

    @property
    def truth_known(self) -> bool:
        """True if every unlabeled question has an answer."""
        return self.sources is None or all(item.answer is not None for item in self.sources.unlabeled or ())

    @property
    def gold_is_solved(self) -> bool:
        """True if every labeled question has a worked solution."""
        return self.sources is None or all(item.solution is not None for item in self.sources.labeled)

    @property
    def filters(self) -> dict[str, int | float]:
        """Decoding filters of the run's own model."""
        return self.filters_of(self.settings)

    def filters_of(self, settings: Settings) -> dict[str, int | float]:
        """Return the decoding filters of the model of ``settings``; empty where the settings state their own."""
        if settings.filters == "stated":
            return {}
        base = self.base_of(settings.model)
        if "hub" in base.spec:
            raise UserError(
                f"filters is {settings.filters}; the generation config of {settings.model.id} is not on this machine.",
                why="The config sets decoding filters, on which results depend.",
                do='Give the model as a folder, or set filters = "stated".',
                code="generation-config-missing",
            )
        return dict(base.filters)


def variant(settings: Settings, name: str | None) -> Settings:
    """Return ``settings`` with the model ``name`` of its ``models`` in place of the run's; None changes nothing."""
    if name is None:
        return settings
    own = settings.models[name]
    changed: dict[str, Any] = {"model": settings.model.model_copy(update={"id": own.id, "revision": own.revision})}
    if own.thinking is not None:
        changed["prompt"] = settings.prompt.model_copy(update={"thinking": own.thinking})
    if own.max_new_tokens is not None:
        cap, evaluation = {"max_new_tokens": own.max_new_tokens}, settings.evaluation
        more = max(0, own.max_new_tokens - settings.sampling.max_new_tokens)
        decodings = ("decoding", "sampled", "passes")
        changed |= {
            "sampling": settings.sampling.model_copy(update=cap),
            "grpo": settings.grpo.model_copy(update=cap),
            # A target as long as the cap must fit after its prompt, as it does with the run's own cap.
            "sft": settings.sft.model_copy(update={"max_length": settings.sft.max_length + more}),
            "evaluation": evaluation.model_copy(
                update={name: getattr(evaluation, name).model_copy(update=cap) for name in decodings}
            ),
        }
    if own.learning_rate is not None:
        sft = changed.get("sft", settings.sft)
        changed["sft"] = sft.model_copy(update={"learning_rate": own.learning_rate})
    return settings.model_copy(update=changed)
