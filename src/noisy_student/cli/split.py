"""``split``: write the labeled, dev, unlabeled and test questions of a source as files."""

from __future__ import annotations

from typing import Annotated

import typer

from noisy_student.cli import options, single_stage, stream
from noisy_student.cli.console import emit, say
from noisy_student.cli.overrides import Flags
from noisy_student.report.numbers import count
from noisy_student.study.plan.inputs import Inputs


def command(
    data: options.Data = None,
    out: Annotated[str, typer.Option("--out", metavar="FOLDER", help="The new folder.")] = "split",
    seed: options.Seed = 1,
    scale: options.Scale = options.SCALE,
    limit: options.Limit = None,
    sets: options.Sets = None,
    json: options.Json = False,
) -> None:
    """Write the parts of a source and the answer key, exactly as in a study with this seed.

    Set sizes as in a study: --set data.labeled=1000.
    """
    settings = Flags(scale=scale, data=data, limit=limit, sets=sets).settings(single_stage.STUDY)
    shared = Inputs(settings)
    spec = {"data": settings.data.model_dump(mode="json"), "seed": seed, "paths": shared.paths}
    out = single_stage.new_folder(out)
    with single_stage.workplace(out, {"data": shared.data, "seed": seed}) as folder:
        summary = single_stage.run("split", spec, {}, folder / "made")
        single_stage.run("key", spec, {}, folder / "made")
        (folder / "made" / "data").rename(stream.new_path(out))
    if json:
        emit({"schema": 1, "folder": out, "counts": summary["counts"], "removed": summary["removed"]})
        return
    parts = ", ".join(f"{count(number)} {name}" for name, number in summary["counts"].items())
    say(f"{out}: {parts}; {count(summary['removed'])} left out because they repeat a test question")
