"""Run one stage outside of a study, in a folder that the same call continues after an interruption.

The folder is ``<out>.partial`` beside the output; for standard output it is in the store.
"""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from noisy_student import identity
from noisy_student.cli import options, stream
from noisy_student.cli.console import remark
from noisy_student.cli.overrides import Flags
from noisy_student.context import Context, stop_on_signals
from noisy_student.data.fields import Fields, Need, SourceRow, read_items
from noisy_student.data.source import Item
from noisy_student.errors import UserError
from noisy_student.pipeline import provenance
from noisy_student.pipeline.node import STAGES, code_of
from noisy_student.sampling.engine import Decoding
from noisy_student.sampling.sample import shards
from noisy_student.study.plan import specs
from noisy_student.study.plan.inputs import Inputs
from noisy_student.study.settings.study import Settings

STUDY = "v1"
"""Source of the settings for model, prompt, sampling and training; any study would do."""


@dataclass(frozen=True)
class Recipe:
    """Flags of every verb that samples or trains with a model."""

    model: options.Model = None
    seed: options.Seed = 1
    scale: options.Scale = options.SCALE
    protocol: options.Protocol = options.PROTOCOL
    sets: options.Sets = None

    @cached_property
    def shared(self) -> Inputs:
        """Return the resolved settings and the digests of the model's files, computed once."""
        provenance.require()
        return Inputs(Flags(self.scale, self.protocol, self.model, sets=self.sets).settings(STUDY))

    @property
    def settings(self) -> Settings:
        """Return the resolved settings."""
        return self.shared.settings

    def facts(self, *stages: str) -> dict[str, Any]:
        """Return what partial work depends on besides questions: settings, seed, model files, code of the stages."""
        return {
            "settings": self.settings.model_dump(mode="json"),
            "seed": self.seed,
            "model": dict(self.shared.base.spec),
            "code": [code_of(STAGES.get(stage).module) for stage in stages],
            **({"engine": specs.engine(self.settings)} if "sample" in stages else {}),
        }


def items(rows: Iterable[Mapping[str, Any]], file: str, *, answers: Need = "optional") -> list[Item]:
    """Return the questions in the rows of a JSONL file or of standard input."""
    name = "standard input" if file == stream.STANDARD else file
    placed = (SourceRow(values, f"{name}, row {number}") for number, values in enumerate(rows, start=1))
    return read_items(placed, name, fields=Fields(), answers=answers)


@contextmanager
def workplace(out: str, facts: Mapping[str, Any]) -> Iterator[Path]:
    """Provide a working folder that is kept after an interruption and removed after success.

    Raises UserError if the folder holds partial work with other ``facts``, or another process works in it.
    """
    digest = identity.digest(dict(facts))
    if out == stream.STANDARD:
        folder = options.STORE / "partial" / digest[:16]
    else:
        target = stream.new_path(out)
        folder = target.with_name(f"{target.name}.partial")
    folder.mkdir(parents=True, exist_ok=True)
    mark = folder / "identity"
    if mark.is_file() and mark.read_text() != digest or (not mark.is_file() and any(folder.iterdir())):
        raise UserError(
            f"{folder} holds partial results of another call.",
            why="That call had other questions, settings or another model.",
            do="Remove that folder, or give another --out.",
            code="partial-work-differs",
        )
    try:
        with FileLock(folder / ".lock", timeout=0), stop_on_signals():
            mark.write_text(digest)
            yield folder
    except Timeout:
        raise UserError(
            f"Another process works in {folder}.",
            why="It runs the same command.",
            do="Wait until it ends.",
            code="folder-in-use",
        ) from None
    shutil.rmtree(folder)


def new_folder(out: str) -> str:
    """Return the path of a new folder; raises UserError for standard output."""
    if out == stream.STANDARD:
        raise UserError("--out is -.", why="The result is a folder.", do="Give --out FOLDER.", code="output-is-folder")
    return str(stream.new_path(out))


def run(stage: str, spec: Mapping[str, Any], inputs: Mapping[str, Sequence[Path]], folder: Path) -> dict[str, Any]:
    """Run one stage, which writes into ``folder / "data"``, and return its summary."""
    module = importlib.import_module(STAGES.get(stage).module)
    folder.mkdir(parents=True, exist_ok=True)
    summary: dict[str, Any] = module.run(spec, inputs, Context(folder))
    return summary


def sample(recipe: Recipe, split: Path, folder: Path, *, k: int, count: int, decoding: Decoding) -> list[Path]:
    """Sample K answers to each of ``count`` questions in ``split/unlabeled.jsonl``; return one folder per shard."""
    shared, base = recipe.shared, recipe.shared.base
    made = []
    for shard in shards(k):
        spec = {
            **specs.sample(shared.settings, shard, decoding=decoding, filters=shared.filters),
            **{"model": base.spec, "part": "unlabeled", "block": [0, count], "seed": recipe.seed, "paths": base.paths},
        }
        place = folder / f"shard-{shard.first}"
        too_long = run("sample", spec, {"split": [split]}, place)["too_long"]
        if too_long and shard.first == 0:
            remark(f"{len(too_long)} questions are longer than the model's context: {', '.join(too_long[:5])} …")
        made.append(place / "data")
    return made
