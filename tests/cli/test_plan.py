"""The plan of a study that was never run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from noisy_student.cli.main import main
from noisy_student.cli.plan import totals
from noisy_student.study.settings import ComputeSettings


def test_plan_as_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["plan", "v1-5", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    digests = [row["digest"] for row in found["nodes"]]
    assert len(set(digests)) == len(digests) == found["totals"]["nodes"] == found["totals"]["to_run"]
    for place, row in enumerate(found["nodes"]):
        assert {"stage", "digest", "cached", "seconds", "tokens", "usd", "needs"} <= row.keys()
        assert set(row["needs"]) <= set(digests[:place]), "what is needed stands above"
        assert (row["cached"], row["seconds"], row["tokens"]) == (False, None, None)
    assert found["totals"]["seconds"] is None
    first = found["comparisons"][0]
    assert (first["name"], first["n"], first["underpowered"]) == ("filtered-helps", 1000, True)
    assert first["mde"] == pytest.approx(2.8016 * (0.25 / 1000) ** 0.5, abs=1e-5)


def test_totals_count_what_is_left_and_know_what_they_do_not_know() -> None:
    row = {"stage": "sample", "cached": False, "seconds": 4.0, "tokens": 100}
    rows = [row, {**row, "cached": True}, {**row, "stage": "split", "seconds": 2.0, "tokens": None}]
    found = totals(rows, ComputeSettings(workers=2))
    assert (found["cached"], found["to_run"], found["seconds"], found["wall_seconds"]) == (1, 2, 6.0, 3.0)
    assert found["tokens"] == 100
    assert found["stages"]["sample"] == {"nodes": 2, "to_run": 1}
    assert totals([*rows, {**row, "seconds": None}], ComputeSettings(workers=2))["seconds"] is None
