"""noisy-student: measure whether your unlabeled questions make your reasoning model better."""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"


def run(study: str = "combined", **request: Any) -> Any:
    """Run a study as ``noisy-student run`` does and return its ``Run``: folder, results, curves, findings.

    ``noisy_student.run("v1-5", scale="lab").findings``; arguments are those of ``cli.run.run_study``. In a
    script, call it under ``if __name__ == "__main__":``, since worker processes import the script.
    """
    # Imported here to keep `import noisy_student` fast.
    from noisy_student.cli.run import run_study

    return run_study(study, **request)
