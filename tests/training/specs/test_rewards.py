"""Kinds of reward: known names, options, and a kind that another package registers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from refusals import refused

import noisy_student
from noisy_student.training.specs.rewards import REWARDS, RewardSpec


def test_gamma_applies_to_random_rewards_alone() -> None:
    with refused("reward-option-unused", "gamma is 0.3", '"format"'):
        RewardSpec(kind="format", gamma=0.3)
    assert RewardSpec(kind="random", gamma=0.3).gamma == 0.3


def test_an_unknown_kind_names_the_nearest() -> None:
    with refused("unknown-reward", '"lable"', 'Did you mean "label"?'):
        RewardSpec(kind="lable")


@pytest.mark.parametrize("kind", ["label", "random", "format"])
def test_built_in_kinds_add_nothing_to_a_key(kind: str) -> None:
    assert REWARDS.identity(kind) == {}


PLUGIN = """
from noisy_student.training.specs.rewards import REWARDS, RewardKind

def brief(group, spec):
    return [len(text) <= 40 * spec.gamma for text in group.texts]

REWARDS.register("brief", RewardKind(brief, options=frozenset({"gamma"})))
"""
USE = """
import sys
from noisy_student.training.grpo.rewards import counted_right
from noisy_student.training.specs.grpo import GrpoSpec
from noisy_student.training.specs.rewards import REWARDS, AnswerGroup
spec = GrpoSpec.model_validate({"rewards": {"kind": "brief", "gamma": 0.25}}).rewards
print(counted_right(spec, AnswerGroup("q", ["short", "a long answer"], [None, None], None, [0, 0])))
print(REWARDS.identity("brief")["module"], len(REWARDS.identity("brief")["source"]))
print(sorted({"torch", "transformers"} & set(sys.modules)))
"""


def installed(folder: Path, source: str = PLUGIN) -> None:
    """Write the plug-in as pip would install it."""
    (folder / "brief_reward.py").write_text(source)
    info = folder / "brief_reward-1.0.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: brief-reward\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[noisy_student.rewards]\nbrief = brief_reward\n")


def python(folder: Path, *arguments: str) -> str:
    path = os.pathsep.join([str(folder), str(Path(noisy_student.__file__).parents[1])])
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=60, env={**os.environ, "PYTHONPATH": path}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_installed_package_registers_a_kind_once(tmp_path: Path) -> None:
    installed(tmp_path)
    assert python(tmp_path, "-c", USE).splitlines() == ["[True, False]", "brief_reward 64", "[]"]
