"""The log and the page, from a run folder that was written before."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from refusals import printed_code

from noisy_student.cli.main import main

RESULTS = Path(__file__).parent.parent / "report" / "results.json"


def _run(folder: Path, *, written: float) -> None:
    folder.mkdir(parents=True)
    shutil.copy(RESULTS, folder / "results.json")
    (folder / "curves.json").write_text("{}")
    os.utime(folder / "results.json", (written, written))


def test_log_and_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    _run(Path("runs/new"), written=2e9)
    _run(Path("runs/old"), written=1e9)
    Path("runs/bad").mkdir()
    Path("runs/bad/results.json").write_text("{")
    os.utime("runs/bad/results.json", (1.5e9, 1.5e9))
    assert main(["log", "--json"]) == 0
    rows = json.loads(capfd.readouterr().out)["runs"]
    assert [(row["folder"], row["status"]) for row in rows] == [
        ("runs/old", "done"),
        ("runs/bad", "unreadable"),
        ("runs/new", "done"),
    ]
    assert rows[0]["headline"].startswith("noisy-student - baseline: +1.2 points")
    assert main(["log"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert [line.split()[2] for line in lines] == ["runs/old", "runs/bad", "runs/new"]
    assert "v1-5 · lab · " in lines[0]
    assert "points" in lines[0]
    assert "unreadable" in lines[1]
    assert main(["report", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["page"] == "runs/new/report.html"
    assert Path("runs/new/report.html").read_text().startswith("<!")
    assert not Path("runs/old/report.html").exists()
    assert main(["report", "runs/old"]) == 0
    assert capfd.readouterr().out == "runs/old/report.html\n"
    assert main(["report", "bad"]) == 1
    assert printed_code(capfd.readouterr().err) == "unknown-run"
    assert main(["log", "--of", "5"]) == 1
    assert printed_code(capfd.readouterr().err) == "flag-needs-another"
    assert main(["log", "--spend", "--of", "0"]) == 1
    assert printed_code(capfd.readouterr().err) == "budget-invalid"


def test_a_line_of_the_log_says_what_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for number, epochs in enumerate([3.0, 2.0, 2.0]):
        folder = Path(f"runs/r{number}")
        _run(folder, written=1e9 + number)
        results = json.loads(RESULTS.read_text())
        results["settings"] = {"sft": {"epochs": epochs}, "data": {"limit": None if number else 400}}
        (folder / "results.json").write_text(json.dumps(results))
        os.utime(folder / "results.json", (1e9 + number, 1e9 + number))
    assert main(["log", "--json"]) == 0
    rows = json.loads(capfd.readouterr().out)["runs"]
    assert [row["differs"] for row in rows] == [{"sft.epochs": 3.0}, {"sft.epochs": 2.0}, {"sft.epochs": 2.0}]
    assert [row["limit"] for row in rows] == [400, None, None]
    assert main(["log"]) == 0
    first, second, _ = capfd.readouterr().out.splitlines()
    assert "limit 400" in first
    assert "sft.epochs=3.0" in first
    assert "limit" not in second
    assert "sft.epochs=2.0" in second
