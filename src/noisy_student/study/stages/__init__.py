"""One file per stage: reads its inputs, calls the packages, writes its data; the only place where packages meet."""

from __future__ import annotations

from pathlib import Path

from noisy_student.pipeline.node import STAGES, Stage

SHARED = ("__init__", "loading", "saving")
"""Files that stages share; every other one is a stage."""

for _path in sorted(Path(__file__).parent.glob("*.py")):
    if _path.stem not in SHARED:
        STAGES.register(_path.stem.replace("_", "-"), Stage(f"{__name__}.{_path.stem}"))
