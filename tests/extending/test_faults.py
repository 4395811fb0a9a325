"""Faulty packages from outside: each is named with its entry point, and every command that does not need it goes on."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from refusals import refused

from noisy_student.identity import ROOT
from noisy_student.pipeline.node import code_of, parents_first
from noisy_student.registry import Registry
from noisy_student.report.sections import Section
from noisy_student.study.plan.plan import plan
from noisy_student.study.settings.files import Request, resolve

MODULES = {
    "raises": "raise RuntimeError('no such driver')",
    "exits": "import sys\nsys.exit(3)",
    "half": """
from noisy_student.training.specs.rewards import REWARDS, RewardKind
REWARDS.register("half", RewardKind(lambda group, spec: [False] * len(group.texts)))
raise OSError("then it failed")
""",
    "twice": """
from noisy_student.labeling.select import SELECTIONS, SelectionRule
SELECTIONS.register("all", SelectionRule(lambda value: True, "anything", lambda votes, value, seed: []))
""",
    "field": """
from noisy_student.sampling.engines import ENGINES, EngineRow
ENGINES.register("field", EngineRow())
""",
    "lacks": """
from noisy_student.study.settings.conditions import TextCondition
from noisy_student.study.settings.methods import METHODS, Method
METHODS.register("lacks", Method(TextCondition, stage="train-lacks"))
""",
    "nothing": "",
}
POINTS = {
    "engines": {"raises": "raises", "field": "field"},
    "stages": {"exits": "exits"},
    "rewards": {"half": "half", "nothing": "nothing"},
    "selections": {"all": "twice"},
    "methods": {"lacks": "lacks"},
    "sections": {"absent": "absent"},
}
CODES = {
    "engines": {"raises": "plugin-broken", "field": "plugin-broken"},
    "stages": {"exits": "plugin-broken"},
    "rewards": {"half": "plugin-broken", "nothing": "plugin-registers-nothing"},
    "selections": {"all": "plugin-name-taken"},
    "methods": {"lacks": "plugin-row-invalid"},
    "sections": {"absent": "plugin-broken"},
}
FAILURES = """
import json
from noisy_student.cli.doctor import REGISTRIES
every = {r.group: {n: [e.code, e.what, n in r] for n, e in r.failures.items()} for r in REGISTRIES}
print(json.dumps(every))
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bad")
    (folder / "bad").mkdir()
    (folder / "bad" / "__init__.py").touch()
    for name, source in MODULES.items():
        (folder / "bad" / f"{name}.py").write_text(source)
    info = folder / "bad_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bad-plugin\nVersion: 1.0\n")
    groups = (
        f"[noisy_student.{group}]\n" + "".join(f"{name} = bad.{module}\n" for name, module in points.items())
        for group, points in POINTS.items()
    )
    (info / "entry_points.txt").write_text("\n".join(groups))
    return folder


def python(package: Path, *words: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(package), str(ROOT.parent)])
    env = {**os.environ, "PYTHONPATH": path, "COLUMNS": "400"}
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=120, env=env)


def test_each_fault_names_its_package_and_entry_point(package: Path) -> None:
    done = python(package, "-c", FAILURES)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {
        group: {name: code for name, (code, _, _) in found[f"noisy_student.{group}"].items()} for group in CODES
    } == CODES
    for group, points in POINTS.items():
        for name, module in points.items():
            _, what, registered = found[f"noisy_student.{group}"][name]
            assert f'"{name} = bad.{module}" (noisy_student.{group}) of bad-plugin' in what
            assert registered == (name == "all"), "a failed plug-in leaves no row; the built-in one stays"


def test_commands_that_need_none_of_them_go_on(package: Path, tmp_path: Path) -> None:
    done = python(package, "-m", "noisy_student", "plan", "v1-5", "--json", "--store", str(tmp_path))
    assert done.returncode == 0, done.stderr
    without = parents_first(plan(resolve(Request("v1-5"))).targets)
    assert [node["digest"] for node in json.loads(done.stdout)["nodes"]] == [node.key for node in without]


def test_a_command_that_needs_one_says_which_package_failed(package: Path) -> None:
    done = python(package, "-m", "noisy_student", "show", "v1-5", "--set", "compute.engine=raises")
    assert done.returncode == 1
    assert all(word in done.stderr for word in ("bad-plugin", "raises = bad.raises", "no such driver"))


