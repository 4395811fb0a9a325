"""TOML files that describe a run, found and merged: packaged studies, scales and protocols, or the user's own.

Every fault is a UserError that names the field and its nearest known name.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from noisy_student import opener
from noisy_student.data.spec import PARTS
from noisy_student.errors import UserError, nearest, require_known
from noisy_student.models import lab
from noisy_student.redaction import holds_secret
from noisy_student.strict import Strict, first_fault
from noisy_student.study.settings.checks import check_study
from noisy_student.study.settings.conditions import Condition
from noisy_student.study.settings.methods import METHODS
from noisy_student.study.settings.rounds import TABLE, tables_in, written_out
from noisy_student.study.settings.study import Settings

PACKAGE = Path(__file__).parents[2]
NAMED = ("models", "labels", "conditions", "primary", "predictions", TABLE)
"""Tables whose keys are names of the study's own."""
OF_STUDIES = "studies"
"""The table of a scale's file with the overrides of single packaged studies, such as their model."""
LARGEST_FILE = 1_000_000
"""Bytes; a settings file is a page or two."""

_PATHS = {
    **{("data.source", part): True for part in PARTS},
    ("data.foreign", "questions"): True,
    ("labels.*", "samples"): True,
    ("data.source", "dataset"): False,
    ("data.foreign", "dataset"): False,
    ("model", "id"): False,
    ("models.*", "id"): False,
}
"""Table and field of each path; True if it names a file unless ``kind`` says otherwise, False if it may be a hub id."""


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
    try:
        settings = check(merged)
    except UserError as error:
        raise _placed(error, request) from error
    if settings.note == scale.get("note") and _departs(settings, scale):
        settings = settings.model_copy(update={"note": ""})
    if settings.own_data and settings.model.id in lab.names() and not _names_model(request):
        return settings.model_copy(update={"checks": settings.checks.model_copy(update={"model_named": False})})
    return settings


def _departs(settings: Settings, scale: Mapping[str, Any]) -> bool:
    """Return whether a run has another model or other questions than its scale, whose note speaks of its own."""
    here = {"model": settings.model.model_dump(mode="json"), "data": settings.data.source.model_dump(mode="json")}
    there = {"model": scale.get("model", {}), "data": scale.get("data", {}).get("source", {})}
    return any(here[table].get(name) != value for table, fields in there.items() for name, value in fields.items())


def _placed(error: UserError, request: Request) -> UserError:
    """Return the error with the line of the user's own study file that holds the word it quotes."""
    if not _is_path(request.study):
        return error
    lines = opener.read_text(Path(request.study).expanduser(), largest=LARGEST_FILE).splitlines()
    for quoted in re.findall(r'"([^"]+)"', error.what):
        if any(quoted in dotted or dotted in quoted for dotted in request.overrides):
            continue
        word = re.compile(rf"(?<![\w-]){re.escape(quoted.rpartition('.')[2])}(?![\w-])")
        for number, line in enumerate(lines, start=1):
            if word.search(line.partition("#")[0]):
                what = f"{request.study}:{number}: {error.what}"
                return type(error)(what, why=error.why, do=error.do, code=error.code)
    return error


def _names_model(request: Request) -> bool:
    """Return whether a flag, a ``--set`` or a file of the user's own names the model, not a packaged scale."""
    named = bool({"model", "model.id"} & request.overrides.keys())
    for kind, name in (("studies", request.study), ("scales", request.scale)):
        named = named or (_is_path(name) and "id" in (_read(kind, name).get("model") or {}))
    return named


def check(fields: Mapping[str, Any]) -> Settings:
    """Read and check the settings that ``fields`` describe; raises UserError for the first fault."""
    _refuse_secrets(fields, "")
    try:
        settings = Settings.model_validate(fields)
    except ValidationError as error:
        raise first_fault(error, hint=_methods_with) from error
    check_study(settings)
    return settings


