"""Two processes on one store at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from workplace import Workplace, comparable, ended

pytestmark = pytest.mark.slow


def test_the_same_run_twice_at_once_executes_each_stage_once(reference: Workplace, tmp_path: Path) -> None:
    place = Workplace(tmp_path)
    both = [place.start("--json") for _ in range(2)]
    done = [ended(process) for process in both]
    assert [process.returncode for process in done] == [0, 0], [process.stderr for process in done]
    first, second = (json.loads(process.stdout) for process in done)
    assert comparable(first) == comparable(second) == comparable(reference.results())
    assert first["run_dir"] == second["run_dir"]
    assert comparable(place.results()) == comparable(first)
    assert place.data() == reference.data()
    assert place.failures() == []
    assert list((place.store / "work").iterdir()) == []
    by = [json.loads(manifest)["provenance"]["pid"] for manifest in place.manifests().values()]
    assert set(by) <= {process.pid for process in both}
    waited = "".join(process.stderr for process in done)
    assert "waiting for process" in waited


def test_two_runs_of_one_study_at_once_have_a_folder_each(reference: Workplace, tmp_path: Path) -> None:
    place = reference.copy(tmp_path)
    margins = ("0.1", "0.2", "0.3")
    at_once = [place.start("--json", "--set", f"primary.noisy-helps.margin={margin}") for margin in margins]
    found = [json.loads(ended(process).stdout) for process in at_once]
    assert len({results["run_dir"] for results in found}) == 3
    for results, margin in zip(found, margins, strict=True):
        assert results == json.loads((tmp_path / results["run_dir"] / "results.json").read_text())
        (primary,) = [finding for finding in results["findings"] if finding["primary"]]
        assert primary["margin"] == float(margin)
