"""What enters a node's key, and what does not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from refusals import refused

from noisy_student import identity
from noisy_student.pipeline.node import STAGES, Declared, Node, Stage, declared_by, make, parents_first

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def _toys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(HERE))


def toy(spec: dict[str, Any], **rest: Any) -> Node:
    return make("toy_stage:toy", spec, **rest)


def test_the_title_is_no_part_of_the_key() -> None:
    assert toy({"a": 1}, title="one") == toy({"a": 1}, title="two")


def test_the_order_of_the_spec_is_no_part_of_the_key() -> None:
    assert toy({"a": 1, "b": [1, 2]}).key == toy({"b": (1, 2), "a": 1}).key


def test_numbers_of_different_types_have_different_keys() -> None:
    keys = {toy({"a": value}).key for value in (1, 1.0, True, "1", None, [1], {"a": 1})}
    assert len(keys) == 7


def test_minus_zero_is_zero_and_nan_is_nothing() -> None:
    assert toy({"a": -0.0}).key == toy({"a": 0.0}).key
    with pytest.raises(ValueError, match="nan"):
        toy({"a": float("nan")})


def test_seed_stage_and_inputs_are_part_of_the_key() -> None:
    parent, other = toy({"a": 1}), toy({"a": 2})
    nodes = [
        toy({"a": 3}),
        toy({"a": 3}, seed=1),
        toy({"a": 3}, seed=2),
        make("toy_stage:other", {"a": 3}),
        toy({"a": 3}, inputs={"x": [parent]}),
        toy({"a": 3}, inputs={"y": [parent]}),
        toy({"a": 3}, inputs={"x": [other]}),
        toy({"a": 3}, inputs={"x": [parent, other]}),
        toy({"a": 3}, inputs={"x": [other, parent]}),
    ]
    assert len({node.key for node in nodes}) == len(nodes)


def test_the_facts_have_the_key_as_their_digest() -> None:
    node = toy({"a": 1}, seed=7, inputs={"x": [toy({"a": 2})]})
    assert identity.digest(node.facts()) == node.key


def test_a_later_change_of_the_callers_spec_does_not_reach_the_node() -> None:
    spec = {"a": [1]}
    node = toy(spec)
    spec["a"].append(2)
    assert node.spec == {"a": [1]}


@pytest.mark.parametrize("name", ["", "../up", "Upper", "a b", "a/b", "-rf", "a" * 65])
def test_a_name_that_is_no_folder_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a name of a stage"):
        make(f"toy_stage:{name}", {})


def test_a_seed_in_the_spec_and_a_missing_module_are_refused() -> None:
    with pytest.raises(ValueError, match="seed"):
        toy({"seed": 1})
    with refused("plugin-module-missing", "nowhere"):
        make("nowhere:toy", {})
    with refused("unknown-stage", "no-such-stage"):
        make("no-such-stage", {})


@examples(30)
@given(st.lists(st.sets(st.integers(0, 6), max_size=3), min_size=1, max_size=7))
def test_parents_come_first_and_each_once(parents: list[set[int]]) -> None:
    sys.path.insert(0, str(HERE))
    nodes: list[Node] = []
    for number, wanted in enumerate(parents):
        inputs = {"x": [nodes[index] for index in sorted(wanted) if index < number]}
        nodes.append(toy({"a": number}, inputs=inputs))
    sys.path.remove(str(HERE))
    order = parents_first([nodes[-1]])
    place = {node.key: index for index, node in enumerate(order)}
    assert len(place) == len(order)
    assert all(place[parent.key] < place[node.key] for node in order for parent in node.parents)
    assert order[-1] == nodes[-1]


STAGE = "import math\nfrom noisy_student.study.toyhelper import double\nLIBRARIES = ('filelock',)\n"
ASK = "from noisy_student.pipeline.node import make; import sys; print(make(f'{sys.argv[1]}:toy', {}).key)"


class Copy:
    """A copy of the package in which a stage and its helper can be edited."""

    def __init__(self, root: Path) -> None:
        package = root / "noisy_student"
        package.mkdir()
        for path in identity.ROOT.glob("*.py"):
            shutil.copy(path, package)
        pipeline = package / "pipeline"
        pipeline.mkdir()
        for path in (identity.ROOT / "pipeline").glob("*.py"):
            shutil.copy(path, pipeline)
        study = package / "study"
        study.mkdir()
        (study / "__init__.py").touch()
        (study / "toyhelper.py").write_text("def double(x):\n    return 2 * x\n")
        (study / "toystage.py").write_text(STAGE)
        self.root, self.helper, self.stage = root, study / "toyhelper.py", study / "toystage.py"

    def key(self) -> str:
        command = [sys.executable, "-c", ASK, "noisy_student.study.toystage"]
        environment = {**os.environ, "PYTHONPATH": str(self.root)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def test_code_enters_the_key_and_comments_do_not(tmp_path: Path) -> None:
    copy = Copy(tmp_path)
    first = copy.key()
    copy.helper.write_text('"""A helper."""\n# twice\n\ndef double(x):\n    """Twice."""\n    return 2 *  x\n')
    assert copy.key() == first
    copy.stage.write_text(STAGE.replace("'filelock'", "'filelock', 'pytest'"))
    with_library = copy.key()
    assert with_library != first
    copy.stage.write_text(STAGE)
    copy.helper.write_text("def double(x):\n    return x + x\n")
    assert copy.key() not in {first, with_library}


def test_a_stage_from_outside_is_one_registration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(STAGES, "_rows", dict(STAGES._rows))
    monkeypatch.setattr(STAGES, "_origins", dict(STAGES._origins))
    STAGES.register("toy", Stage("toy_stage"))
    registered, named = make("toy", {"a": 1}), toy({"a": 1})
    assert registered == named and registered.module == "toy_stage" and registered.optional == ("maybe-",)
    assert declared_by("toy").optional == ("maybe-",)
    assert declared_by("a-stage-of-an-old-store") == Declared()


@pytest.mark.parametrize(
    ("constant", "value"),
    [
        ("LIBRARIES", "BASE + ('filelock',)"),
        ("LIBRARIES", "'torch'"),
        ("OPTIONAL", "['x-']"),
        ("OPTIONAL", "(1,)"),
        ("FORWARDS", "('train',)"),
        ("WEIGHT", "'2'"),
        ("MEASURES", "1"),
        ("LANE", "name()"),
    ],
)
def test_a_constant_of_another_type_is_refused(
    constant: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = f"declares_{constant.lower()}_{len(value)}"
    (tmp_path / f"{module}.py").write_text(f"BASE = ()\n{constant} = {value}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with refused("stage-constant-invalid", module, constant):
        make(f"{module}:toy", {})
