"""Keys of what a package from outside computes: they follow its code, and each only the code that it uses."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from noisy_student import identity
from noisy_student.identity import PACKAGE, ROOT, code_digest, outside_code

HERE = Path(__file__).parent
PLANS = """
import json, sys
from pathlib import Path
from noisy_student import identity
from noisy_student.pipeline import node
from noisy_student.study.plan.plan import plan
from noisy_student.study.settings.files import Request, resolve

def own():
    # What the node itself depends on, without its inputs.
    node.code_of.cache_clear(), node.declared.cache_clear()
    nodes = node.parents_first(plan(resolve(Request(sys.argv[1]))).targets)
    return [(each.title, identity.digest({**each.facts(), "inputs": None})) for each in nodes]

first, changed = own(), {}
for path in sorted(Path(sys.argv[2]).glob("*.py")):
    text = path.read_text()
    for kind, more in (("comment", "# Reworded.\\n"), ("code", "CHANGED = True\\n")):
        path.write_text(text + more)
        now = own()
        pairs = zip(first, now, strict=True)
        changed[f"{kind} of {path.stem}"] = sorted(title for (title, key), (_, other) in pairs if key != other)
    path.write_text(text)
print(json.dumps(changed))
"""


BY_LABEL = """
[conditions.by-label]
method = "grpo"
train = ["gold"]
grpo = { rewards = { kind = "label" } }
"""
"""A training whose reward is built in."""


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The titles of the nodes with another key of their own, after a change of each module."""
    folder = tmp_path_factory.mktemp("package")
    shutil.copytree(HERE / "toy_package", folder, dirs_exist_ok=True)
    study = folder / "toy.toml"
    study.write_text((HERE / "toy.toml").read_text() + BY_LABEL)
    path = os.pathsep.join([str(folder), str(ROOT.parent)])
    done = subprocess.run(
        [sys.executable, "-c", PLANS, str(study), str(folder / "toy_plugin")],
        capture_output=True, text=True, timeout=120, env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    made: dict[str, list[str]] = json.loads(done.stdout)
    return made


def test_code_from_outside_is_a_module_and_what_it_imports_of_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(HERE / "toy_package"))
    assert set(outside_code("toy_plugin.train_shortest")) == {"toy_plugin.train_shortest", "toy_plugin.method", PACKAGE}
    assert set(outside_code("toy_plugin.engine")) == {"toy_plugin.engine", PACKAGE}


def test_relative_imports_are_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = {
        "__init__": "from . import tables",
        "tables": "",
        "inner/__init__": "from .rows import ROWS",
        "inner/rows": "from ..tables import TABLE\nfrom .. import words\nfrom . import deep",
        "inner/deep": "",
        "words": "import math",
        "unused": "",
    }
    for name, source in sources.items():
        path = tmp_path / "related" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    names = {"inner", "inner.rows", "inner.deep", "tables", "words"}
    assert set(outside_code("related.inner")) == {"related", *(f"related.{name}" for name in names)}


def test_the_code_of_this_package_that_only_a_plug_in_imports_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "outer.py").write_text("import outer_helper\n")
    (tmp_path / "outer_package").mkdir()
    (tmp_path / "outer_package" / "__init__.py").touch()
    (tmp_path / "outer_package" / "row.py").write_text("from . import helper\n")
    (tmp_path / "outer_package" / "helper.py").write_text("from noisy_student.statistics import intervals\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    before = outside_code("outer_package.row")
    assert before[PACKAGE] == code_digest(["noisy_student.statistics", "noisy_student.statistics.intervals"])
    assert PACKAGE not in outside_code("outer")
    parsed = dict(identity._PARSED)
    parsed["noisy_student.statistics.intervals"] = ("changed", frozenset())
    monkeypatch.setattr(identity, "_PARSED", parsed)
    assert outside_code("outer_package.row") != before


CONDITIONS = ("base", "by-label", "short-answers", "short-texts")


@pytest.mark.parametrize(
    ("module", "titles"),
    [
        ("selection", ["labels from votes"]),
        ("reward", ["train short-answers"]),
        ("engine", [*(f"sample {name} on test" for name in CONDITIONS), "sample base on unlabeled"]),
        ("method", ["train short-texts"]),
        ("train_shortest", ["train short-texts"]),
        ("word_count", [f"word-count of {name}" for name in CONDITIONS]),
        ("stages", []),
        ("section", []),
    ],
)
def test_a_change_of_code_changes_the_keys_of_what_uses_it_and_of_nothing_else(
    changed: dict[str, list[str]], module: str, titles: list[str]
) -> None:
    assert changed[f"code of {module}"] == sorted(titles)
    assert changed[f"comment of {module}"] == []
