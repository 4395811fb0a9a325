"""Exit codes, messages and JSON errors of the command line, and which libraries it must not import."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from refusals import printed_code

from noisy_student.cli import main as cli
from noisy_student.cli.main import main
from noisy_student.errors import DamagedArtifact, Interrupted, Paused
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
    ("words", "value", "code"),
    [
        (["rum"], 'Did you mean "run"?', "unknown-command"),
        (["run", "v1-6"], 'Did you mean "v1-5"?', "unknown-study"),
        (["run", "--scale", "labb"], 'Did you mean "lab"?', "unknown-scale"),
        (["run", "--protocol", "orginal"], 'Did you mean "original"?', "unknown-protocol"),
        (["run", "--set", "compute.engine=vlm"], 'compute.engine: there is no engine "vlm"', "unknown-engine"),
        (["run", "--set", "sft.epoch=2"], 'Did you mean "epochs"?', "unknown-field"),
        (["run", "--set", "labels.votes.K=0"], '"labels.votes.K" is 0', "field-invalid"),
        (["run", "--set", "conditions.filtered.select.min_agreement=1.5"], "1.5", "selection-value-invalid"),
        (["run", "--set", "data.test=0"], "data.test", "part-empty"),
        (["run", "--data", "nowhere.jsonl"], "nowhere.jsonl", "file-not-found"),
        (["run", "--deadline", "soon"], '"soon"', "deadline-malformed"),
        (["run", "--executor", "ray"], "--executor ray", "executor-unavailable"),
        (["run", "--executor", "slurm"], '"slurm"', "unknown-executor"),
        (["run", "--seeds", "1,1"], "[1, 1]", "seeds-invalid"),
        (["run", "--seeds", "1,x"], '"1,x"', "seeds-invalid"),
        (["report", "none-1"], '"none-1"', "unknown-run"),
        (["why", "abcdef"], '"abcdef"', "unknown-result"),
    ],
)
def test_bad_input_ends_with_1_and_one_message(
    words: list[str],
    value: str,
    code: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 1
    said = capfd.readouterr()
    assert value in said.err
    assert "Traceback" not in said.err
    assert said.out == ""
    assert printed_code(said.err) == code
    assert main([*words, "--json"]) == 1
    as_json = capfd.readouterr()
    if "rum" not in words:
        assert as_json.err == said.err
    error = json.loads(as_json.out)["error"]
    assert list(error) == ["code", "what", "why", "do"]
    assert error["code"] == printed_code(said.err)
    assert [error[name] for name in ("what", "why", "do") if error[name]] == said.err.splitlines()[:-1]
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("words", [["run", "--limit", "many"], ["run", "--executr", "local"]])
def test_wrong_usage_ends_with_1_and_typers_message(words: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 1
    said = capfd.readouterr()
    assert words[1] in said.err
    assert said.out == ""
    assert main([*words, "--json"]) == 1
    assert json.loads(capfd.readouterr().out)["error"]["code"] == "usage"


@pytest.mark.parametrize(
    ("raised", "code", "name"),
    [
        (Interrupted("SIGTERM"), 130, "interrupted"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (Paused(), 75, "paused"),
        (DamagedArtifact("stages/x"), 1, "damaged-artifact"),
        (PermissionError(13, "denied", "x.jsonl"), 1, "file-error"),
        (OSError(28, "No space left on device"), 1, "file-error"),
        (OSError(9, "Bad file descriptor"), 1, "bug"),
        (ZeroDivisionError(), 1, "bug"),
    ],
)
def test_what_stops_a_command_decides_its_exit_code(
    raised: BaseException, code: int, name: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def stop(*words: object, **more: object) -> object:
        raise raised

    monkeypatch.setattr(cli.Verbs, "get_command", stop)
    assert main(["run"]) == code
    told = capfd.readouterr().err
    assert printed_code(told) == name
    assert ("Traceback" in told) == (name == "bug")
    assert main(["run", "--json"]) == code
    assert json.loads(capfd.readouterr().out)["error"]["code"] == name


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