def test_doctor_lists_them(package: Path, tmp_path: Path) -> None:
    done = python(package, "-m", "noisy_student", "doctor", "--json", "--store", str(tmp_path))
    assert done.returncode == 1
    found = {check["name"]: check["found"] for check in json.loads(done.stdout)["checks"]}
    assert all(
        "of bad-plugin" in found[f"{kind} plug-in {name}"]
        for kind, name in (
            ("engine", "raises"),
            ("stage", "exits"),
            ("reward", "half"),
            ("selection", "all"),
            ("method", "lacks"),
            ("section", "absent"),
        )
    )


def test_a_row_whose_module_is_missing_is_refused(tmp_path: Path) -> None:
    with refused("plugin-module-missing", "nowhere.at_all"):
        code_of("nowhere.at_all")


def test_a_section_that_fails_is_a_sentence_and_the_report_goes_on() -> None:
    (part,) = Section(lambda results: results["absent"]).parts({})
    assert isinstance(part, str) and __name__ in part and "KeyError" in part


def test_a_name_that_is_taken_or_malformed_and_a_row_of_another_type_are_refused() -> None:
    registry = Registry("number", int, group="noisy_student.numbers")
    registry.register("one", 1)
    with refused("plugin-name-taken", "one", __name__):
        registry.register("one", 2)
    with refused("plugin-name-invalid", "Two!"):
        registry.register("Two!", 2)
    with refused("plugin-row-invalid", "str", "int"):
        registry.register("three", "3")  # type: ignore[arg-type]
    assert {name: registry.get(name) for name in registry} == {"one": 1}


TABLES = """
from noisy_student.registry import Registry
WORDS, NUMBERS = Registry("word", str, group="toy.words"), Registry("number", int, group="toy.numbers")
"""
CONFLICTS = {
    "tables": TABLES,
    "sound": 'from tables import WORDS\nWORDS.register("sound", "by sound")\n',
    "broken": """
import sound
from tables import NUMBERS, WORDS
WORDS.register("broken", "a word")
NUMBERS.register("lost", 1)
raise OSError("then it failed")
""",
    "one": 'from tables import WORDS\nWORDS.register("twin", "of one")\n',
    "two": 'from tables import WORDS\nWORDS.register("twin", "of two")\n',
    "late": 'from tables import NUMBERS\nNUMBERS.register("early", 2)\n',
}
CLAIMS = {
    "broken": "[toy.words]\nbroken = broken\n",
    "sound": "[toy.words]\nsound = sound\n",
    "one": "[toy.words]\ntwin = one\n",
    "two": "[toy.words]\ntwin = two\n",
    "late": "[toy.numbers]\nearly = late\n",
}
"""Entry points by package."""


@pytest.fixture
def conflicts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Registry[str], Registry[int]]]:
    """Two tables, and packages that register rows in them."""
    for name, source in CONFLICTS.items():
        (tmp_path / f"{name}.py").write_text(source)
    for name, points in CLAIMS.items():
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: package-{name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(str(tmp_path))
    tables = importlib.import_module("tables")
    yield tables.WORDS, tables.NUMBERS
    for name in CONFLICTS:
        sys.modules.pop(name, None)


def test_a_plug_in_that_fails_leaves_no_row_in_any_table_and_those_of_others_stay(
    conflicts: tuple[Registry[str], Registry[int]],
) -> None:
    texts, numbers = conflicts
    assert texts.get("sound") == "by sound" and "broken" not in texts and "lost" not in numbers
    for registry, name in ((texts, "broken"), (numbers, "lost")):
        with refused("plugin-broken", "broken = broken", "package-broken", "then it failed"):
            registry.get(name)
        assert name in registry.failures and name not in registry.names()


def test_one_name_of_two_packages_is_refused_with_both(conflicts: tuple[Registry[str], Registry[int]]) -> None:
    texts, _ = conflicts
    importlib.import_module("one")
    with refused("plugin-name-taken", "package-one (one)", "package-two (two)"):
        texts.get("twin")
    assert texts.names() == ("sound",)


def test_a_row_whose_name_an_entry_point_claims_in_vain_is_refused(
    conflicts: tuple[Registry[str], Registry[int]],
) -> None:
    _, numbers = conflicts
    numbers.register("early", 1)
    with refused("plugin-name-taken", "early = late", f'"{__name__}"'):
        numbers.get("early")
