"""Results of somebody else: the log goes on with the other runs, and the page says what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from refusals import printed_code

from noisy_student.cli.main import main

OURS = Path(__file__).parents[1] / "report/results.json"
FOREIGN = [
    {"findings": [{"primary": True, "a": "x", "b": "y", "difference": 0.1, "interval": [1]}]},
    {"findings": [{"primary": True}], "conditions": "x"},
    {"conditions": [{"name": "x", "seed": 1, "status": "done", "accuracy": "0.5"}]},
    {"conditions": {"a": 1}, "findings": 7},
    {"labels": [{"by_level": "x"}], "seeds": "1"},
    [],
    "x",
]


@pytest.mark.parametrize("foreign", FOREIGN, ids=str)
def test_one_strange_run_hides_no_other(
    foreign: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (("ours", OURS.read_text()), ("strange", json.dumps(foreign))):
        folder = Path("runs") / name
        folder.mkdir(parents=True)
        (folder / "results.json").write_text(text)
        (folder / "curves.json").write_text("{}")
    assert main(["log", "--json"]) == 0
    runs = {Path(run["folder"]).name: run for run in json.loads(capfd.readouterr().out)["runs"]}
    assert runs["ours"]["status"] == "done"
    assert runs.keys() == {"ours", "strange"}
    assert main(["log"]) == 0
    code = main(["report", "strange"])
    said = capfd.readouterr()
    assert "Traceback" not in said.err
    assert code == 0 or printed_code(said.err) == "results-malformed"
    assert main(["report", "ours"]) == 0
