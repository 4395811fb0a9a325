"""Exit codes, messages, and what stays unimported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from noisy_student.cli import main as cli
from noisy_student.cli.main import main
from noisy_student.errors import Interrupted, Paused
from noisy_student.identity import ROOT

LIGHT = """
import sys
from noisy_student.cli.main import main
heavy = {"torch", "transformers", "scipy", "matplotlib"}
assert main(["--help"]) == 0
assert not {*heavy, "pydantic", "numpy", "rich"} & set(sys.modules), "help"
for words in (["studies"], ["show", "v1"], ["log"], ["run", "--help"], ["doctor", "--json"]):
    assert main(words) == 0, words
    assert not heavy & set(sys.modules), words
"""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rum"], 'Did you mean "run"?'),
        (["run", "v1-6"], 'Did you mean "v1-5"?'),
        (["run", "--scale", "labb"], 'Did you mean "lab"?'),
        (["run", "--protocol", "orginal"], 'Did you mean "original"?'),
        (["run", "--set", "sft.epoch=2"], 'Did you mean "epochs"?'),
        (["run", "--set", "labels.votes.K=0"], '"labels.votes.K" is 0'),
        (["run", "--set", "conditions.filtered.select.min_agreement=1.5"], "above 0 and up to 1"),
        (["run", "--set", "data.test=0"], "leaves a part of the split empty"),
        (["run", "--data", "nowhere.jsonl"], "There is no file nowhere.jsonl"),
        (["run", "--deadline", "soon"], '--deadline is "soon"'),
        (["run", "--executor", "ray"], "later"),
        (["run", "--executor", "slurm"], 'There is no executor "slurm"'),
        (["run", "--seeds", "1,1"], "repeat"),
        (["run", "--limit", "many"], "--limit"),
        (["run", "--executr", "local"], "--executor"),
        (["report", "none-1"], 'There is no run "none-1"'),
        (["why", "abcdef"], 'called "abcdef"'),
    ],
)
def test_bad_input_ends_with_1_and_one_message(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 1
    said = capfd.readouterr()
    assert message in said.err
    assert "Traceback" not in said.err
    assert said.out == ""
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("raised", "code", "message"),
    [(Interrupted("SIGTERM"), 130, "Nothing is lost"), (Paused(), 75, "Run the same command again")],
)
def test_a_stop_has_its_own_code(
    raised: Exception, code: int, message: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def stop(*words: object, **more: object) -> object:
        raise raised

    monkeypatch.setattr(cli.Verbs, "get_command", stop)
    assert main(["run"]) == code
    assert message in capfd.readouterr().err


def test_what_must_be_fast_imports_nothing_heavy(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT.parent)}
    done = subprocess.run(
        [sys.executable, "-c", LIGHT], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == [], "looking around writes nothing"


def test_studies_and_show_as_json_and_toml(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["studies", "--json"]) == 0
    listed = json.loads(capfd.readouterr().out)["studies"]
    assert {"name": "v1-5", "question": "Do only the agreed pseudo-labels help?"} in listed
    assert main(["show", "v1-5", "--set", "labels.votes.K=16", "--json"]) == 0
    as_json = json.loads(capfd.readouterr().out)
    assert as_json["labels"]["votes"]["K"] == 16
    assert main(["show", "v1-5", "--set", "labels.votes.K=16"]) == 0
    as_toml = tomllib.loads(capfd.readouterr().out)
    assert as_toml["conditions"] == {
        name: {field: value for field, value in item.items() if value is not None}
        for name, item in as_json["conditions"].items()
    }


def test_what_show_prints_can_be_run_as_a_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["show", "v1-5"]) == 0
    Path("again.toml").write_text(capfd.readouterr().out)
    assert main(["show", "again.toml", "--json"]) == 0
    again = json.loads(capfd.readouterr().out)
    assert main(["show", "v1-5", "--json"]) == 0
    assert {**again, "name": "v1-5"} == json.loads(capfd.readouterr().out)


def test_version(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capfd.readouterr().out.startswith("noisy-student 0.")
