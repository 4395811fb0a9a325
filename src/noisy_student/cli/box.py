"""One stage outside of a run: the code of a study, in a folder that an interrupted call finds again.

The folder is ``<out>.partial``, beside the output; with standard output it is a temporary one.
"""

from __future__ import annotations

import importlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noisy_student import identity
from noisy_student.cli import stream
from noisy_student.cli.overrides import Flags, overrides
from noisy_student.context import Context, stop_on_signals
from noisy_student.data.fields import Fields, Need, Row, read_items
from noisy_student.data.source import Item
from noisy_student.errors import NotTrainable, UserError
from noisy_student.sampling.engine import Decoding
from noisy_student.sampling.sample import shards
from noisy_student.study import base_model, stage_spec
from noisy_student.study.catalog import Request, resolve
from noisy_student.study.node import STAGES
from noisy_student.study.settings import Settings

STUDY = "v1"
"""Any study would do: of the settings, only those of model, prompt, sampling and training are used."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a step is asked for on the command line."""

    model: str | None
    scale: str
    protocol: str
    seed: int
    sets: Sequence[str]

    def settings(self) -> Settings:
        """The settings, resolved as those of a run."""
        return resolve(Request(STUDY, self.scale, self.protocol, overrides(Flags(model=self.model, sets=self.sets))))


def items(path: str, *, answers: Need, fields: Fields | None = None) -> list[Item]:
    """The questions of a JSONL file or of standard input."""
    name = "standard input" if path == stream.STANDARD else path
    rows = (Row(values, f"{name}, row {number}") for number, values in enumerate(stream.read(path), start=1))
    return read_items(rows, name, fields=fields or Fields(), answers=answers)


@contextmanager
def workplace(out: str, identity_of: Mapping[str, Any]) -> Iterator[Path]:
    """A folder that outlives an interruption and is removed after success.

    Raises UserError where the folder holds the partial work of something else.
    """
    if out == stream.STANDARD:
        with tempfile.TemporaryDirectory() as temporary, stop_on_signals():
            yield Path(temporary)
        return
    stream.new_path(out)
    folder = Path(f"{out}.partial")
    mark, digest = folder / "identity", identity.digest(dict(identity_of))
    if folder.is_dir() and (not mark.is_file() or mark.read_text() != digest):
        raise UserError(
            f"{folder} holds the beginning of other work.",
            why="It was begun with other questions or settings.",
            do="Remove that folder, or give another --out.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    mark.write_text(digest)
    with stop_on_signals():
        yield folder
    shutil.rmtree(folder)


def run(stage: str, spec: Mapping[str, Any], inputs: Mapping[str, Sequence[Path]], folder: Path) -> dict[str, Any]:
    """Run one stage in ``folder``; what it wrote is under ``folder / "data"``. Returns its summary."""
    module = importlib.import_module(f"{STAGES}.{stage.replace('-', '_')}")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        summary: dict[str, Any] = module.run(spec, inputs, Context(folder))
    except NotTrainable as error:
        raise UserError(error.what, why=error.why, do=error.do) from error
    return summary


def sample(recipe: Recipe, split: Path, folder: Path, *, k: int, count: int, decoding: Decoding) -> list[Path]:
    """Sample K answers to each of the ``count`` questions in ``unlabeled.jsonl`` of ``split``; a folder a shard."""
    settings = recipe.settings()
    base = base_model.find(settings.model)
    made = []
    for shard in shards(k):
        spec = {
            **stage_spec.sample(settings, shard, decoding=decoding, filters={}),
            **{"model": base.spec, "part": "unlabeled", "block": [0, count], "seed": recipe.seed, "paths": base.paths},
        }
        place = folder / f"shard-{shard.first}"
        run("sample", spec, {"split": [split]}, place)
        made.append(place / "data")
    return made
