"""The rules of the house, read from the source: imports, the wall, homes of libraries, sizes, docs, randomness.

Every rule takes the modules and yields its faults, so that the tests at the end can show each rule failing.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = "noisy_student"
SOURCE = Path(__file__).parents[1] / "src" / PACKAGE

ROWS = (
    {PACKAGE, "__main__"},  # the Python interface and `python -m`
    {"cli"},
    {"report"},
    {"study"},
    {"lab"},
    {"data", "sampling", "labeling", "training", "evaluation"},
    {"models", "answers", "statistics", "pipeline"},
    {
        "records",
        "answer_key",
        "context",
        "errors",
        "identity",
        "files",
        "opener",
        "seeds",
        "redaction",
        "strict",
        "registry",
        "documents",
    },  # one another, too: the vocabulary
)
READERS_OF_THE_KEY = {"data", "evaluation", "study", "cli"}
BEHIND_THE_WALL = {"sampling", "labeling", "training", "models", "answers"}
ENGINE = ("torch_engine", "padded_batch", "continuous_batching", "decoder", "kv_cache", "token_choice", "snapshot")
HOMES = {
    "torch": ("models", "training", "lab", *(f"sampling.{name}" for name in ENGINE)),
    "transformers": ("models", "training", "lab", *(f"sampling.{name}" for name in ENGINE)),
    "tokenizers": ("models", "lab"),
    "safetensors": ("models", "training", "lab", "sampling.snapshot"),
    "huggingface_hub": ("models", "data", "training"),
    "trl": ("training",),
    "accelerate": ("training",),
    "peft": ("training.student", "models.adapter"),
    "datasets": ("data.source", "training"),
    "gguf": ("models.gguf",),
    "pyarrow": ("data.parquet",),
    "scipy": ("statistics",),
    "sklearn": ("statistics",),
    "statsmodels": (),
    "math_verify": ("answers.math_pool",),
    "pebble": ("answers.math_pool",),
    "jinja2": ("report.html",),
}
ONE_FILE = ("vllm", "openai", "ray", "matplotlib")
STORE = ("pipeline.store", "pipeline.manifest", "pipeline.garbage")
READERS_OF_THE_STORE = {
    "study.results.view",
    "study.run",
    # They read the seconds of past work, not its results.
    *(f"study.forecast.{name}" for name in ("history", "ledger", "outlook", "timing")),
    # Commands about the store itself.
    *(f"cli.{name}" for name in ("gc", "log", "plan", "why")),
}
LOADING = ("models.load.load", "models.load.load_tokenizer", "models.load.find_folder", "models.adapter.merged")
LOADERS = {"study.stages.loading", "lab.__main__"}
FILE_LINES, FUNCTION_LINES, PARAMETERS = 450, 60, 6
NO_NAMES = {"utils", "util", "misc", "common", "helpers", "helper", "base", "v2"}
RANDOM = ("random.", "np.random.", "numpy.random.", "torch.rand", "torch.manual_seed", "torch.seed", "torch.normal")
EXCEPTIONS = {
    (
        "no_foreign_randomness",
        "training.sft.train: torch.manual_seed",
    ): "dropout draws from torch's own generator; seed given",
    (
        "no_foreign_randomness",
        "training.grpo.train: torch.manual_seed",
    ): "TRL draws from torch's own generator; seed given",
    (
        "no_foreign_randomness",
        "training.grpo.trainer: torch.manual_seed",
    ): "TRL shuffles a batch from torch's own generator; seed given",
    ("no_foreign_randomness", "training.student: torch.manual_seed"): "PEFT's first weights; seed given",
    (
        "no_foreign_randomness",
        "lab.architecture: torch.manual_seed",
    ): "initial weights, in a fork of torch's own generator",
    ("no_foreign_randomness", "models.template_child: random.seed"): "Jinja's random filter, in a process of its own",
}


@dataclass(frozen=True)
class Module:
    """One file; ``name`` is dotted and without the package's name."""

    name: str
    text: str
    tree: ast.Module
    imports: tuple[str, ...]

    @property
    def top(self) -> str:
        return self.name.split(".")[0]


Modules = dict[str, Module]
Function = ast.FunctionDef | ast.AsyncFunctionDef


