"""The flags that choose a study and change its settings: a later flag wins, and ``--set`` wins over short flags.

Values are TOML; a bare word is a string, so ``--set model.id=Qwen/Qwen3-0.6B`` needs no quotes.
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noisy_student.cli import options
from noisy_student.errors import UserError
from noisy_student.study.settings.files import Request, resolve
from noisy_student.study.settings.study import Settings

_OPENS_TOML = ("[", "{", '"', "'")


@dataclass(frozen=True)
class Flags:
    """Flags of every verb that takes a study, as typed; None where a flag is not given."""

    scale: options.Scale = options.SCALE
    protocol: options.Protocol = options.PROTOCOL
    model: options.Model = None
    data: options.Data = None
    limit: options.Limit = None
    seeds: options.Seeds = None
    sets: options.Sets = None

    def request(self, study: str) -> Request:
        """Return the request for ``study`` with these flags."""
        return Request(study, self.scale, self.protocol, overrides(self))

    def settings(self, study: str) -> Settings:
        """Return the resolved settings of ``study`` with these flags."""
        return resolve(self.request(study))


def overrides(flags: Flags) -> dict[str, Any]:
    """Return the dotted field names that flags set, each with its value.

    >>> overrides(Flags(seeds="1,2", sets=["labels.votes.K=16", "teacher=base"]))
    {'seeds': [1, 2], 'labels.votes.K': 16, 'teacher': 'base'}
    """
    found: dict[str, Any] = {}
    if flags.model is not None:
        found["model.id"] = flags.model
    if flags.data is not None:
        found |= {f"data.source.{name}": value for name, value in data_source(flags.data).items()}
    if flags.limit is not None:
        found["data.limit"] = flags.limit
    if flags.seeds is not None:
        found["seeds"] = parse_seeds(flags.seeds)
    for text in flags.sets or ():
        name, value = parse_set(text)
        found[name] = value
    return found


def data_source(text: str) -> dict[str, str]:
    """Return the source fields for ``--data``: GSM8K, a JSONL file, a data set folder, or a hub id.

    >>> data_source("gsm8k"), data_source("my.jsonl")
    ({'kind': 'gsm8k'}, {'kind': 'jsonl', 'labeled': 'my.jsonl'})
    """
    path = Path(text).expanduser()
    if text == "gsm8k":
        return {"kind": "gsm8k"}
    if path.is_dir():
        splits = {path.name.partition(".")[0].partition("-")[0] for path in path.rglob("*") if path.is_file()}
        return {"kind": "hub", "dataset": text, "labeled": "train"} | ({"test": "test"} if "test" in splits else {})
    if path.suffix == ".parquet":
        return {"kind": "hub", "dataset": str(path.parent), "labeled": path.name}
    if text.count("/") == 1 and not path.suffix and not text.startswith((".", "~", "/")):
        return {"kind": "hub", "dataset": text, "labeled": "train", "test": "test"}
    return {"kind": "jsonl", "labeled": text}


def parse_seeds(text: str) -> list[int]:
    """Return the seeds in ``1,2,3``; raises UserError for anything but non-negative integers."""
    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdigit() for word in words):
        raise UserError(
            f'--seeds is "{text}".',
            why="Seeds are non-negative integers separated by commas.",
            do="Write --seeds 1,2,3.",
            code="seeds-invalid",
        )
    return [int(word) for word in words]


def parse_set(text: str) -> tuple[str, Any]:
    """Return the field name and the value of one ``a.b=c``.

    >>> parse_set("sft.learning_rate=1e-4"), parse_set("match=steps")
    (('sft.learning_rate', 0.0001), ('match', 'steps'))
    """
    name, equals, value = text.partition("=")
    if not equals or not all(part.strip() for part in name.split(".")):
        raise UserError(
            f'--set "{text}" sets no field.',
            why="A setting is a dotted field name, =, and a value.",
            do="Write it like --set labels.votes.K=16.",
            code="set-malformed",
        )
    return ".".join(part.strip() for part in name.split(".")), _value(value.strip(), name.strip())


def _value(text: str, name: str) -> Any:
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError) as error:
        if text.startswith(_OPENS_TOML):
            raise UserError(
                f"--set {name}={text} is not TOML: {error}.",
                do="Close every bracket and quote.",
                code="set-not-toml",
            ) from error
        return text
    value = parsed["value"]
    if len(parsed) > 1 or not _is_json(value):
        return text
    if not _is_finite(value):
        raise UserError(f"--set {name}={text} is not a finite number.", do="Give a number.", code="number-not-finite")
    return value


def _is_json(value: Any) -> bool:
    """Return False for dates and times, which stay strings."""
    if isinstance(value, list):
        return all(_is_json(item) for item in value)
    if isinstance(value, dict):
        return all(_is_json(item) for item in value.values())
    return isinstance(value, str | bool | int | float)


def _is_finite(value: Any) -> bool:
    if isinstance(value, list | dict):
        return all(_is_finite(item) for item in (value.values() if isinstance(value, dict) else value))
    return not isinstance(value, float) or math.isfinite(value)
