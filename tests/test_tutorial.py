"""The tutorial, run as it stands: every command of ``docs/tutorial.md`` in an empty folder, to a verdict."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
VERDICTS = {"helps", "hurts", "no-difference", "undecided"}


def commands() -> list[list[str]]:
    """The commands of the page, as a shell would read them."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8"), re.S)
    return [shlex.split(line) for block in blocks for line in block.splitlines() if line]


def test_the_page_shows_the_whole_way() -> None:
    verbs = [words[1] for words in commands() if words[0] == "noisy-student"]
    assert verbs[:3] == ["init", "plan", "run"]
    assert "log" in verbs


@pytest.mark.slow
def test_its_commands_lead_from_a_file_to_a_verdict(tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_WAIT_POLICY": "PASSIVE", "COLUMNS": "120"}
    said = {}
    for words in commands():
        program = [sys.executable, "-m", "noisy_student"] if words[0] == "noisy-student" else [sys.executable]
        done = subprocess.run(
            [*program, *words[1:]], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{words}: {done.stderr}"
        said[" ".join(words)] = done.stdout
    runs = sorted(path for path in (tmp_path / "runs").iterdir() if path.is_dir())
    assert len(runs) == 3, "the first, the one with three seeds, and the changed one"
    for run in runs:
        results = json.loads((run / "results.json").read_text(encoding="utf-8"))
        primary = [finding for finding in results["findings"] if finding["primary"]]
        assert results["status"] == "done"
        assert primary
        assert {finding["verdict"] for finding in primary} <= VERDICTS
        assert (run / "report.html").stat().st_size > 10_000
        assert list((run / "models").iterdir())
        assert list((run / "labels").glob("*/labels.parquet"))
    seeds = [json.loads((run / "results.json").read_text(encoding="utf-8"))["seeds"] for run in runs]
    assert sorted(map(len, seeds)) == [1, 1, 3]
    assert "questions.toml" in said["noisy-student init questions.jsonl --model lab-m"]
    assert said["noisy-student log"].count("questions") >= 3
