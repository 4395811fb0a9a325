"""``doctor`` on this machine, with a broken store and with broken libraries."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from noisy_student.cli.doctor import REGISTRIES, Check, machine, outlook, plugins
from noisy_student.cli.main import main
from noisy_student.identity import ROOT
from noisy_student.registry import Registry


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


@dataclass(frozen=True)
class Row:
    """A row of a table for this test."""


def test_a_plugin_that_fails_to_load_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "broken_rows-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-rows\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[tests.rows]\nbroken = nowhere_at_all\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    table, fine = (Registry("row", Row, group=group) for group in ("tests.rows", "tests.none"))
    (found,) = plugins([fine, table])
    assert (found.name, found.state) == ("row plug-in broken", "bad")
    assert "broken-rows" in found.found and "nowhere_at_all" in found.found
    assert "broken-rows" in found.do


def test_every_registry_of_the_package_is_checked() -> None:
    made = {
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
        if ast.unparse(node.value).startswith("Registry(")
    }
    groups = {registry.group for registry in REGISTRIES}
    assert len(groups) == len(REGISTRIES) == len(made), sorted(made)
