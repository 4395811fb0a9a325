"""``doctor`` on this machine, with a broken store and with broken libraries."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from noisy_student.cli.doctor import Check, machine, outlook
from noisy_student.cli.main import main


def test_doctor_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    code = main(["doctor", "--json"])
    checks = {check["name"]: check for check in json.loads(capfd.readouterr().out)["checks"]}
    assert {"python", "torch", "transformers", "trl", "cores", "store", "accelerator", "--scale lab"} <= checks.keys()
    assert code == int(any(check["state"] == "bad" for check in checks.values()))
    assert list(tmp_path.iterdir()) == []


def test_a_store_below_a_file_is_bad(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = {check.name: check for check in machine(tmp_path / "file" / "store", ask="system")}
    assert found["store"].state == "bad"


def test_no_scale_works_before_bad_checks_are_fixed() -> None:
    found = list(outlook([Check("torch", "bad", "missing"), Check("accelerator", "good", "H100")]))
    assert found and all(check.state == "bad" and "torch" in check.found for check in found)
