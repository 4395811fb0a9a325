"""Identity by content: canonical JSON, its digest, and the digest of code without docstrings and error texts."""

from __future__ import annotations

import ast
import hashlib
import json
import math
import sys
import unicodedata
from collections.abc import Iterable
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

PACKAGE = "noisy_student"
ROOT = Path(__file__).parent
ERRORS = ("NotTrainable", "DamagedArtifact", "Paused", "Interrupted")
"""Exceptions of this package whose names do not end in ``Error``."""


def canonical(value: Any) -> str:
    """Return ``value`` as JSON with sorted keys, NFC strings and exact numbers; 1, 1.0 and true stay different.

    Raises ValueError for NaN and infinities, TypeError for types that JSON lacks.

    >>> canonical({"b": 1, "a": 1.0})
    '{"a":1.0,"b":1}'
    """
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False)


def digest(value: Any) -> str:
    """Return the SHA-256 of the canonical form, 64 hex digits."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def code_digest(modules: Iterable[str]) -> str:
    """Return the digest of first-party modules and all that they import, each without its wording."""
    return digest({name: _parse(name)[0] for name in sorted(import_closure(modules))})


def tree_digest(tree: ast.Module) -> str:
    """Return the digest of a module's code without its wording: comments, docstrings and texts of errors.

    Changes ``tree``.
    """
    return hashlib.sha256(ast.dump(_WithoutWording().visit(tree)).encode()).hexdigest()


def outside_code(module: str) -> dict[str, str]:
    """Return digests of a module of another package and of the modules of that package which it imports, by name.

    The name of this package stands for the code of this package that they import.
    """
    found: dict[str, str] = {}
    ours: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = None if name in found else outside_source(name)
        if path is None:
            continue
        if path.suffix != ".py":
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = _imported(tree, package=name if path.stem == "__init__" else name.rpartition(".")[0])
        waiting += [other for other in imported if other.partition(".")[0] == module.partition(".")[0]]
        ours |= imports_of(tree)
        found[name] = tree_digest(tree)
    return {**found, PACKAGE: code_digest(ours)} if ours else found


def outside_source(module: str) -> Path | None:
    """Return the file of a module of another package, None without one.

    It is found part by part because ``find_spec`` would import its parents.
    """
    parts, search, spec = module.split("."), None, None
    for count in range(1, len(parts) + 1):
        spec = PathFinder.find_spec(".".join(parts[:count]), search) if count == 1 or search is not None else None
        if spec is None:
            # A script that runs as __main__.
            found = getattr(sys.modules.get(module), "__file__", None)
            return None if found is None else Path(found)
        search = spec.submodule_search_locations
    return Path(spec.origin) if spec is not None and spec.origin is not None and spec.has_location else None


def import_closure(modules: Iterable[str]) -> frozenset[str]:
    """Return the first-party modules that ``modules`` import, directly or not, imports inside functions included.

    The package itself is left out: it holds the version and the Python interface, on which no stage's result depends.
    """
    seen: set[str] = {PACKAGE}
    waiting = [name for name in modules if _path(name)]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(_parse(name)[1] - seen)
    return frozenset(seen - {PACKAGE})


def imports_of(tree: ast.AST) -> frozenset[str]:
    """Return the first-party modules that a module's code imports."""
    return frozenset(name for name in _imported(tree) if _path(name))


def _imported(tree: ast.AST, *, package: str = "") -> set[str]:
    """Names of modules that code imports, and of what it imports from them; ``package`` resolves relative imports."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.level == 0 or package):
            parents = package.split(".")[: package.count(".") + 2 - node.level] if node.level else []
            source = ".".join([*parents, *([node.module] if node.module else [])])
            names.update([source, *(f"{source}.{alias.name}" for alias in node.names)])
    return names


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} has no identity: numbers must be finite")
        return 0.0 if value == 0.0 else value
    if isinstance(value, dict):
        if wrong := [name for name in value if not isinstance(name, str)]:
            raise TypeError(f"the key {wrong[0]!r} is not a string")
        return {_plain(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no identity: only types of JSON have one")


def _path(module: str) -> Path | None:
    parts = module.split(".")
    if parts[0] != PACKAGE:
        return None
    stem = ROOT.joinpath(*parts[1:])
    if stem.with_suffix(".py").is_file():
        return stem.with_suffix(".py")
    package = stem / "__init__.py"
    return package if package.is_file() else None


_PARSED: dict[str, tuple[str, frozenset[str]]] = {}


def _parse(module: str) -> tuple[str, frozenset[str]]:
    """The module's digest and first-party imports, read once per process: the code that runs is that of its start."""
    if module not in _PARSED:
        path = _path(module)
        assert path is not None, module
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imports = imports_of(tree)
        _PARSED[module] = tree_digest(tree), imports
    return _PARSED[module]


class _WithoutWording(ast.NodeTransformer):
    """Removes docstrings and the texts of errors: rewording either cannot change a result."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [item for item in node.body if not _is_bare_string(item)] or [ast.Pass()]
        return node

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        return self.generic_visit(_WithoutTexts().visit(node))

    def visit_Call(self, node: ast.Call) -> ast.AST:
        return self.generic_visit(_WithoutTexts().visit(node) if _makes_an_error(node) else node)


class _WithoutTexts(ast.NodeTransformer):
    """Replaces strings, and f-strings with the values in them, by empty ones; compared strings and subscripts stay."""

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.Constant("") if isinstance(node.value, str) else node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        return ast.Constant("")

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        return node


def _makes_an_error(call: ast.Call) -> bool:
    """True for calls of a class with the name of an exception: ``UserError(...)``, ``errors.NotTrainable(...)``."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return name.endswith("Error") or name in ERRORS


def _is_bare_string(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
