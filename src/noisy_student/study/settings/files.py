"""Finding and merging the TOML files that describe a run: packaged studies, scales and protocols, or the user's own.

Every fault is a UserError that names the field and its nearest known name.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from noisy_student.errors import UserError, nearest
from noisy_student.redaction import holds_secret, redact
from noisy_student.study.settings.rounds import TABLE, written_out
from noisy_student.study.settings.study import Settings

PACKAGE = Path(__file__).parents[2]
NAMED = ("models", "labels", "conditions", "primary", "predictions", TABLE)
"""Tables whose keys are names of the study's own."""
OF_STUDIES = "studies"
"""The table of a scale's file that holds what one packaged study has otherwise there, such as its model."""
LARGEST_FILE = 1_000_000
"""Bytes; a settings file is a page or two."""
LONGEST_VALUE = 200
"""Characters of a faulty value that a message shows."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for on the command line, unresolved."""

    study: str = "combined"
    scale: str = "lab"
    protocol: str = "default"
    overrides: Mapping[str, Any] = field(default_factory=dict)
    """Dotted field name → value."""


def names(kind: str) -> tuple[str, ...]:
    """The packaged files of one kind: ``studies``, ``scales`` or ``protocols``."""
    return tuple(sorted(path.stem for path in (PACKAGE / kind).glob("*.toml")))


def questions() -> dict[str, str]:
    """The packaged studies and the question that each asks."""
    return {name: str(_read("studies", name)["question"]) for name in names("studies")}


def resolve(request: Request) -> Settings:
    """Merge protocol, study, scale and overrides, in that order, and check the whole.

    A study file of the user's own comes after the scale: what somebody wrote for this run is not overridden.
    """
    study, scale = _read("studies", request.study), _read("scales", request.scale)
    packaged = request.study in names("studies")
    own = _of_studies(scale).get(request.study, {})
    merged = _read("protocols", request.protocol)
    for part in (study, scale, own) if packaged else (scale, study):
        merged = _merge(merged, part)
    merged |= {"name": _stem(request.study), "scale": _stem(request.scale), "protocol": _stem(request.protocol)}
    # Chains first: what they are written out to can then be set like all else.
    of_chains = {dotted: value for dotted, value in request.overrides.items() if dotted.startswith(f"{TABLE}.")}
    for dotted, value in of_chains.items():
        _put(merged, dotted, value)
    merged = written_out(merged)
    for dotted, value in request.overrides.items():
        if dotted not in of_chains:
            _put(merged, dotted, value)
    return check(merged)


def check(fields: Mapping[str, Any]) -> Settings:
    """The settings that ``fields`` describe; raises UserError for the first fault."""
    _refuse_secrets(fields, "")
    try:
        return Settings.model_validate(fields)
    except ValidationError as error:
        # A misspelt field may also be a missing one: its own message comes first.
        raise _readable(min(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")) from error


def _refuse_secrets(value: Any, where: str) -> None:
    """Settings are stored and shown as they are, and a key stands on them: a token among them could not be hidden."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            _refuse_secrets(item, f"{where}.{name}".removeprefix("."))
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_secrets(item, where)
    elif isinstance(value, str) and holds_secret(value):
        raise UserError(
            f'"{where}" holds what looks like a token or a password.',
            why="Settings are stored with every result and shown on its page.",
            do="Take it out; libraries read it from the environment (HF_TOKEN).",
        )


def _is_path(name: str) -> bool:
    return name.endswith(".toml") or "/" in name


def _stem(name: str) -> str:
    return Path(name).stem if _is_path(name) else name


def _read(kind: str, name: str) -> dict[str, Any]:
    path = Path(name).expanduser() if _is_path(name) else PACKAGE / kind / f"{name}.toml"
    if not path.is_file():
        word = {"studies": "study", "scales": "scale", "protocols": "protocol"}[kind]
        raise UserError(f'There is no {word} "{name}".', do=nearest(name, names(kind)))
    if path.stat().st_size > LARGEST_FILE:
        raise UserError(f"{path} is larger than a settings file can be.", do="Check the path.")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not TOML: {error}.", why="It cannot be read.", do="Mend that line.") from error


def _of_studies(scale: dict[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """The tables that a scale has for packaged studies, taken out of it; UserError for any other."""
    tables = scale.pop(OF_STUDIES, {})
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise UserError(
            f'"{OF_STUDIES}" of this scale is no table of tables.',
            why="Each holds what one packaged study has otherwise there.",
            do=f"Write it like [{OF_STUDIES}.{names('studies')[0]}].",
        )
    for name in tables:
        if name not in names("studies"):
            raise UserError(
                f'"{OF_STUDIES}.{name}" of this scale is of no packaged study.',
                why="A table that does nothing would mislead.",
                do=nearest(name, names("studies")),
            )
    return tables


def _merge(low: Mapping[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    """``high`` over ``low``, table by table; a selection is replaced whole, since it is one rule."""
    merged = dict(low)
    for name, value in high.items():
        both_tables = isinstance(merged.get(name), dict) and isinstance(value, dict) and name != "select"
        merged[name] = _merge(merged[name], value) if both_tables else value
    return merged


def _put(fields: dict[str, Any], dotted: str, value: Any) -> None:
    *tables, last = dotted.split(".")
    if len(tables) > 1 and tables[0] in NAMED and tables[1] not in (known := fields.get(tables[0], {})):
        raise UserError(
            f'"{dotted}" names "{tables[1]}", which this study does not have.',
            why="A new one that nothing uses would change nothing.",
            do=nearest(tables[1], known) if known else f"This study has no {tables[0]}.",
        )
    for name in tables:
        inner = fields.setdefault(name, {})
        if not isinstance(inner, dict):
            raise UserError(f'"{dotted}" goes through "{name}", which is no table.', do="See noisy-student show STUDY.")
        fields[name] = dict(inner)
        fields = fields[name]
    if tables and tables[-1] == "select":
        fields.clear()
    fields[last] = value


def _readable(fault: ErrorDetails) -> UserError:
    """One fault of pydantic as a message for people."""
    where = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        *tables, last = fault["loc"]
        return UserError(
            f'There is no field "{where}".',
            why="A field that does nothing would mislead.",
            do=nearest(str(last), _fields(tables)),
        )
    cause = fault.get("ctx", {}).get("error")
    if isinstance(cause, UserError):
        return cause
    if fault["type"] == "missing":
        return UserError(f'The field "{where}" is missing.', do="Set it in the study file, or by --set.")
    # Secrets first: half of one would not be recognised.
    shown = redact(repr(fault["input"]))
    shown = shown if len(shown) <= LONGEST_VALUE else f"{shown[:LONGEST_VALUE]}…"
    return UserError(f'"{where}" is {shown}: {fault["msg"]}.', do=f"Set it with --set {where}=VALUE.")


def _fields(path: Iterable[Any]) -> list[str]:
    """The known field names of the table at ``path``."""
    model: Any = Settings
    for part in path:
        annotation = _annotation(model, str(part))
        if annotation is None:
            return []
        model = annotation
    return [item.alias or name for name, item in model.model_fields.items()] if _is_model(model) else []


def _annotation(model: Any, name: str) -> Any:
    """The type of a field, or of the items of a mapping or a tuple."""
    if _is_model(model):
        found = model.model_fields.get(name)
        return None if found is None else found.annotation
    return next((item for item in reversed(getattr(model, "__args__", ())) if item is not Ellipsis), None)


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
