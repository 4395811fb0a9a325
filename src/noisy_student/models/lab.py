"""Lab models shipped with the package: their names, and their folders after a check of every file's sha256."""

from __future__ import annotations

from pathlib import Path

from noisy_student.errors import UserError, nearest
from noisy_student.files import read_json, sha256_file

WEIGHTS = Path(__file__).parent / "weights"
SUMS = "SHA256SUMS.json"


def names() -> tuple[str, ...]:
    """Return the names of the shipped lab models."""
    return tuple(sorted(path.parent.name for path in WEIGHTS.glob(f"*/{SUMS}")))


def folder(name: str) -> Path:
    """Return the folder of a shipped lab model.

    Raises UserError for an unknown name and for a file whose sha256 differs from the pinned one.
    """
    if name not in names():
        raise UserError(f'There is no lab model "{name}".', do=nearest(name, names()), code="unknown-lab-model")
    path = WEIGHTS / name
    for file, expected in read_json(path / SUMS).items():
        if not (path / file).is_file() or sha256_file(path / file) != expected:
            raise UserError(
                f"The shipped file {path / file} differs from its packaged version.",
                why="Results from a changed model would not be comparable.",
                do="Install noisy-student again.",
                code="lab-model-damaged",
            )
    return path
