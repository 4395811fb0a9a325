"""The verdicts of simulated null studies: a small version of ``benchmarks/verdicts.py``, whose counts it checks."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from noisy_student.statistics.power import seeds_mde


@pytest.fixture(scope="module")
def verdicts() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "verdicts.py"
    spec = importlib.util.spec_from_file_location("verdicts", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["verdicts"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("seeds", "null"), [(1, "checkpoints"), (3, "recipe")])
def test_false_findings_of_null_studies_are_rare(verdicts: ModuleType, seeds: int, null: str) -> None:
    cell = verdicts.Cell(seeds, 1.0, null, questions=300)
    found = verdicts.false_findings(cell, 300, 10)
    assert found["claimed"]
    assert found["interval"][0] <= 0.06
    assert found["checked_against_contrast"] == 10


def test_one_seed_says_little_of_a_recipe(verdicts: ModuleType) -> None:
    found = verdicts.false_findings(verdicts.Cell(1, 2.0, "recipe"), 200, 0)
    assert found["interval"][0] > 0.25, "this reading is no claim, and must not look like one"


def test_an_effect_of_the_mde_is_found_four_times_in_five(verdicts: ModuleType) -> None:
    sd = (verdicts.discordance(0.6, 0.6) / 1000 + 2 * 0.01**2) ** 0.5
    cell = verdicts.Cell(3, 1.0, "recipe", comparisons=1, effect=seeds_mde(sd, 3))
    found = verdicts.found_effects(cell, 300, 0.8, "")
    assert found["interval"][0] <= 0.8 <= found["interval"][1]
