"""The model that every student starts from: where its files are, and what identifies it whatever its path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noisy_student import files
from noisy_student.models import lab
from noisy_student.models.folder import check_folder, check_hub_id, folder_digest
from noisy_student.models.spec import ModelSpec
from noisy_student.study.node import version

FILTERS = ("top_k", "top_p", "min_p", "repetition_penalty")


@dataclass(frozen=True, slots=True)
class BaseModelFiles:
    """``spec`` enters keys and holds no path; ``paths`` tells a stage where the files are.

    ``filters`` are the decoding filters that the model's own generation config sets.
    """

    spec: Mapping[str, Any]
    paths: Mapping[str, str]
    filters: Mapping[str, int | float]


def find(model: ModelSpec) -> BaseModelFiles:
    """The files of a lab model, of a folder, of a GGUF file, or of a hub id; UserError if there are none."""
    shared = {"dtype": model.dtype, "attn": model.attn, "pad": model.pad}
    if model.id in lab.names():
        folder = lab.folder(model.id)
    elif Path(model.id).expanduser().is_dir():
        folder = Path(model.id).expanduser().resolve()
    elif (file := Path(model.id).expanduser()).suffix == ".gguf" and file.is_file():
        read = {"gguf": files.sha256_file(file), "reader": version("gguf")}
        return BaseModelFiles({**shared, **read}, {"model": str(file.resolve())}, {})
    else:
        check_hub_id(model.id)
        return BaseModelFiles({**shared, "hub": model.id, "revision": model.revision}, {"model": model.id}, {})
    check_folder(folder)
    return BaseModelFiles({**shared, "digest": folder_digest(folder)}, {"model": str(folder)}, _filters(folder))


def _filters(folder: Path) -> dict[str, int | float]:
    """The filters in ``generation_config.json``; what it leaves out is left out here."""
    path = folder / "generation_config.json"
    stated = files.read_json(path) if path.is_file() else {}
    return {name: stated[name] for name in FILTERS if isinstance(stated.get(name), int | float)}
