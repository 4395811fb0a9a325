"""Flags and ``--set a.b=c`` into dotted settings: the last one of a field wins, ``--set`` over the short flags.

Values are TOML; a bare word is a string, so ``--set model.id=Qwen/Qwen3-0.6B`` needs no quotes.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noisy_student.errors import UserError

_OPENS_TOML = ("[", "{", '"', "'")


@dataclass(frozen=True, slots=True)
class Flags:
    """The flags that are short for a setting, as typed; None where the flag is not given."""

    model: str | None = None
    data: str | None = None
    limit: int | None = None
    seeds: str | None = None
    sets: Sequence[str] = ()


def overrides(flags: Flags) -> dict[str, Any]:
    """Dotted field name → value.

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
    for text in flags.sets:
        name, value = parse_set(text)
        found[name] = value
    return found


def data_source(text: str) -> dict[str, str]:
    """The fields of the source that ``--data`` names: GSM8K, a JSONL file, a folder of a data set, or a hub id.

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
    """The seeds in ``1,2,3``; raises UserError for anything but whole numbers from 0 on."""
    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdigit() for word in words):
        raise UserError(
            f'--seeds is "{text}".', why="Seeds are whole numbers from 0 on, with commas.", do="Write --seeds 1,2,3."
        )
    return [int(word) for word in words]


def parse_set(text: str) -> tuple[str, Any]:
    """The field and the value of one ``a.b=c``.

    >>> parse_set("sft.learning_rate=1e-4"), parse_set("match=steps")
    (('sft.learning_rate', 0.0001), ('match', 'steps'))
    """
    name, equals, value = text.partition("=")
    if not equals or not all(part.strip() for part in name.split(".")):
        raise UserError(
            f'--set "{text}" does not set anything.',
            why="A setting is a dotted field name, =, and a value.",
            do="Write it like --set labels.votes.K=16.",
        )
    return ".".join(part.strip() for part in name.split(".")), _value(value.strip(), name.strip())


def _value(text: str, name: str) -> Any:
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError) as error:
        if text.startswith(_OPENS_TOML):
            raise UserError(
                f"--set {name}={text} is not TOML: {error}.", do="Close every bracket and quote."
            ) from error
        return text
    value = parsed["value"]
    if len(parsed) > 1 or not _is_json(value):
        return text
    if not _is_finite(value):
        raise UserError(f"--set {name}={text} is not a finite number.", do="Give a number.")
    return value


def _is_json(value: Any) -> bool:
    """Dates and times are words here."""
    if isinstance(value, list):
        return all(_is_json(item) for item in value)
    if isinstance(value, dict):
        return all(_is_json(item) for item in value.values())
    return isinstance(value, str | bool | int | float)


def _is_finite(value: Any) -> bool:
    if isinstance(value, list | dict):
        return all(_is_finite(item) for item in (value.values() if isinstance(value, dict) else value))
    return not isinstance(value, float) or math.isfinite(value)
