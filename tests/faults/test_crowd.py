"""Two processes on one store at once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from workplace import Workplace, comparable, ended

pytestmark = pytest.mark.slow

LOGGED = """
import os, sys
from noisy_student.pipeline import attempt
run_held = attempt._run_held
def logged(store, node, context, *, started):
    with open(os.environ["EXECUTIONS"], "a") as log:
        log.write(node.name + "\\n")
    return run_held(store, node, context, started=started)
attempt._run_held = logged
from noisy_student.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


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
    for process in done:
        # Once for each other process, however many stages were waited for; rich breaks the line.
        assert " ".join(process.stderr.split()).count("waiting for process") <= 1


def test_eight_processes_execute_each_stage_once(reference: Workplace, tmp_path: Path) -> None:
    place = reference.copy(tmp_path)
    light = {"examples", "grade", "key", "label", "label-quality", "reveal", "split", "vote"}
    gone = [node for node in place.nodes() if node.stage in light]
    for node in gone:
        shutil.rmtree(place.store / "stages" / node.name)
    kept = place.manifests()
    log = {"EXECUTIONS": str(tmp_path / "executions")}
    crowd = [place.start(program=("-c", LOGGED), env=log) for _ in range(8)]
    done = [ended(process) for process in crowd]
    assert [process.returncode for process in done] == [0] * 8, [process.stderr for process in done]
    executed = (tmp_path / "executions").read_text().split()
    # What only cached results stand on is not needed any more.
    assert len(executed) == len(set(executed)) > 8
    assert set(executed) <= {node.name for node in gone}
    assert {node.name for node in gone if node.stage in {"grade", "label-quality"}} <= set(executed)
    assert kept.items() <= place.manifests().items()
    assert place.data().items() <= reference.data().items()
    assert place.failures() == []


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
