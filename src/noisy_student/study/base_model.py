"""The model that every student starts from: where its files are, and what identifies it whatever its path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noisy_student.errors import UserError
from noisy_student.models import lab
from noisy_student.models.folder import check_folder, folder_digest
from noisy_student.models.spec import ModelSpec


@dataclass(frozen=True, slots=True)
class BaseModelFiles:
    """``spec`` enters keys and holds no path; ``paths`` tells a stage where the files are."""

    spec: Mapping[str, Any]
    paths: Mapping[str, str]


def find(model: ModelSpec) -> BaseModelFiles:
    """The files of a lab model, of a folder, or of a hub id; UserError if there are none."""
    shared = {"dtype": model.dtype, "attn": model.attn, "pad": model.pad}
    if model.id in lab.names():
        folder = lab.folder(model.id)
    elif Path(model.id).expanduser().is_dir():
        folder = Path(model.id).expanduser().resolve()
    else:
        return BaseModelFiles({**shared, "hub": model.id, "revision": model.revision}, {"model": model.id})
    check_folder(folder)
    return BaseModelFiles({**shared, "digest": folder_digest(folder)}, {"model": str(folder)})


def existing(path: str) -> Path:
    """The file at ``path``; UserError if there is none."""
    found = Path(path).expanduser()
    if not found.is_file():
        raise UserError(f"There is no file {path}.", why="The questions are read from it.", do="Check the path.")
    return found
