"""No way in the package by which data becomes code: no pickle, no eval, no archive, no shell, no sandbox of our own."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from test_architecture import Modules, package, parse

READERS = {
    *("pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"),  # run code when they read
    *("yaml", "sympy", "numexpr"),  # evaluate what they parse
    *("tarfile", "zipfile", "shutil.unpack_archive"),  # write where the archive says
    *("code", "codeop", "runpy"),
}
CALLS = {
    *("eval", "exec", "compile", "__import__", "os.system", "os.popen", "shutil.unpack_archive"),
    *("csv.writer", "csv.DictWriter"),  # a cell that begins with = is a formula to whoever opens it
    *("torch.load", "np.load", "numpy.load", "torch.hub.load", "jinja2.Template"),
}
VALUES = {
    f"sympy.{name}" for name in ("Eq", "Expr", "I", "Interval", "Rational", "Union", "core.relational.Relational")
}
"""Names of sympy that evaluate no text: constants, classes to compare types with, and constructors that refuse it.

Only the module that runs in a limited process of its own may import them. ``sympify``, ``parse_expr``, ``Poly``,
``lambdify`` and the rest of sympy evaluate a text as Python, so they stay refused there too.
"""
LIMITED = "answers.math_pool"
METHODS = {"read_pickle", "from_string", "to_csv", "unpack_archive", "extractall"}
"""Of any object."""
TRUST = ("trust_remote_code", "allow_pickle", "shell")


def ways_in(modules: Modules) -> Iterator[str]:
    """Imports, calls and arguments by which a file could run code; imported names count by their full ones."""
    for module in modules.values():
        for name in module.imports:
            if name in VALUES and module.name == LIMITED:
                continue
            if name in READERS or name.partition(".")[0] in READERS:
                yield f"{module.name}: import {name}"
        full = dict(_bound(module.tree))
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call):
                first, dot, rest = ast.unparse(node.func).partition(".")
                called = f"{full.get(first, first)}{dot}{rest}"
                if called in CALLS or called.rpartition(".")[2] in METHODS:
                    yield f"{module.name}: {called}()"
                yield from (f"{module.name}: {word}" for word in _trusting(node))


def _bound(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Names that imports bind, and what they stand for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.asname, alias.name) for alias in node.names if alias.asname)
        elif isinstance(node, ast.ImportFrom):
            yield from ((alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names)


def _trusting(call: ast.Call) -> Iterator[str]:
    for word in call.keywords:
        refused = isinstance(word.value, ast.Constant) and word.value.value is False
        if word.arg in TRUST and not refused:
            yield f"{word.arg}={ast.unparse(word.value)}"


def test_the_package_has_none() -> None:
    assert list(ways_in(package())) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import pickle", "a: import pickle"),
        ("from yaml import safe_load", "a: import yaml.safe_load"),
        ("def f(x):\n    return eval(x)", "a: eval()"),
        ("torch.load(path)", "a: torch.load()"),
        ("load(path, trust_remote_code=True)", "a: trust_remote_code=True"),
        ("run(words, shell=x)", "a: shell=x"),
        ("from torch import load\nload(p)", "a: torch.load()"),
        ("import torch as t\nt.load(p)", "a: torch.load()"),
        ("from os import system as s\ns(p)", "a: os.system()"),
        ("from csv import writer\nwriter(f)", "a: csv.writer()"),
        ("frame.read_pickle(p)", "a: frame.read_pickle()"),
        ("frame.to_csv(p)", "a: frame.to_csv()"),
        ("Environment().from_string(p)", "a: Environment().from_string()"),
    ],
)
def test_one_would_be_found(text: str, found: str) -> None:
    assert list(ways_in(parse({"a": text}))) == [found]


@pytest.mark.parametrize("name", ["sympify", "S", "parse_expr", "Poly", "lambdify"])
def test_what_evaluates_text_stays_refused_in_the_limited_process(name: str) -> None:
    assert list(ways_in(parse({LIMITED: f"from sympy import Rational, {name}"}))) == [f"{LIMITED}: import sympy.{name}"]
    assert list(ways_in(parse({"a": "from sympy import Rational"}))) == ["a: import sympy.Rational"]


@pytest.mark.parametrize("kept", ["Eq", "Interval", "Union"])
def test_values_of_sympy_evaluate_no_text(kept: str) -> None:
    sympy = pytest.importorskip("sympy")
    with pytest.raises((TypeError, sympy.SympifyError)):
        getattr(sympy, kept)("exit(3)", "exit(3)")
    with pytest.raises((TypeError, ValueError)):
        sympy.Rational("exit(3)")


def test_refusing_is_no_way_in() -> None:
    assert list(ways_in(parse({"a": "load(path, trust_remote_code=False, allow_pickle=False)"}))) == []