def parse(sources: dict[str, str]) -> Modules:
    trees = {name: ast.parse(text) for name, text in sources.items()}
    return {name: Module(name, sources[name], tree, tuple(imported(tree))) for name, tree in trees.items()}


@functools.cache
def package() -> Modules:
    names = {path: ".".join(path.relative_to(SOURCE).with_suffix("").parts) for path in SOURCE.rglob("*.py")}
    short = {path: name.removesuffix("__init__").rstrip(".") or PACKAGE for path, name in names.items()}
    return parse({name: path.read_text(encoding="utf-8") for path, name in short.items()})


def imported(tree: ast.Module) -> Iterator[str]:
    """Every dotted name that is imported, wherever in the file; `from a import b` is `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names)


def graph(modules: Modules) -> dict[str, set[str]]:
    """Module → the modules of the package that it imports; a name that is no module stands for the one it is in."""
    edges: dict[str, set[str]] = {name: set() for name in modules}
    for module in modules.values():
        for name in module.imports:
            first, _, rest = name.partition(".")
            if first == PACKAGE and rest != "__version__":
                known = (part for part in (rest, rest.rpartition(".")[0]) if part in modules)
                edges[module.name].add(next(known, rest or PACKAGE))
    return edges


def reached(name: str, edges: dict[str, set[str]]) -> set[str]:
    """What ``name`` imports, directly or not."""
    seen: set[str] = set()
    waiting = {name}
    while waiting:
        fresh = edges.get(waiting.pop(), set()) - seen
        seen |= fresh
        waiting |= fresh
    return seen


def functions(module: Module) -> Iterator[Function]:
    return (node for node in ast.walk(module.tree) if isinstance(node, Function))


def parameters(function: Function) -> list[ast.arg]:
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return [argument for argument in named if argument.arg not in ("self", "cls")]


def imports_point_down(modules: Modules) -> Iterator[str]:
    row = {name: number for number, names in enumerate(ROWS) for name in names}
    edges = graph(modules)
    for module in modules.values():
        own = row.get(module.top)
        if own is None:
            yield f"{module.name}: stands in no row"
            continue
        for other in edges[module.name]:
            top = other.split(".")[0]
            same = top == module.top or (top in ROWS[-1] and module.top in ROWS[-1])
            if not same and row.get(top, -1) <= own:
                yield f"{module.name}: imports {other}, which stands above or beside it"
        yield from (f"{module.name}: relative import {name}" for name in module.imports if name.startswith("."))


def no_circles(modules: Modules) -> Iterator[str]:
    edges = graph(modules)
    return (f"{name}: reaches itself" for name in modules if name in reached(name, edges))


def the_wall_stands(modules: Modules) -> Iterator[str]:
    edges = graph(modules)
    for module in modules.values():
        if "answer_key" in edges[module.name] and module.top not in READERS_OF_THE_KEY:
            yield f"{module.name}: imports answer_key"
        if module.top in BEHIND_THE_WALL and "answer_key" in reached(module.name, edges):
            yield f"{module.name}: reaches answer_key"


def the_pipeline_knows_the_core_only(modules: Modules) -> Iterator[str]:
    """Neither by import nor by the name of a module in a string."""
    edges = graph(modules)
    others = {name for row in ROWS[:-1] for name in row} - {"pipeline", PACKAGE}
    for module in modules.values():
        if module.top == "pipeline":
            yield from (f"{module.name}: imports {name}" for name in edges[module.name] if name.split(".")[0] in others)
            texts = (node.value for node in ast.walk(module.tree) if isinstance(node, ast.Constant))
            named = (text for text in texts if isinstance(text, str) and text.startswith(f"{PACKAGE}."))
            yield from (f"{module.name}: names {text}" for text in named if text.split(".")[1] in others)


def the_store_has_few_readers(modules: Modules) -> Iterator[str]:
    edges = graph(modules)
    for module in modules.values():
        if module.top != "pipeline" and module.name not in READERS_OF_THE_STORE and edges[module.name] & set(STORE):
            yield f"{module.name}: reads the store"


def models_are_loaded_in_one_place(modules: Modules) -> Iterator[str]:
    loading = {f"{PACKAGE}.{name}" for name in (*LOADING, "models.load")}
    for module in modules.values():
        if module.top != "models" and module.name not in LOADERS and loading & set(module.imports):
            yield f"{module.name}: loads a model"


def libraries_stay_home(modules: Modules) -> Iterator[str]:
    users: dict[str, set[str]] = {name: set() for name in (*HOMES, *ONE_FILE)}
    for module in modules.values():
        for name in module.imports:
            users.get(name.partition(".")[0], set()).add(module.name)
    for library, homes in HOMES.items():
        strangers = {name for name in users[library] if not f"{name}.".startswith(tuple(f"{home}." for home in homes))}
        yield from (f"{name}: {library} is not at home there" for name in strangers)
    for library in ONE_FILE:
        if len(users[library]) > 1:
            yield f"{', '.join(sorted(users[library]))}: {library} has one file"


def sizes_are_kept(modules: Modules) -> Iterator[str]:
    for module in modules.values():
        if (lines := module.text.count("\n")) > FILE_LINES:
            yield f"{module.name}: {lines} lines"
        for function in functions(module):
            if (lines := (function.end_lineno or 0) - function.lineno + 1) > FUNCTION_LINES:
                yield f"{module.name}.{function.name}: {lines} lines"
            command = module.top == "cli" and not function.name.startswith("_")
            if (count := len(parameters(function))) > PARAMETERS and not command:
                yield f"{module.name}.{function.name}: {count} parameters"


def names_say_something(modules: Modules) -> Iterator[str]:
    return (f"{name}: a name that says nothing" for name in modules if NO_NAMES & set(name.split(".")))


def public_names_are_documented(modules: Modules) -> Iterator[str]:
    for module in modules.values():
        if not ast.get_docstring(module.tree):
            yield f"{module.name}: no docstring"
        for where, node in public(module.tree, module.name):
            if not ast.get_docstring(node) and not node.name.startswith("__"):
                yield f"{where}: no docstring"
            if isinstance(node, Function):
                bare = [argument.arg for argument in parameters(node) if argument.annotation is None]
                if bare or node.returns is None:
                    yield f"{where}: not annotated {bare or 'return'}"


def public(tree: ast.Module | ast.ClassDef, where: str) -> Iterator[tuple[str, Function | ast.ClassDef]]:
    """The public classes and functions, and the public and double-underscored methods of public classes."""
    for node in tree.body:
        if isinstance(node, Function | ast.ClassDef):
            dunder = node.name.startswith("__")
            if dunder or not node.name.startswith("_"):
                yield f"{where}.{node.name}", node
                if isinstance(node, ast.ClassDef):
                    yield from public(node, f"{where}.{node.name}")


def no_foreign_randomness(modules: Modules) -> Iterator[str]:
    for module in modules.values():
        calls = (ast.unparse(node.func) for node in ast.walk(module.tree) if isinstance(node, ast.Call))
        bare = (name for name in module.imports if name.startswith(("random.", "numpy.random.", "secrets")))
        made = (name for name in calls if name.startswith(RANDOM) and name != "torch.random.fork_rng")
        if module.name != "seeds":
            yield from (f"{module.name}: {name}" for name in (*bare, *made))


Rule = Callable[[Modules], Iterable[str]]
RULES: tuple[Rule, ...] = (
    imports_point_down,
    no_circles,
    the_wall_stands,
    the_pipeline_knows_the_core_only,
    the_store_has_few_readers,
    models_are_loaded_in_one_place,
    libraries_stay_home,
    sizes_are_kept,
    names_say_something,
    public_names_are_documented,
    no_foreign_randomness,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_package_keeps_the_rule(rule: Rule) -> None:
    faults = set(rule(package()))
    excused = {fault for name, fault in EXCEPTIONS if name == rule.__name__}
    assert sorted(faults - excused) == []
    assert sorted(excused - faults) == [], "these exceptions are no longer needed"


LONG = "def f() -> None:\n" + "    pass\n" * 60
DOC = '"""Doc."""\n'


@pytest.mark.parametrize(
    ("rule", "sources", "fault"),
    [
        (imports_point_down, {"data.a": "import noisy_student.study.b", "study.b": ""}, "data.a: imports study.b"),
        (imports_point_down, {"data.a": "from noisy_student.labeling import b"}, "data.a: imports labeling"),
        (imports_point_down, {"models.a": "def f():\n    from noisy_student.answers.b import c"}, "imports answers.b"),
        (imports_point_down, {"records": "import noisy_student.models.a"}, "records: imports models.a"),
        (imports_point_down, {"data.a": "from . import b"}, "relative"),
        (imports_point_down, {"extra.a": ""}, "no row"),
        (no_circles, {"a": "from noisy_student import b", "b": "def f():\n    import noisy_student.a"}, "a: reaches"),
        (the_wall_stands, {"report.a": "from noisy_student.answer_key import AnswerKey", "answer_key": ""}, "imports"),
        (
            the_wall_stands,
            {
                "training.a": "import noisy_student.files",
                "files": "from noisy_student import answer_key",
                "answer_key": "",
            },
            "training.a: reaches",
        ),
        (
            the_pipeline_knows_the_core_only,
            {"pipeline.a": "import noisy_student.models.b", "models.b": ""},
            "imports models.b",
        ),
        (the_pipeline_knows_the_core_only, {"pipeline.a": "STAGES = 'noisy_student.study.stages'"}, "names noisy_st"),
        (
            the_store_has_few_readers,
            {"study.results.a": "from noisy_student.pipeline.store import Store", "pipeline.store": ""},
            "study.results.a: reads the store",
        ),
        (models_are_loaded_in_one_place, {"study.stages.a": "from noisy_student.models.load import load"}, "loads a"),
        (
            models_are_loaded_in_one_place,
            {"study.a": "def f():\n    import noisy_student.models.load"},
            "loads a model",
        ),
        (libraries_stay_home, {"labeling.a": "def f():\n    from torch.nn import Linear"}, "torch is not at home"),
        (libraries_stay_home, {"sampling.torch_engine_two": "import torch"}, "torch is not at home"),
        (libraries_stay_home, {"report.a": "import ray", "report.b": "from ray import x"}, "one file"),
        (sizes_are_kept, {"a": "\n" * 451}, "451 lines"),
        (sizes_are_kept, {"a": LONG}, "a.f: 61 lines"),
        (sizes_are_kept, {"cli.a": "def _f(a, b, c, d, *, e, f, g): ..."}, "7 parameters"),
        (names_say_something, {"data.utils": ""}, "data.utils"),
        (public_names_are_documented, {"a": "x = 1"}, "a: no docstring"),
        (public_names_are_documented, {"a": f"{DOC}class A:\n    {DOC}    def f(self) -> None: ..."}, "a.A.f: no doc"),
        (public_names_are_documented, {"a": f"{DOC}def f(x) -> None:\n    {DOC}"}, "a.f: not annotated ['x']"),
        (public_names_are_documented, {"a": f"{DOC}def f():\n    {DOC}"}, "a.f: not annotated return"),
        (no_foreign_randomness, {"a": "import random\nrandom.Random(1)"}, "random.Random"),
        (no_foreign_randomness, {"a": "from random import choice"}, "random.choice"),
        (no_foreign_randomness, {"a": "import numpy as np\nx = np.random.default_rng(0).normal()"}, "np.random"),
    ],
)
def test_a_rule_can_fail(rule: Rule, sources: dict[str, str], fault: str) -> None:
    assert [found for found in rule(parse(sources)) if fault in found] != []


def test_what_is_allowed_is_no_fault() -> None:
    sources = {
        "cli.main": f"{DOC}def run(a: int, b: int, c: int, d: int, e: int, f: int, g: int) -> None:\n    {DOC}",
        "study.b": f"{DOC}from noisy_student.models.load import LoadedModel",
        "study.run": f"{DOC}from noisy_student.pipeline.store import Store",
        "pipeline.store": f"{DOC}from noisy_student import records",
        "models.load": DOC,
        "study.a": f"{DOC}from noisy_student import answer_key, __version__\nclass _B:\n    def f(s): ...",
        "answer_key": f"{DOC}from noisy_student.records import Answer",
        "records": DOC,
        "seeds": f"{DOC}import random\nx = random.Random(1)",
    }
    assert [fault for rule in RULES for fault in rule(parse(sources))] == []
