"""A folder that passes for a model as far as a plan checks: its files are whole, and nothing can be loaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file


def bare_model(folder: Path, *, value: int = 0) -> Path:
    """Write a configuration, a tokenizer's file, and one weight of this value."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text("{}")
    (folder / "tokenizer.json").write_text("{}")
    save_file({"weight": np.array([value])}, folder / "model.safetensors")
    return folder
