"""Writing a model as a folder that plain ``from_pretrained`` loads, with the same bytes for the same weights."""

from __future__ import annotations

from pathlib import Path

from noisy_student.models.folder import check_folder, folder_digest
from noisy_student.models.load import LoadedModel


def write(loaded: LoadedModel, folder: Path) -> str:
    """Write weights (safetensors), tokenizer and generation config into ``folder``; returns the folder's digest."""
    folder.mkdir(parents=True, exist_ok=True)
    loaded.model.save_pretrained(folder)
    loaded.tokenizer.save_pretrained(folder)
    check_folder(folder)
    return folder_digest(folder)
