"""``studies``: what there is to run."""

from __future__ import annotations

from noisy_student.cli import options
from noisy_student.cli.console import emit, output, table
from noisy_student.study.settings.files import questions


def command(json: options.Json = False) -> None:
    """List the studies that come with the package, each with the question it asks."""
    found = questions()
    if json:
        emit({"schema": 1, "studies": [{"name": name, "question": text} for name, text in found.items()]})
        return
    table(output(), ["Study", "Question"], [[name, text] for name, text in found.items()])
