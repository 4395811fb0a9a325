"""Heavy libraries are imported only where they are needed, so that ``--help`` and a cached run are fast."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "trl", "datasets", "scipy", "matplotlib", "sklearn", "pandas")
SHOW = "import sys; print(*sorted(set(sys.modules) & set(sys.argv[1:])))"


def heavy_after(statement: str) -> str:
    """The heavy libraries that a fresh interpreter holds after ``statement``."""
    command = [sys.executable, "-c", f"{statement}; {SHOW}", *HEAVY]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()


@pytest.mark.parametrize(
    "module",
    ["noisy_student", "noisy_student.study.plan.plan", "noisy_student.study.run", "noisy_student.cli.main"],
)
def test_importing_it_loads_nothing_heavy(module: str) -> None:
    assert heavy_after(f"import {module}") == ""


def test_planning_the_default_study_loads_nothing_heavy() -> None:
    statement = (
        "from noisy_student.study.plan.plan import plan;"
        "from noisy_student.study.settings.files import Request, resolve;"
        "plan(resolve(Request()))"
    )
    assert heavy_after(statement) == ""


def test_a_heavy_import_would_be_seen() -> None:
    assert heavy_after("import scipy") == "scipy"
