"""Named points at which a test can kill this process, as a power cut would; without effect in every other run."""

from __future__ import annotations

import os
import signal
from typing import Literal

VARIABLE = "NOISY_STUDENT_FAULT_AT"

Point = Literal["after-lock", "mid-output", "after-outputs", "half-manifest", "before-rename", "after-rename"]


def crash_point(point: Point) -> None:
    """Kill this process with SIGKILL if the environment names this point; otherwise do nothing."""
    if os.environ.get(VARIABLE) == point:
        os.kill(os.getpid(), signal.SIGKILL)
