"""``gc`` beside real runs: what one stands on stays, whatever happened to it; without it nothing does."""

from __future__ import annotations

import json
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from refusals import printed_code
from workplace import PROGRAM, Workplace, ended

from noisy_student.cli import PAUSED
from noisy_student.pipeline.crash_points import VARIABLE

pytestmark = pytest.mark.slow


def _gc(place: Workplace, *words: str) -> dict[str, Any]:
    done = ended(place.python([sys.executable, *PROGRAM, "gc", "--store", "store", "--json", *words]))
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_killed_run_loses_nothing_to_gc_and_a_removed_one_everything(reference: Workplace, tmp_path: Path) -> None:
    place = reference.copy(tmp_path)
    place.forget("train noisy-student")
    kept = place.manifests()
    dead = place.run(env={VARIABLE: "after-outputs"})
    assert dead.returncode == -signal.SIGKILL
    found = _gc(place, "--delete")
    assert found["entries"] == []
    (unfinished,) = found["unfinished"]
    assert unfinished["command"].startswith("noisy-student run ./tiny.toml")
    assert place.manifests() == kept
    place.complete()
    assert place.data() == reference.data()
    assert _gc(place, "--delete")["entries"] == []
    assert place.data() == reference.data()
    shutil.rmtree(place.folder / "runs")
    asked = ended(place.python([sys.executable, *PROGRAM, "gc", "--store", "store", "--delete"]))
    assert (asked.returncode, printed_code(asked.stderr)) == (1, "all-runs-missing")
    assert place.data() == reference.data()
    assert {entry["kind"] for entry in _gc(place, "--delete", "--runs-removed")["entries"]} == {"stages"}
    assert place.data() == {}


def test_a_folder_that_was_moved_keeps_its_results(tmp_path: Path) -> None:
    first = Workplace(tmp_path / "a")
    first.complete()
    whole, kept = first.data(), first.manifests()
    first.folder.rename(tmp_path / "b")
    place = Workplace(tmp_path / "b")
    assert _gc(place)["entries"] == []
    assert _gc(place, "--delete")["entries"] == []
    assert place.data() == whole
    again = place.complete()
    assert place.manifests() == kept
    assert "0 of" not in again.stderr
    # A second move, after the run was only read in between.
    place.folder.rename(tmp_path / "c")
    last = Workplace(tmp_path / "c")
    assert _gc(last, "--delete")["entries"] == []
    assert last.data() == whole


def test_a_run_costs_the_time_of_its_calls(reference: Workplace, tmp_path: Path) -> None:
    place = reference.copy(tmp_path)
    place.forget("train noisy-student")
    words = ("--set", "compute.usd_per_hour=0.8")
    paused = place.run(*words, "--deadline", "0.1s")
    assert paused.returncode == PAUSED, paused.stderr
    place.complete(*words, "--set", "compute.workers=2")
    totals = place.results()["costs"]["totals"]
    known = [json.loads(path.read_text()) for path in place.store.glob("roots/*.json")]
    (root,) = (root for root in known if root["digest"] == place.results()["digest"])
    assert [(call["workers"], call["usd_per_hour"]) for call in root["calls"]] == [(1, 0.8), (2, 0.8)]
    wall = sum(call["ended"] - call["started"] for call in root["calls"])
    assert totals["wall_seconds"] == pytest.approx(wall)
    # What the other run of this store has made adds an estimate, with the workers of the last call.
    made = [json.loads(content)["provenance"] for content in place.manifests().values()]
    earlier = sum(how["seconds"] for how in made if how["started"] < root["calls"][0]["started"])
    assert earlier > 0
    assert totals["usd"] == pytest.approx((wall + earlier / 2) / 3600 * 0.8)
    shares = [row["usd"] for row in place.results()["costs"]["stages"] if row["usd"] is not None]
    assert sum(shares) <= totals["usd"] * 1.000001
