"""One file per stage: reads its inputs, calls the packages, writes its data; the only place where packages meet."""

from __future__ import annotations

from pathlib import Path

from noisy_student.pipeline.node import STAGES, Stage

for _path in sorted(Path(__file__).parent.glob("*.py")):
    if _path.stem not in ("__init__", "loading"):
        STAGES.register(_path.stem.replace("_", "-"), Stage(f"{__name__}.{_path.stem}"))
