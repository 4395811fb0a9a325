"""TOML files that describe a run, found and merged: packaged studies, scales and protocols, or the user's own.

Every fault is a UserError that names the field and its nearest known name.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from noisy_student.errors import UserError, nearest
from noisy_student.redaction import holds_secret, redact
from noisy_student.study.settings.checks import check_study
from noisy_student.study.settings.conditions import Condition
from noisy_student.study.settings.methods import METHODS, condition_class
from noisy_student.study.settings.rounds import TABLE, written_out
from noisy_student.study.settings.study import Settings

PACKAGE = Path(__file__).parents[2]
NAMED = ("models", "labels", "conditions", "primary", "predictions", TABLE)
"""Tables whose keys are names of the study's own."""
OF_STUDIES = "studies"
"""The table of a scale's file with the overrides of single packaged studies, such as their model."""
LARGEST_FILE = 1_000_000
"""Bytes; a settings file is a page or two."""
LONGEST_VALUE = 200
"""Characters of a faulty value that a message shows."""


@dataclass(frozen=True, slots=True)
class Request:
    """The request of a command line, unresolved."""

    study: str = "combined"
    scale: str = "lab"
    protocol: str = "default"
    overrides: Mapping[str, Any] = field(default_factory=dict)
    """Dotted field name → value."""


def names(kind: str) -> tuple[str, ...]:
    """Return the packaged files of one kind: ``studies``, ``scales`` or ``protocols``."""
    return tuple(sorted(path.stem for path in (PACKAGE / kind).glob("*.toml")))


def questions() -> dict[str, str]:
    """Return the question of every packaged study."""
    return {name: str(_read("studies", name)["question"]) for name in names("studies")}


def resolve(request: Request) -> Settings:
    """Merge protocol, study, scale and overrides, in that order, and check the whole.

    A study file of the user's own comes after the scale, since it was written for this run.
    """
    study, scale = _read("studies", request.study), _read("scales", request.scale)
    packaged = request.study in names("studies")
    own = _of_studies(scale).get(request.study, {})
    merged = _read("protocols", request.protocol)
    for part in (study, scale, own) if packaged else (scale, study):
        merged = _merge(merged, part)
    merged |= {"name": _stem(request.study), "scale": _stem(request.scale), "protocol": _stem(request.protocol)}
    # Chains first: their conditions and labels can then be set like any others.
    of_chains = {dotted: value for dotted, value in request.overrides.items() if dotted.startswith(f"{TABLE}.")}
    for dotted, value in of_chains.items():
        _put(merged, dotted, value)
    merged = written_out(merged)
    for dotted, value in request.overrides.items():
        if dotted not in of_chains:
            _put(merged, dotted, value)
    return check(merged)


