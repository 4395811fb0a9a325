"""``compare RUN RUN``: differing settings, and conditions paired by seed and question."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from refusals import printed_code

from noisy_student import files
from noisy_student.cli.main import main
from noisy_student.cli.runs import differing
from noisy_student.data.parquet import write_parquet
from noisy_student.study.run import CURVES, GRADES, RESULTS

Rights = Mapping[int, Mapping[str, bool]]
ROWS = [{"name": "base"}, {"name": "baseline"}, {"name": "half", "graded_on": "dev"}]


def _run(folder: Path, *, epochs: float, grades: Mapping[str, Rights]) -> str:
    """Write a run of as much as ``compare`` reads; ``grades`` is condition -> seed -> question -> right."""
    folder.mkdir(parents=True)
    settings = {"name": folder.name, "sft": {"epochs": epochs, "batch": 8}, "primary": {folder.name: {"a": "x"}}}
    files.write_json(folder / RESULTS, {"settings": settings, "findings": [], "conditions": ROWS})
    files.write_json(folder / CURVES, {})
    rows: list[dict[str, Any]] = [
        {"seed": seed, "condition": name, "question_id": question, "k": 0, "correct": right}
        for name, by_seed in grades.items()
        for seed, rights in by_seed.items()
        for question, right in rights.items()
    ]
    write_parquet(folder / GRADES, rows)
    return str(folder)


def _right(*right: int, of: int = 12) -> dict[str, bool]:
    return {f"q{number}": number in right for number in range(of)}


def test_two_runs_are_paired_by_seed_and_question(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    a = _run(
        tmp_path / "a",
        epochs=3.0,
        grades={
            "base": {1: _right(0), 2: _right(1)},
            "baseline": {1: _right(*range(10)), 2: _right(*range(10))},
            "half": {1: _right()},
        },
    )
    b = _run(
        tmp_path / "b",
        epochs=2.0,
        grades={"base": {1: _right(0), 3: _right(5)}, "baseline": {1: _right(0, of=16)}, "half": {1: _right()}},
    )
    assert main(["compare", a, b, "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["settings"] == {"sft.epochs": [3.0, 2.0]}
    base, baseline = found["conditions"]
    assert (base["condition"], base["difference"], base["n"], base["seeds"]) == ("base", 0.0, 12, 1)
    assert base["unpaired"] == 24
    assert (baseline["accuracy_a"], baseline["accuracy_b"]) == (pytest.approx(10 / 12), pytest.approx(1 / 12))
    assert baseline["difference"] == pytest.approx(9 / 12)
    assert baseline["p_value"] == pytest.approx(0.5**9)
    assert baseline["unpaired"] == 12 + 4
    assert main(["compare", "a", "b", "--runs", str(tmp_path)]) == 0
    shown = capfd.readouterr().out
    assert "sft.epochs  3.0  2.0" in shown
    assert "+75.0" in shown
    assert "base: 24, baseline: 16" in shown


def test_swapping_the_runs_swaps_the_sign(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    names = [
        _run(tmp_path / name, epochs=1.0, grades={"base": {1: _right(*range(right))}})
        for name, right in (("a", 9), ("b", 2))
    ]
    made = []
    for sides in (names, names[::-1]):
        assert main(["compare", *sides, "--json"]) == 0
        made.append(json.loads(capfd.readouterr().out))
    assert made[0]["settings"] == {}
    (one,), (other,) = (each["conditions"] for each in made)
    assert one["difference"] == -other["difference"] == pytest.approx(7 / 12)
    assert one["p_value"] == other["p_value"]


def test_runs_without_a_shared_question_are_not_paired(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    a = _run(tmp_path / "a", epochs=1.0, grades={"base": {1: _right(0)}})
    b = _run(tmp_path / "b", epochs=1.0, grades={"base": {2: _right(0)}})
    assert main(["compare", a, b]) == 0
    shown = capfd.readouterr().out
    assert "All settings are equal." in shown
    assert "none can be paired" in shown


def test_faults(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    a = _run(tmp_path / "a", epochs=1.0, grades={"base": {1: _right(0)}})
    assert main(["compare", a, "163/500"]) == 1
    assert printed_code(capfd.readouterr().err) == "unknown-run"
    (tmp_path / "a" / GRADES).unlink()
    assert main(["compare", a, a]) == 1
    assert printed_code(capfd.readouterr().err) == "grades-missing"


def test_settings_that_only_one_run_has_differ() -> None:
    assert differing([{"a": {"b": 1}}, {"a": {"c": 2}}, None]) == {"a.b": [1, None, None], "a.c": [None, 2, None]}
