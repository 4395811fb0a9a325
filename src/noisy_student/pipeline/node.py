"""Nodes: a stage to run with everything its result depends on; the key is known before anything runs.

The ``key`` is the sha256 of stage, settings, inputs, seed and code, never of titles, devices, hosts or paths. The
stage's module is read as text, so that a plan imports neither the stage nor torch.
"""

from __future__ import annotations

import ast
import functools
import importlib.metadata
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args, get_type_hints

from pydantic import TypeAdapter

from noisy_student import identity
from noisy_student.errors import UserError
from noisy_student.registry import Registry

SCHEME = 1
"""The version of the key itself: a change of what enters the key raises it."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
KEY_DIGITS = 16
"""Digits of the key in folder names; the manifest holds all 64."""


Lane = Literal["key", "truth", "gate", "training"]
"""``key`` holds the answers, ``truth`` may read them, ``gate`` may reveal them to ``training``, the default."""


@dataclass(frozen=True, slots=True)
class Declared:
    """Constants that a stage's module declares about itself, in capitals; the defaults stand for absent ones."""

    libraries: tuple[str, ...] = ()
    """Distributions with versions that change its result."""
    optional: tuple[str, ...] = ()
    """Prefixes of roles whose nodes may have been skipped: the stage then runs without them."""
    lane: Lane = "training"
    """Side of the wall on which the stage runs (``study/plan/plan.py``)."""
    forwards: str | None = None
    """Role of the training whose result the stage links to its own; one that ends in "-" is a prefix, and the
    stage's summary holds the number ``chosen``. None for a stage that makes its own result."""
    weight: float = 1.0
    """Rough seconds of the stage in the lab, which order the work."""
    measures: bool = False
    """Studies may name it in ``measures``: it then reads each condition's graded answers in the role ``samples``, in
    the lane "truth" also the ``key``, and its summary is in the results."""


_TYPES = {name.upper(): TypeAdapter[Any](hint) for name, hint in get_type_hints(Declared).items()}


@dataclass(frozen=True, slots=True)
class Stage:
    """A registered stage: the module that holds its ``run`` and its constants."""

    module: str


STAGES = Registry("stage", Stage, group="noisy_student.stages")
"""All stages by name; a stage of another package is ``STAGES.register("my-stage", Stage("my_package.stage"))``."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Node(Declared):
    """One run of one stage with its constants, built by ``make``; nodes with equal keys are equal."""

    stage: str
    module: str
    spec: Mapping[str, Any] = field(repr=False)
    inputs: Mapping[str, tuple[Node, ...]] = field(repr=False)
    seed: int | None
    title: str
    """Text for people; no part of the identity."""
    code: str = field(repr=False)
    """The digest of the stage's code and of the versions of its libraries."""
    key: str
    paths: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Paths of files whose digests are in the spec; no part of the identity, read as ``spec["paths"]``."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and other.key == self.key

    def __hash__(self) -> int:
        return hash(self.key)

    @property
    def short_key(self) -> str:
        """First digits of the key, as in folder names."""
        return self.key[:KEY_DIGITS]

    @property
    def name(self) -> str:
        """Stage and short key: the node's folder in the store."""
        return f"{self.stage}-{self.short_key}"

    @property
    def parents(self) -> tuple[Node, ...]:
        """Nodes that it reads, over all roles."""
        return tuple(node for nodes in self.inputs.values() for node in nodes)

    @property
    def required(self) -> tuple[Node, ...]:
        """Nodes that it cannot run without."""
        roles = (role for role in self.inputs if not role.startswith(self.optional))
        return tuple(node for role in roles for node in self.inputs[role])

    def facts(self) -> dict[str, Any]:
        """Return the JSON whose digest is the key; manifests keep it to explain why two keys differ."""
        return {
            "scheme": SCHEME,
            "stage": self.stage,
            "code": self.code,
            "spec": dict(self.spec),
            "inputs": {role: [node.key for node in nodes] for role, nodes in self.inputs.items()},
            "seed": self.seed,
        }


