"""Arguments and flags that several verbs share, each declared once, and checks of their values."""

from __future__ import annotations

import dataclasses
import inspect
import math
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from noisy_student.errors import UserError
from noisy_student.opener import require_folder


def _a_folder(path: Path) -> Path:
    require_folder(path)
    return path


Study = Annotated[str, typer.Argument(metavar="STUDY", help="A study's name, or a TOML file.")]
Scale = Annotated[
    str, typer.Option("--scale", metavar="NAME", help="Size and machine: a packaged scale or a TOML file.")
]
Protocol = Annotated[
    str, typer.Option("--protocol", metavar="NAME", help="Method details: default, original, or a TOML file.")
]
Model = Annotated[
    str | None, typer.Option("--model", metavar="MODEL", help="A lab model, a folder, a GGUF file, or a hub id.")
]
Data = Annotated[
    str | None,
    typer.Option(
        "--data", metavar="DATA", help="gsm8k, a file of questions with answers, a folder of splits, or a hub id."
    ),
]
Limit = Annotated[
    int | None, typer.Option("--limit", metavar="N", help="Use at most N questions; every part shrinks alike.")
]
Seeds = Annotated[
    str | None, typer.Option("--seeds", metavar="1,2,3", help="Random seeds; the whole study runs once for each.")
]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="A.B=C", help="Set any field; the value is TOML, a bare word is a string."),
]
Executor = Annotated[str, typer.Option("--executor", metavar="NAME", help="Where stages run: local.")]
Deadline = Annotated[
    str | None,
    typer.Option("--deadline", metavar="TIME", help="Pause at: 10h, 90m or 30s from now, or a time like 18:30."),
]
Budget = Annotated[
    float | None,
    typer.Option("--budget", metavar="USD", help="Pause when this call has cost USD, at compute.usd_per_hour."),
]
File = Annotated[str, typer.Argument(metavar="FILE", help="JSONL, CSV or parquet; - is standard input.")]
Out = Annotated[str, typer.Option("--out", metavar="FILE", help="A new file; - is standard output.")]
Question = Annotated[str | None, typer.Option("--question", metavar="COLUMN", help="The question's column.")]
Answer = Annotated[str | None, typer.Option("--answer", metavar="COLUMN", help="The answer's column.")]
Id = Annotated[str | None, typer.Option("--id", metavar="COLUMN", help="The column of the file's own ids.")]
Samples = Annotated[int, typer.Option("--k", min=1, max=256, metavar="K", help="Samples per question.")]
Seed = Annotated[int, typer.Option("--seed", min=0, metavar="N", help="The random seed.")]
StoreFolder = Annotated[
    Path, typer.Option("--store", metavar="DIR", help="Folder of stored results.", callback=_a_folder)
]
RunsFolder = Annotated[Path, typer.Option("--runs", metavar="DIR", help="Folder of run folders.", callback=_a_folder)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON; everything else goes to standard error.")]

STUDY, SCALE, PROTOCOL, LOCAL = "combined", "lab", "default", "local"
STORE, RUNS = Path(".noisy-student"), Path("runs")


def require_fraction(flag: str, value: float | None) -> None:
    """Raise UserError for a value that is given and not between 0 and 1."""
    if value is not None and not 0 < value < 1:
        raise UserError(
            f"{flag} is {value}.", do=f"Give a fraction between 0 and 1, like {flag} 0.02.", code="fraction-invalid"
        )


def require_usd(flag: str, amount: float) -> None:
    """Raise UserError for anything but a positive amount."""
    if not (math.isfinite(amount) and amount > 0):
        raise UserError(f"{flag} is {amount:g}.", do="Give a positive amount of USD.", code="budget-invalid")


def flattened(verb: Callable[..., None]) -> Callable[..., None]:
    """Return ``verb`` with every dataclass parameter replaced by one parameter per field, as typer needs it."""
    groups: dict[str, Any] = {}
    shown: list[inspect.Parameter] = []
    for parameter in inspect.signature(verb, eval_str=True).parameters.values():
        kind = parameter.annotation
        if dataclasses.is_dataclass(kind):
            groups[parameter.name] = kind
            shown += inspect.signature(kind, eval_str=True).parameters.values()  # type: ignore[arg-type]
        else:
            shown.append(parameter)

    def called(**words: Any) -> None:
        for name, kind in groups.items():
            words[name] = kind(**{field.name: words.pop(field.name) for field in dataclasses.fields(kind)})
        verb(**words)

    keyword = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in shown]
    called.__doc__ = verb.__doc__
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in keyword}
    called.__dict__["__signature__"] = inspect.Signature(keyword)
    return called