def check(fields: Mapping[str, Any]) -> Settings:
    """Read and check the settings that ``fields`` describe; raises UserError for the first fault."""
    _refuse_secrets(fields, "")
    try:
        settings = Settings.model_validate(fields)
    except ValidationError as error:
        # A misspelt field may also be a missing one: its own message comes first.
        fault = min(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")
        raise _readable(fault, fields) from error
    check_study(settings)
    return settings


def _refuse_secrets(value: Any, where: str) -> None:
    """Raise UserError for a token among the settings, which are stored, shown and hashed as they are."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            _refuse_secrets(item, f"{where}.{name}".removeprefix("."))
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_secrets(item, where)
    elif isinstance(value, str) and holds_secret(value):
        raise UserError(
            f'"{where}" holds a value that looks like a token or a password.',
            why="Settings are stored with every result and shown on its page.",
            do="Take it out; libraries read it from the environment (HF_TOKEN).",
            code="secret-in-settings",
        )


def _is_path(name: str) -> bool:
    return name.endswith(".toml") or "/" in name


def _stem(name: str) -> str:
    return Path(name).stem if _is_path(name) else name


def _read(kind: str, name: str) -> dict[str, Any]:
    path = Path(name).expanduser() if _is_path(name) else PACKAGE / kind / f"{name}.toml"
    if not path.is_file():
        word = {"studies": "study", "scales": "scale", "protocols": "protocol"}[kind]
        raise UserError(f'There is no {word} "{name}".', do=nearest(name, names(kind)), code=f"unknown-{word}")
    if path.stat().st_size > LARGEST_FILE:
        raise UserError(
            f"{path} has {path.stat().st_size:,} bytes, and a settings file at most {LARGEST_FILE:,}.",
            do="Check the path.",
            code="settings-file-too-large",
        )
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not TOML: {error}.", do="Fix that line.", code="not-toml") from error


def _of_studies(scale: dict[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """Take the tables for packaged studies out of a scale; raises UserError for any other table there."""
    tables = scale.pop(OF_STUDIES, {})
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise UserError(
            f'"{OF_STUDIES}" of this scale is not a table of tables.',
            why="Each table holds what one packaged study overrides at this scale.",
            do=f"Write it like [{OF_STUDIES}.{names('studies')[0]}].",
            code="not-a-table",
        )
    for name in tables:
        if name not in names("studies"):
            raise UserError(
                f'"{OF_STUDIES}.{name}" of this scale names no packaged study.',
                why="A table that does nothing would mislead.",
                do=nearest(name, names("studies")),
                code="unknown-study",
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
            code="unknown-name",
        )
    for name in tables:
        inner = fields.setdefault(name, {})
        if not isinstance(inner, dict):
            raise UserError(
                f'"{dotted}" goes through "{name}", which is not a table.',
                do="See noisy-student show STUDY.",
                code="not-a-table",
            )
        fields[name] = dict(inner)
        fields = fields[name]
    if tables and tables[-1] == "select":
        fields.clear()
    fields[last] = value


def _readable(fault: ErrorDetails, given: Mapping[str, Any]) -> UserError:
    """A fault that pydantic found in the ``given`` settings, as a message for people."""
    where = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        *tables, last = map(str, fault["loc"])
        table = _table(tables, given)
        if isinstance(table, type) and issubclass(table, Condition):
            return _not_of_method(where, last, table)
        return UserError(
            f'There is no field "{where}".',
            why="A field that does nothing would mislead.",
            do=nearest(last, _fields(table)),
            code="unknown-field",
        )
    if fault["type"] == "missing":
        return UserError(
            f'The field "{where}" is missing.', do="Set it in the study file, or by --set.", code="field-missing"
        )
    # Secrets first: half of one would not be recognised.
    shown = redact(repr(fault["input"]))
    shown = shown if len(shown) <= LONGEST_VALUE else f"{shown[:LONGEST_VALUE]}…"
    return UserError(
        f'"{where}" is {shown}: {fault["msg"]}.', do=f"Set it with --set {where}=VALUE.", code="field-invalid"
    )


def _not_of_method(where: str, field: str, table: type[Condition]) -> UserError:
    """The fault of a field that conditions of this method do not have; other methods may."""
    own = next(name for name in METHODS if METHODS.get(name).condition is table)
    others = [name for name in METHODS if field in METHODS.get(name).condition.model_fields]
    return UserError(
        f'There is no field "{where}": conditions with method = "{own}" do not have it.',
        why="A field that does nothing would mislead.",
        do=f"Leave it out, or set method to {' or '.join(others)}." if others else nearest(field, _fields(table)),
        code="unknown-field",
    )


def _table(path: Sequence[str], given: Any) -> Any:
    """The type of the table at ``path``; a condition has that of the method which it is ``given``."""
    kind: Any = Settings
    for depth, part in enumerate(path):
        given = given.get(part) if isinstance(given, Mapping) else None
        if depth == 1 and path[0] == "conditions":
            kind = condition_class(given)
        elif not _is_model(kind):
            kind = next((item for item in reversed(get_args(kind)) if item is not Ellipsis), None)
        elif (found := kind.model_fields.get(part)) is not None:
            optional = isinstance(found.annotation, UnionType)
            kind = get_args(found.annotation)[0] if optional else found.annotation
    return kind


def _fields(table: Any) -> list[str]:
    return [item.alias or name for name, item in table.model_fields.items()] if _is_model(table) else []


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