def _refuse_secrets(value: Any, where: str) -> None:
    """Raise UserError for a token among the settings, which are stored, shown and hashed as they are."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            _refuse_secrets(name, f"a name in {where or 'the study'}")
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
    return name.lower().endswith(".toml") or "/" in name


def _stem(name: str) -> str:
    return Path(name).stem if _is_path(name) else name


def _read(kind: str, name: str) -> dict[str, Any]:
    own = _is_path(name)
    path = Path(name).expanduser() if own else PACKAGE / kind / f"{name}.toml"
    if not path.exists():
        word = {"studies": "study", "scales": "scale", "protocols": "protocol"}[kind]
        if _is_path(name):
            raise UserError(
                f'There is no file "{name}" here.',
                why=f"{path.name} would be looked for in {path.absolute().parent}.",
                do=_files_like(path, kind),
                code=f"unknown-{word}",
            )
        raise UserError(f'There is no {word} "{name}".', do=nearest(name, names(kind)), code=f"unknown-{word}")
    text = opener.read_text(path, largest=LARGEST_FILE)
    try:
        read = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not TOML: {error}.", do="Fix that line.", code="not-toml") from error
    return _from_shell(read, path.parent) if own else read


def _from_shell(read: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return the settings of a file in ``folder`` with its relative paths as the shell's folder sees them."""
    if folder == Path():
        return read
    for (where, name), always in _PATHS.items():
        for table in (*_tables(read, where.split(".")), *_tables(read, [OF_STUDIES, "*", *where.split(".")])):
            value = table.get(name)
            if not isinstance(value, str) or Path(value).expanduser().is_absolute():
                continue
            found = value.startswith(".") or (value not in lab.names() and (folder / value).exists())
            if table.get("kind", "jsonl") == "jsonl" if always else found:
                table[name] = str(folder / value)
    return read


def _tables(read: Any, path: Sequence[str]) -> list[dict[str, Any]]:
    """Return the tables at a path of names; ``*`` is every name."""
    if not isinstance(read, dict):
        return []
    if not path:
        return [read]
    inner = read.values() if path[0] == "*" else [read.get(path[0])]
    return [table for value in inner for table in _tables(value, path[1:])]


def _files_like(path: Path, kind: str) -> str:
    """Return a sentence that names the nearest file in the folder, or the packaged one of that name."""
    if path.stem in names(kind):
        return f'"{path.stem}" without .toml is a packaged one.'
    near = difflib.get_close_matches(path.name, [found.name for found in path.parent.glob("*.toml")], n=1)
    return f"Did you mean {path.with_name(near[0])}?" if near else "Check the path."


def _of_studies(scale: dict[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """Take the tables for packaged studies out of a scale; raises UserError for any other table there."""
    why = "Each table of a scale holds the overrides of one packaged study."
    tables = tables_in(scale.pop(OF_STUDIES, {}), OF_STUDIES, why=why)
    for name in tables:
        what = f'"{OF_STUDIES}.{name}" of this scale names no packaged study.'
        require_known(name, names("studies"), what, code="unknown-study")
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
            why="--set changes named entries and adds none: no condition would use a new one.",
            do=nearest(tables[1], known) if known else f"This study has no {tables[0]}.",
            code="unknown-name",
        )
    for name in tables:
        inner = fields.setdefault(name, {})
        if not isinstance(inner, dict):
            what = f'"{dotted}" goes through "{name}", which is not a table.'
            raise UserError(what, do="See noisy-student show STUDY.", code="not-a-table")
        fields[name] = dict(inner)
        fields = fields[name]
    if tables and tables[-1] == "select":
        fields.clear()
    fields[last] = value


def _methods_with(table: type[Strict], field: str) -> str:
    """Advice for a field that conditions of this method do not have and others may; else empty."""
    others = [name for name in METHODS if field in METHODS.get(name).condition.model_fields]
    if not others or not issubclass(table, Condition):
        return ""
    method = table.model_fields["method"].default
    return f'A condition with method = "{method}" has no {field}; leave it out, or set method to {" or ".join(others)}.'
