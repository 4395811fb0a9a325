"""noisy-student: measure whether your unlabeled questions make your reasoning model better.

``noisy_student.run("v1-5", model="…").findings`` is ``noisy-student run v1-5 --model …`` from Python.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from noisy_student.cli.api import run as run

__version__ = "0.1.0"
__all__ = ["run"]


def __getattr__(name: str) -> Any:
    """Import ``run`` when it is first used, which keeps ``import noisy_student`` fast."""
    if name != "run":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from noisy_student.cli.api import run

    return run
