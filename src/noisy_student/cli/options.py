"""The arguments and flags that several verbs share, each described once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Study = Annotated[str, typer.Argument(metavar="STUDY", help="A study's name, or a TOML file.")]
Scale = Annotated[str, typer.Option("--scale", metavar="NAME", help="Where it runs: a packaged scale or a TOML file.")]
Protocol = Annotated[
    str, typer.Option("--protocol", metavar="NAME", help="How it is done: default, original, or a TOML file.")
]
Model = Annotated[
    str | None, typer.Option("--model", metavar="MODEL", help="A lab model, a folder, a GGUF file, or a hub id.")
]
Data = Annotated[
    str | None,
    typer.Option(
        "--data", metavar="DATA", help="gsm8k, a JSONL file of questions with answers, a folder of splits, or a hub id."
    ),
]
Limit = Annotated[
    int | None, typer.Option("--limit", metavar="N", help="At most N questions in all, every part shrunk alike.")
]
Seeds = Annotated[
    str | None, typer.Option("--seeds", metavar="1,2,3", help="Random seeds; each is a whole repetition.")
]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="A.B=C", help="Set any field; the value is TOML, a bare word a string."),
]
Executor = Annotated[str, typer.Option("--executor", metavar="NAME", help="What computes: local.")]
Deadline = Annotated[
    str | None, typer.Option("--deadline", metavar="TIME", help="Pause then: 10h, 90m, 30s, or a time such as 18:30.")
]
Budget = Annotated[
    float | None,
    typer.Option("--budget", metavar="USD", help="Pause when this call has cost so much (compute.usd_per_hour)."),
]
File = Annotated[str, typer.Argument(metavar="FILE", help="A JSONL file; - is standard input.")]
Out = Annotated[str, typer.Option("--out", metavar="FILE", help="A new file; - is standard output.")]
Seed = Annotated[int, typer.Option("--seed", min=0, metavar="N", help="The random seed.")]
StoreFolder = Annotated[Path, typer.Option("--store", metavar="DIR", help="Where results are kept and found again.")]
RunsFolder = Annotated[Path, typer.Option("--runs", metavar="DIR", help="Where the folders of runs are.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, and everything else to standard error.")]

STUDY, SCALE, PROTOCOL, LOCAL = "combined", "lab", "default", "local"
STORE, RUNS = Path(".noisy-student"), Path("runs")
