"""Canonical JSON, digests, and the digest of code: rewording keeps keys, logic changes those that depend on it."""

from __future__ import annotations

import ast
import itertools
import json
import math
import shutil
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeGuard

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from noisy_student import identity
from noisy_student.pipeline.node import code_of

words = st.text(st.characters(codec="utf-8"), max_size=8).map(lambda text: unicodedata.normalize("NFC", text))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)


def _turned(value):
    """The same value with the keys of every object in the opposite order."""
    if isinstance(value, dict):
        return {name: _turned(value[name]) for name in reversed(value)}
    return [_turned(item) for item in value] if isinstance(value, list) else value


@examples(40)
@given(values)
def test_the_order_of_keys_does_not_count(value):
    assert identity.digest(_turned(value)) == identity.digest(value)


@examples(40)
@given(values)
def test_canonical_text_reads_back_as_the_value_and_is_its_own_canonical_form(value):
    text = identity.canonical(value)
    assert identity.canonical(json.loads(text)) == text
    assert json.loads(text) == value
    assert text.isascii()


@examples(40)
@given(values, values)
def test_different_texts_have_different_digests(one, other):
    alike = identity.canonical(one) == identity.canonical(other)
    assert (identity.digest(one) == identity.digest(other)) == alike


def test_numbers_of_different_kinds_are_different_things():
    texts = [identity.canonical(value) for value in (1, 1.0, True, "1", None)]
    assert texts == ["1", "1.0", "true", '"1"', "null"]
    assert identity.canonical(-0.0) == identity.canonical(0.0)


def test_composed_and_decomposed_letters_are_one():
    assert identity.digest({"é": "é"}) == identity.digest({"é": "é"})


def test_tuples_are_lists():
    assert identity.canonical((1, (2,))) == "[1,[2]]"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_has_no_identity(value):
    with pytest.raises(ValueError, match="no identity"):
        identity.digest({"a": [value]})


@pytest.mark.parametrize("value", [{1: 2}, {1, 2}, b"x", object()])
def test_what_json_has_no_word_for_has_no_identity(value):
    with pytest.raises(TypeError):
        identity.digest(value)


def test_the_digest_of_a_value_is_pinned():
    assert (
        identity.digest({"b": 1, "a": [1.5, None]})
        == "cf0c4895ed707baaf7f40eaf8263541a10f2599db4d8955d035dc0a8f254ee32"
    )


def test_the_closure_follows_imports_inside_functions_and_stays_inside_the_package():
    closure = identity.import_closure(["noisy_student.models.lab"])
    assert {"noisy_student.models.lab", "noisy_student.errors", "noisy_student.files"} <= closure
    assert all(name.startswith("noisy_student") for name in closure)
    assert "noisy_student.answer_key" not in identity.import_closure(["noisy_student.study.stages.train_sft"])


def test_comments_and_docstrings_do_not_count_but_code_does(tmp_path, monkeypatch):
    texts = {
        "plain": "def f(x):\n    return x + 1\n",
        "commented": '"""Doc."""\n\n\ndef f(x):\n    """More."""\n    # why\n    return x + 1\n',
        "changed": "def f(x):\n    return x + 2\n",
    }
    monkeypatch.setattr(identity, "ROOT", tmp_path)
    digests = {}
    for name, text in texts.items():
        (tmp_path / "toy.py").write_text(text)
        monkeypatch.setattr(identity, "_PARSED", {})
        digests[name] = identity.code_digest(["noisy_student.toy"])
    assert digests["plain"] == digests["commented"]
    assert digests["plain"] != digests["changed"]


STAGES = ("split", "vote", "sample", "train_grpo", "grade", "gate")
DECLARED = {"LIBRARIES", "OPTIONAL", "LANE", "FORWARDS", "WEIGHT"}
Keys = Callable[[], dict[str, str]]


class Copy:
    """A copy of the package whose modules are edited, one at a time, while digests read it."""

    def __init__(self, root: Path, source: Path) -> None:
        self.root = root
        shutil.copytree(source, root, ignore=shutil.ignore_patterns("__pycache__", "weights", "*.toml"))
        self.closures = {stage: identity.import_closure([f"noisy_student.study.stages.{stage}"]) for stage in STAGES}
        self.used = sorted(frozenset().union(*self.closures.values()))
        self.texts = {name: self._path(name).read_text(encoding="utf-8") for name in self.used}
        self.before = self.keys()
        self.reworded, self.logical = self.sites(wording), self.sites(logic)

    def keys(self) -> dict[str, str]:
        """The digest of each stage's code, read anew."""
        code_of.cache_clear()
        return {stage: code_of(f"noisy_student.study.stages.{stage}") for stage in STAGES}

    def sites(self, find: Callable[[ast.Module], Sequence[ast.AST]]) -> list[str]:
        """The modules in which there is something to edit."""
        return [name for name, text in self.texts.items() if find(ast.parse(text))]

    def source(self, modules: Iterable[str]) -> str:
        """The digest of the text of modules."""
        return identity.digest([self._path(name).read_text(encoding="utf-8") for name in sorted(modules)])

    @contextmanager
    def edited(self, module: str, tree: ast.Module) -> Iterator[None]:
        """Let the module have this code inside the block."""
        path, text = self._path(module), self.texts[module]
        path.write_text(ast.unparse(tree), encoding="utf-8")
        identity._PARSED.pop(module, None)
        try:
            yield
        finally:
            path.write_text(text, encoding="utf-8")
            identity._PARSED.pop(module, None)

    def _path(self, module: str) -> Path:
        stem = self.root.joinpath(*module.split(".")[1:])
        return stem / "__init__.py" if stem.is_dir() else stem.with_suffix(".py")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    source = identity.ROOT
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(identity, "ROOT", tmp_path_factory.mktemp("src") / "noisy_student")
        patch.setattr(identity, "_PARSED", {})
        yield Copy(identity.ROOT, source)
    code_of.cache_clear()


