"""Libraries too old to be safe, or newer than what was tested, are refused before anything is computed."""

from __future__ import annotations

from pathlib import Path

import pytest
from refusals import refused

from noisy_student.cli.main import main
from noisy_student.pipeline import provenance


def test_what_is_installed_here_fits() -> None:
    provenance.require()


@pytest.mark.parametrize(
    ("name", "found"),
    [("torch", "2.9.1+cpu"), ("transformers", "5.2.0"), ("transformers", "6.0"), ("datasets", "3.6.0"), ("trl", None)],
)
def test_another_version_is_named_with_what_to_install(name: str, found: str | None) -> None:
    fits = {known: low for known, (low, _) in provenance.RANGES.items()}
    with refused("library-version", f"{name} is {found or 'missing'}.", f"Install {name} {provenance.RANGES[name][0]}"):
        provenance.require({**fits, name: found}.get)


@pytest.mark.parametrize("words", [["run", "v1"], ["sample", "q.jsonl"], ["train", "q.jsonl"], ["evaluate", "q.jsonl"]])
def test_no_command_computes_with_them(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("q.jsonl").write_text('{"id": "a", "question": "1 + 1?", "answer": 2, "solution": "#### 2"}\n')
    monkeypatch.setitem(provenance.RANGES, "torch", ("99", None))
    assert main(words) == 1
    said = capfd.readouterr()
    assert said.err.startswith("torch is ")
    assert "Install torch 99 or later." in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["q.jsonl"]
