"""The flags that choose a study and change its settings: a later flag wins, and ``--set`` wins over short flags.

Values are TOML; a bare word is a string, so ``--set model.id=Qwen/Qwen3-0.6B`` needs no quotes.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noisy_student.cli import options
from noisy_student.data.locate import chosen
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
    source = {} if flags.data is None else data_source(flags.data)
    given = {
        "model.id": flags.model,
        **{f"data.source.{name}": value for name, value in source.items()},
        "data.limit": flags.limit,
        "seeds": None if flags.seeds is None else parse_seeds(flags.seeds),
    }
    return {
        **{name: value for name, value in given.items() if value is not None},
        **dict(map(parse_set, flags.sets or ())),
    }


def require_read(sets: list[str] | None, verb: str, fields: Sequence[str]) -> None:
    """Raise UserError for a --set of a field outside the dotted names in ``fields``, which ``verb`` does not read."""
    for text in sets or ():
        name = parse_set(text)[0]
        if not any(f"{name}.".startswith(f"{field}.") for field in fields):
            columns = name.startswith("data.source.fields")
            raise UserError(
                f"--set {name} changes nothing: `{verb}` does not read it.",
                why=f"It reads {', '.join(fields)}.",
                do="Name columns by --question, --answer and --id." if columns else "Leave it out.",
                code="setting-not-read",
            )


def data_source(text: str) -> dict[str, str]:
    """Return the source fields for ``--data``: GSM8K, a file, a data set folder, or a hub id.

    >>> data_source("gsm8k"), data_source("my.jsonl")
    ({'kind': 'gsm8k'}, {'kind': 'jsonl', 'labeled': 'my.jsonl'})
    """
    path = Path(text).expanduser()
    if text == "gsm8k":
        return {"kind": "gsm8k"}
    if path.is_dir():
        names = (file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
        return {"kind": "hub", "dataset": text, "labeled": "train"} | (
            {"test": "test"} if chosen(names, "test") else {}
        )
    if "*" in path.name:
        return {"kind": "hub", "dataset": str(path.parent), "labeled": path.name}
    if text.count("/") == 1 and not path.suffix and not text.startswith((".", "~", "/")) and not path.exists():
        return {"kind": "hub", "dataset": text, "labeled": "train", "test": "test"}
    return {"kind": "jsonl", "labeled": text}


def parse_seeds(text: str) -> list[int]:
    """Return the seeds in ``1,2,3``; raises UserError for anything but non-negative integers."""
    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdigit() for word in words):
        raise UserError(
            f'--seeds is "{text}".', do="Write non-negative integers like --seeds 1,2,3.", code="seeds-invalid"
        )
    return [int(word) for word in words]


def parse_set(text: str) -> tuple[str, Any]:
    """Return the field name and the value of one ``a.b=c``.

    >>> parse_set("sft.learning_rate=1e-4"), parse_set("match=steps")
    (('sft.learning_rate', 0.0001), ('match', 'steps'))
    """
    name, equals, value = text.partition("=")
    parts = [part.strip() for part in name.split(".")]
    if not equals or not all(parts):
        raise UserError(
            f'--set "{text}" sets no field.',
            do="Write a dotted field name, =, and a value, like --set labels.votes.K=16.",
            code="set-malformed",
        )
    return ".".join(parts), _value(value.strip(), name.strip())


def _value(text: str, name: str) -> Any:
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError) as error:
        if text.startswith(_OPENS_TOML):
            raise UserError(
                f"--set {name}={text} is not TOML: {error}.", do="Close every bracket and quote.", code="set-not-toml"
            ) from error
        return text
    leaves = list(_leaves(parsed["value"]))
    # Dates and times stay strings.
    if len(parsed) > 1 or not all(isinstance(leaf, str | bool | int | float) for leaf in leaves):
        return text
    if any(isinstance(leaf, float) and not math.isfinite(leaf) for leaf in leaves):
        raise UserError(f"--set {name}={text} is not a finite number.", do="Give a number.", code="number-not-finite")
    return parsed["value"]


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _leaves(item)
    else:
        yield value
