"""Probes → whether another one is needed: skipped, with what hangs below it, once one of them held its criteria."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from noisy_student import files
from noisy_student.context import Context
from noisy_student.errors import NotTrainable

LIBRARIES: tuple[str, ...] = ()
OPTIONAL = ("probe-",)


def run(spec: Mapping[str, Any], inputs: Mapping[str, Sequence[Path]], context: Context) -> dict[str, Any]:
    """Write ``gate.json``; raises NotTrainable where a probe held, named by ``spec["probes"]`` in the order of roles.

    A probe that could not be trained has not held.
    """
    context.check()
    failed = []
    for number, name in enumerate(spec["probes"]):
        for folder in inputs.get(f"probe-{number}", ()):
            found = files.read_json(folder / "probe.json")
            if found["held"]:
                raise NotTrainable(f"{name} held its criteria at step {found['steps']}, so no further one is tried.")
        failed.append(name)
    files.write_json(context.data / "gate.json", {"failed": failed})
    return {"failed": failed}