def make(
    stage: str,
    spec: Mapping[str, Any],
    *,
    inputs: Mapping[str, Sequence[Node]] | None = None,
    seed: int | None = None,
    title: str = "",
    paths: Mapping[str, str] | None = None,
) -> Node:
    """Return the node of a registered stage, or of the module in ``module:name``.

    ``spec`` must be JSON with finite numbers and may hold neither "seed" nor "paths": the stage reads those of the node
    there. Raises UserError for an unknown stage.
    """
    outside, _, stage = stage.rpartition(":")
    if not _NAME.fullmatch(stage):
        raise ValueError(f"{stage!r} is not a name of a stage: lower-case letters, digits, dots and dashes only")
    if {"seed", "paths"} & set(spec):
        raise ValueError("seed and paths are fields of the node, not of its spec")
    module = outside or STAGES.get(stage).module
    own = declared(module)
    node = Node(
        stage=stage,
        module=module,
        spec=json.loads(identity.canonical(dict(spec))),
        inputs={role: tuple(nodes) for role, nodes in (inputs or {}).items()},
        seed=seed,
        title=title or stage,
        code=code_of(module),
        key="",
        **{item.name: getattr(own, item.name) for item in fields(Declared)},
        paths=dict(paths or {}),
    )
    return replace(node, key=identity.digest(node.facts()))


def parents_first(targets: Iterable[Node]) -> list[Node]:
    """Return the targets and all that they read, each once, inputs before their readers."""
    order: dict[str, Node] = {}
    waiting = list(reversed(list(targets)))
    while waiting:
        node = waiting[-1]
        missing = [parent for parent in node.parents if parent.key not in order]
        if missing and node.key not in order:
            waiting.extend(reversed(missing))
        else:
            order.setdefault(node.key, waiting.pop())
    return list(order.values())


@functools.cache
def code_of(module: str) -> str:
    """Return the digest of a module, of its imports and of the versions of its LIBRARIES; read once per process."""
    return identity.digest(
        {
            "modules": identity.code_digest([module]),
            "outside": {} if module.startswith(f"{identity.PACKAGE}.") else identity.outside_code(module),
            "libraries": {name: version(name) for name in declared(module).libraries},
        }
    )


@functools.cache
def declared(module: str) -> Declared:
    """Return the constants of a stage's module, read as text; raises UserError for a value of another type."""
    names = {item.name.upper(): item.name for item in fields(Declared)}
    found: dict[str, Any] = {}
    for item in ast.parse(_source(module).read_text(encoding="utf-8")).body:
        targets = item.targets if isinstance(item, ast.Assign) else [getattr(item, "target", None)]
        for target in targets:
            value = getattr(item, "value", None)
            if isinstance(target, ast.Name) and target.id in names and value is not None:
                found[names[target.id]] = _constant(module, target.id, value)
    if found.get("lane", "training") not in get_args(Lane):
        raise UserError(
            f"The module {module} declares the lane {found['lane']!r}.",
            do=f"Declare one of {', '.join(get_args(Lane))}.",
            code="unknown-lane",
        )
    return Declared(**found)


def _constant(module: str, name: str, value: ast.expr) -> Any:
    try:
        found = ast.literal_eval(value)
        if name != "LANE":
            _TYPES[name].validate_python(found, strict=True)
    except (ValueError, TypeError) as error:
        raise UserError(
            f"The module {module} declares {name} = {ast.unparse(value)}.",
            why="A plan reads this constant as text, without running the module.",
            do=f"Write a literal of the type {Declared.__annotations__[name.lower()]}.",
            code="stage-constant-invalid",
        ) from error
    return found


def declared_by(stage: str) -> Declared:
    """Return the constants of a registered stage; the defaults for any other name, as an old store may hold."""
    return declared(STAGES.get(stage).module) if stage in STAGES else Declared()


@functools.cache
def version(library: str) -> str | None:
    """Return the installed version of a distribution, read from its metadata; None if it is missing."""
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None


def _source(module: str) -> Path:
    parts = module.split(".")
    if parts[0] == identity.PACKAGE:
        path: Path | None = identity.ROOT.joinpath(*parts[1:]).with_suffix(".py")
    else:
        path = identity.outside_source(module)
    if path is None or not path.is_file():
        raise UserError(
            f'There is no module "{module}" with a source file.',
            why="A registered stage or engine names it.",
            do="Correct the name where it is registered, or reinstall its package.",
            code="plugin-module-missing",
        )
    return path
