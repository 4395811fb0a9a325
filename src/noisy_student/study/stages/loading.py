"""Models of a stage, loaded from its spec and inputs; the only place in a study that loads one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from noisy_student.context import Context, Inputs, Spec
from noisy_student.errors import UserError
from noisy_student.models.adapter import merged
from noisy_student.models.chat import Renderer
from noisy_student.models.folder import stored_dtype
from noisy_student.models.load import LoadedModel, LoadedTokenizer, find_folder, load, load_tokenizer
from noisy_student.models.save import save
from noisy_student.models.spec import PromptSpec


def base(spec: Spec) -> Path:
    """Return the folder, file or hub id of the untrained model."""
    return Path(spec["paths"]["model"])


def start(spec: Spec, inputs: Inputs) -> Path:
    """Return the model that a training starts from: a student in the role ``start``, or the untrained model."""
    return inputs["start"][0] / "model" if "start" in inputs else base(spec)


def start_dtype(spec: Spec, inputs: Inputs) -> str | None:
    """Return the type of the weights that a training starts from, as they are stored; None if their files name none."""
    return stored_dtype(find_folder(start(spec, inputs), revision=spec["model"].get("revision")))


def load_model(spec: Spec, path: Path, *, threads: int) -> LoadedModel:
    """Load the model at ``path`` as ``spec["model"]`` says."""
    settings = {name: spec["model"].get(name) for name in ("dtype", "attn", "revision", "pad")}
    return load(path, threads=threads, **settings)


def load_copy(spec: Spec, path: Path, context: Context, *, threads: int) -> LoadedModel:
    """Copy the model at ``path`` to scratch once and load it from there: TRL loads its reference by path."""
    folder = context.scratch / "start"
    if not (folder / "written").is_file():
        save(load_model(spec, path, threads=threads), folder)
        (folder / "written").touch()
    return load_model(spec, folder, threads=threads)


def renderer(folder: Path, prompt: PromptSpec) -> Renderer:
    """Load the tokenizer of a model folder or a GGUF file and return the renderer of its prompts."""
    return Renderer(load_tokenizer(folder).tokenizer, prompt)


@dataclass(frozen=True)
class Source:
    """The model of a sampling stage: the untrained one, a student, or a student's adapter on its base."""

    spec: Spec
    student: Path | None = None

    @property
    def adapter(self) -> Path | None:
        """The student's adapter; None for a whole model."""
        found = self.student / "adapter" if self.student is not None else None
        return found if found is not None and found.is_dir() else None

    @property
    def folder(self) -> Path:
        """The local folder of the whole model, or of the adapter's base."""
        path = base(self.spec) if self.student is None or self.adapter is not None else self.student / "model"
        return find_folder(path, revision=self.spec["model"].get("revision"))

    @cached_property
    def weights(self) -> LoadedModel:
        """The model in memory, an adapter merged into it."""
        loaded = load_model(self.spec, self.folder, threads=self.spec["threads"])
        return loaded if self.adapter is None else merged(loaded, self.adapter)

    @cached_property
    def tokenizer(self) -> LoadedTokenizer:
        """Tokenizer, stop ids and folder of a whole model; UserError for an adapter."""
        if self.adapter is not None:
            raise UserError(
                f"The student is an adapter, and compute.engine is {self.spec['engine']['name']}.",
                why="This engine reads whole models only.",
                do="Set lora.merge = true, or --set compute.engine=torch.",
                code="engine-without-adapters",
            )
        return load_tokenizer(self.folder, revision=self.spec["model"].get("revision"))