def wording(tree: ast.Module) -> list[ast.Constant]:
    """Docstrings, and strings in constructors of errors."""
    found: list[ast.Constant] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            first = node.body[0]
            if isinstance(first, ast.Expr) and text(first.value):
                found.append(first.value)
        elif isinstance(node, ast.Call) and error(node):
            given = [*node.args, *(keyword.value for keyword in node.keywords)]
            parts = [value.values if isinstance(value, ast.JoinedStr) else [value] for value in given]
            found += [part for part in itertools.chain(*parts) if text(part)]
    return found


def logic(tree: ast.Module) -> list[ast.AST]:
    """Constants, names and operators of functions and classes, none of them in a message or docstring."""
    found: list[ast.AST] = []
    waiting: list[ast.AST] = [
        item for item in tree.body if isinstance(item, ast.FunctionDef | ast.ClassDef) or bound(item) - DECLARED
    ]
    while waiting:
        node = waiting.pop()
        docstring = isinstance(node, ast.Expr) and text(node.value)
        if docstring or isinstance(node, ast.Raise | ast.JoinedStr) or (isinstance(node, ast.Call) and error(node)):
            continue
        if isinstance(node, ast.Name | ast.Compare | ast.BinOp) or (
            isinstance(node, ast.Constant) and isinstance(node.value, str | int | float) and node.value is not True
        ):
            found.append(node)
        waiting.extend(ast.iter_child_nodes(node))
    return found


def text(node: ast.expr) -> TypeGuard[ast.Constant]:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def bound(item: ast.stmt) -> set[str]:
    """The names that a module's assignment binds."""
    return {target.id for target in getattr(item, "targets", []) if isinstance(target, ast.Name)}


def error(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and (call.func.id.endswith("Error") or call.func.id in identity.ERRORS)


def change(node: ast.AST) -> None:
    """Change what the code does: another constant, name or operator."""
    match node:
        case ast.Constant(value=str()):
            node.value += "x"
        case ast.Constant():
            node.value = node.value + 1
        case ast.Name():
            node.id += "_"
        case ast.Compare():
            node.ops[0] = ast.GtE() if isinstance(node.ops[0], ast.Lt) else ast.Lt()
        case ast.BinOp():
            node.op = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()


def check_rewording(copy: Copy, keys: Keys, module: str, site: int, words: str) -> None:
    """Rewording the docstring or message number ``site`` of a module keeps every key."""
    tree = ast.parse(copy.texts[module])
    sites = wording(tree)
    before = copy.before if keys == copy.keys else keys()
    sites[site % len(sites)].value = words
    with copy.edited(module, tree):
        assert keys() == before


def check_logic(copy: Copy, keys: Keys, module: str, site: int) -> None:
    """Changing the constant, name or operator number ``site`` changes the keys of the stages that use the module."""
    tree = ast.parse(copy.texts[module])
    sites = logic(tree)
    before = copy.before if keys == copy.keys else keys()
    change(sites[site % len(sites)])
    with copy.edited(module, tree):
        changed = {stage for stage, key in keys().items() if key != before[stage]}
    assert changed == {stage for stage in STAGES if module in copy.closures[stage]} != set()


@examples(50)
@given(st.data())
def test_rewording_a_message_or_a_docstring_keeps_every_key(copy: Copy, data: st.DataObject) -> None:
    module = data.draw(st.sampled_from(copy.reworded))
    check_rewording(copy, copy.keys, module, data.draw(st.integers(0, 10_000)), data.draw(words))


@examples(50)
@given(st.data())
def test_changing_logic_changes_the_keys_of_the_stages_that_import_it(copy: Copy, data: st.DataObject) -> None:
    module = data.draw(st.sampled_from(copy.logical))
    check_logic(copy, copy.keys, module, data.draw(st.integers(0, 10_000)))


def test_digests_that_ignore_too_much_or_too_little_are_found(copy: Copy) -> None:
    """The two properties refuse a digest of everything, of nothing, and of all modules for every stage."""
    module, site = "noisy_student.labeling.vote", 0

    def everything() -> dict[str, str]:
        return {stage: copy.source(copy.closures[stage]) for stage in STAGES}

    def nothing() -> dict[str, str]:
        return dict.fromkeys(STAGES, "")

    def all_modules() -> dict[str, str]:
        return dict.fromkeys(STAGES, copy.source(copy.used))

    check_rewording(copy, copy.keys, module, site, "Other words.")
    check_logic(copy, copy.keys, module, site)
    check_rewording(copy, nothing, module, site, "Other words.")
    for keys in (everything, all_modules):
        with pytest.raises(AssertionError):
            check_rewording(copy, keys, module, site, "Other words.")
    for keys in (nothing, all_modules):
        with pytest.raises(AssertionError):
            check_logic(copy, keys, module, site)


def test_stages_have_different_closures(copy: Copy) -> None:
    assert len(set(copy.closures.values())) == len(STAGES)
