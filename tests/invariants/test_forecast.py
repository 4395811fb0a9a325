"""A small study looked ahead at, calibrated, run and paid for, by the real commands."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from workplace import PROGRAM, Workplace, ended


def _said(place: Workplace, *words: str) -> dict[str, Any]:
    done = ended(place.python([sys.executable, *PROGRAM, *words, "--json"]))
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_first_run_without_calibration_promises_nothing_and_says_so(reference: Workplace) -> None:
    kept = reference.results()["forecast"]
    assert kept["without_estimate"] > 0
    assert (kept["ratio"], kept["stages"]) == (None, [])
    assert all("cpu_seconds" in json.loads(raw)["provenance"] for raw in reference.manifests().values())


@pytest.mark.slow
def test_the_ledger_counts_a_result_once(reference: Workplace, tmp_path: Path) -> None:
    place = reference.copy(tmp_path)
    place.complete()
    place.complete("--set", "compute.usd_per_hour=3600")
    found = _said(place, "log", "--spend", "--of", "1530", "--store", "store", "--runs", "runs")
    first, second = found["runs"]
    assert first["seconds"] > 0
    assert (second["seconds"], second["usd"], second["shared"]) == (0, 0, len(place.nodes()))
    assert found["total"]["seconds"] == pytest.approx(first["seconds"])


@pytest.mark.slow
def test_a_second_seed_is_forecast_from_the_first(reference: Workplace, tmp_path: Path) -> None:
    place = reference.copy(tmp_path)
    found = _said(place, "plan", "./tiny.toml", "--store", "store", "--seeds", "2")
    assert found["totals"]["sources"] == ["store"]
    assert found["totals"]["without_estimate"] == 0
    place.complete("--seeds", "2")
    kept = place.results()["forecast"]
    assert kept["without_estimate"] == 0
    assert 0.2 < kept["ratio"] < 5, "a tenth of a second here and there is much of so small a study"
    assert {row["source"] for row in kept["stages"]} == {"store"}


@pytest.mark.slow
def test_calibrated_and_looked_ahead_at_in_a_fresh_store(tmp_path: Path) -> None:
    place = Workplace(tmp_path)
    words = ("plan", "./tiny.toml", "--store", "store", "--calibrate", "--outlook")
    found = _said(place, *words)
    assert found["totals"]["without_estimate"] == 0
    assert found["totals"]["cpu_seconds"] > 0
    (calibration,) = place.store.glob("timing/*.json")
    assert calibration.stat().st_size < 200_000
    seen = found["outlook"]
    assert (seen["unlabeled"], seen["known"]) == (24, 20)
    assert seen["note"] is not None, "its teacher is trained in the run, so the untrained model was asked"
    assert seen["advice"] in {"go", "more questions", "better base", "buy labels"}
    stages = {json.loads(raw)["node"]["stage"] for raw in place.manifests().values()}
    assert stages == {"split", "sample", "vote"}, "the key is not made, let alone read"
    before = place.manifests()
    assert _said(place, *words[:4], "--outlook")["outlook"] == seen
    assert place.manifests() == before, "asking again draws nothing"
