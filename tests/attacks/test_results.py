"""Results of somebody else: the log goes on with the other runs, and the page says what is wrong."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from refusals import printed_code
from workplace import Workplace, comparable

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


@pytest.mark.parametrize("kind", ["fifo", "folder", "device", "dangling", "huge"])
@pytest.mark.parametrize("name", ["results.json", "curves.json"])
def test_what_is_no_regular_file_hides_no_other_run(
    kind: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for run in ("ours", "strange"):
        folder = Path("runs") / run
        folder.mkdir(parents=True)
        (folder / "results.json").write_text(OURS.read_text())
        (folder / "curves.json").write_text("{}")
    place = Path("runs/strange") / name
    place.unlink()
    if kind == "fifo":
        os.mkfifo(place)
    elif kind == "folder":
        place.mkdir()
    elif kind == "huge":
        with place.open("wb") as file:
            file.truncate(65 * 2**20)
    else:
        place.symlink_to("/dev/zero" if kind == "device" else "/nowhere/results.json")
    assert main(["log", "--json"]) == 0
    runs = {Path(run["folder"]).name: run for run in json.loads(capfd.readouterr().out)["runs"]}
    assert runs["ours"]["status"] == "done"
    assert main(["log", "--spend"]) == 0
    assert main(["report", "strange"]) == 1
    assert main(["report", "ours"]) == 0
    assert "Traceback" not in capfd.readouterr().err


def test_an_odd_file_is_named_with_its_field(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for run, change in (("ours", {}), ("strange", {"settings": {"compute": [1]}})):
        folder = Path("runs") / run
        folder.mkdir(parents=True)
        (folder / "results.json").write_text(json.dumps({**json.loads(OURS.read_text()), **change}))
        (folder / "curves.json").write_text("{}")
    for words in (["log"], ["log", "--spend"], ["report"]):
        assert main(words) == 0
        said = " ".join(capfd.readouterr().err.split())
        assert said.count("Left out") == 1
        assert 'runs/strange/results.json: "settings.compute" is [1]' in said
    assert main(["report", "strange"]) == 1
    told = capfd.readouterr().err
    assert printed_code(told) == "results-malformed"
    assert "settings.compute" in told


@pytest.mark.slow
def test_odd_results_of_a_finished_run_are_collected_anew(reference: Workplace, tmp_path: Path) -> None:
    place = reference.copy(tmp_path)
    place.complete()
    kept = place.manifests()
    (path,) = place.folder.glob("runs/*/results.json")
    whole = json.loads(path.read_text())
    for odd in ({**whole, "conditions": 5}, {"digest": whole["digest"]}):
        path.write_text(json.dumps(odd))
        done = place.complete()
        assert "collected anew" in " ".join(done.stderr.split())
        assert comparable(place.results()) == comparable(reference.results())
        assert place.manifests() == kept
