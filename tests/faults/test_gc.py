"""``gc`` beside real runs: what one stands on stays, whatever happened to it; without it nothing does."""

from __future__ import annotations

import json
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from workplace import PROGRAM, Workplace, ended

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
    assert {entry["kind"] for entry in _gc(place, "--delete")["entries"]} == {"stages"}
    assert place.data() == {}
