"""``split``: labeled, dev, unlabeled and test questions of a source, as files."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from noisy_student.cli import box, options, stream
from noisy_student.cli.console import emit, output
from noisy_student.cli.overrides import Flags, overrides
from noisy_student.report.numbers import count
from noisy_student.study.plan.inputs import Inputs
from noisy_student.study.settings.files import Request, resolve


def command(
    data: options.Data = None,
    out: Annotated[str, typer.Option("--out", metavar="FOLDER", help="The new folder.")] = "split",
    seed: options.Seed = 1,
    scale: options.Scale = options.SCALE,
    limit: options.Limit = None,
    sets: options.Sets = None,
    json: options.Json = False,
) -> None:
    """Write the parts of a source and the key, as a study with this seed would have them.

    Sizes are set as in a study: --set data.labeled=1000.
    """
    flags = Flags(data=data, limit=limit, sets=sets or ())
    settings = resolve(Request(box.STUDY, scale, options.PROTOCOL, overrides(flags)))
    shared = Inputs(settings)
    spec = {"data": settings.data.model_dump(mode="json"), "seed": seed, "paths": shared.paths}
    out = box.new_folder(out)
    with box.workplace(out, {"data": shared.data, "seed": seed}) as folder:
        summary = box.run("split", spec, {}, folder / "made")
        box.run("key", spec, {}, folder / "made")
        (folder / "made" / "data").rename(stream.new_path(out))
    if json:
        emit({"schema": 1, "folder": out, "counts": summary["counts"], "removed": summary["removed"]})
        return
    parts = ", ".join(f"{count(number)} {name}" for name, number in summary["counts"].items())
    output().print(
        Text(f"{out}: {parts}; {count(summary['removed'])} left out for repeating a test question"), soft_wrap=True
    )
