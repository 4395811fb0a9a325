"""``doctor``: this machine and this installation against what noisy-student needs, and what will work here."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from noisy_student.cli import options
from noisy_student.cli.check import Check, installation, machine, outlook
from noisy_student.cli.console import emit, output, table
from noisy_student.cli.exit_code import USER_ERROR

MARKS = {"good": "✓", "note": "·", "bad": "✗"}


def command(
    store: options.StoreFolder = options.STORE,
    deep: Annotated[bool, typer.Option("--deep", help="Also import torch and ask it for an accelerator.")] = False,
    json: options.Json = False,
) -> None:
    """Check this machine and say what will work here; ends with 1 if something needed is missing."""
    checks: list[Check] = [*installation(), *machine(store, ask="torch" if deep else "system")]
    checks += outlook(checks)
    if json:
        emit({"schema": 1, "checks": [asdict(check) for check in checks]})
    else:
        lines = [[MARKS[check.state], check.name, check.found, check.do] for check in checks]
        table(output(), ["", "What", "Found", "To do"], lines)
    if any(check.state == "bad" for check in checks):
        raise typer.Exit(USER_ERROR)
