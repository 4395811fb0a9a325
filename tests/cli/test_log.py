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
    assert "v1-5" in capfd.readouterr().out
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
