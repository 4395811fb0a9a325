"""Killed, interrupted, paused or failed, then the same command again: all is as if nothing had happened."""

from __future__ import annotations

import resource
import signal
from pathlib import Path

import pytest
from refusals import printed_code
from workplace import Workplace, comparable, ended, wait_until

from noisy_student.pipeline.crash_points import VARIABLE

STUDENT = "train noisy-student"
GRADE = "grade noisy-student"
VOTES = "sample baseline on unlabeled"


def goes_on(place: Workplace, reference: Workplace, kept: dict[str, bytes]) -> None:
    """The same command completes, executes nothing of ``kept`` again, and ends with the reference's bytes."""
    place.complete()
    assert kept.items() <= place.manifests().items()
    assert place.data() == reference.data()
    assert comparable(place.results()) == comparable(reference.results())


# A grade is a small file, made in no time: the fast suite's share of this table.
COMMITS = [pytest.param("half-manifest", GRADE, id="half-manifest-grade")]
COMMITS += [
    pytest.param(point, GRADE, id=f"{point}-grade", marks=pytest.mark.slow) for point in ("mid-output", "before-rename")
]
# The other points of a commit are those of a small stage in tests/pipeline/test_attempt.py.
COMMITS += [
    pytest.param(point, STUDENT, id=f"{point}-student", marks=pytest.mark.slow)
    for point in ("mid-output", "half-manifest", "before-rename")
]


@pytest.mark.parametrize(("point", "title"), COMMITS)
def test_a_process_that_is_killed_while_a_result_is_committed(
    point: str, title: str, reference: Workplace, tmp_path: Path
) -> None:
    place = reference.copy(tmp_path)
    place.forget(title)
    kept = place.manifests()
    dead = place.run(env={VARIABLE: point})
    assert dead.returncode == -signal.SIGKILL
    assert list(place.folder.glob("runs/*")) == []
    committed = set(place.manifests()) - set(kept)
    assert committed == ({place.node(title).name} if point == "after-rename" else set())
    goes_on(place, reference, place.manifests())
    assert place.failures() == []


@pytest.mark.slow
def test_a_worker_that_is_killed_fails_its_stage_and_the_run_says_so(reference: Workplace, tmp_path: Path) -> None:
    place = reference.copy(tmp_path)
    place.forget(STUDENT)
    kept = place.manifests()
    dead = place.run("--set", "compute.workers=2", env={VARIABLE: "before-rename"})
    assert dead.returncode == 1, dead.stderr
    assert "noisy-student" in dead.stderr
    assert "SIGKILL" in dead.stderr
    assert "Traceback" not in dead.stderr
    statuses = {row["name"]: row["status"] for row in place.results()["conditions"]}
    assert statuses == {"base": "done", "baseline": "done", "noisy-student": "failed", "oracle": "done"}
    assert place.results()["status"] == "partial"
    goes_on(place, reference, kept)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130), (signal.SIGTERM, 130)]
)
def test_a_process_that_is_stopped_in_the_middle_of_sampling(
    number: int, code: int, reference: Workplace, tmp_path: Path
) -> None:
    place = reference.copy(tmp_path)
    place.forget(VOTES)
    kept = place.manifests()
    process = place.start()
    scratch = place.store / "work" / place.node(VOTES).short_key / "scratch"
    wait_until(lambda: (scratch / "chunk-00000.jsonl").exists(), process)
    process.send_signal(number)
    done = ended(process)
    assert done.returncode == code, done.stderr
    drawn = {path.name for path in scratch.glob("chunk-*.jsonl")}
    assert 0 < len(drawn) < 12
    assert place.manifests() == kept
    if number != signal.SIGKILL:
        assert printed_code(done.stderr) == "interrupted"
        assert done.stdout == ""
    goes_on(place, reference, kept)
    assert place.failures() == []


@pytest.mark.slow
def test_a_run_that_is_paused_at_its_deadline(reference: Workplace, tmp_path: Path) -> None:
    place = Workplace(tmp_path)
    done = place.run("--deadline", "3s")
    assert done.returncode == 75, done.stderr
    assert "Paused at the deadline. Unfinished: " in done.stderr
    assert "noisy-student (seed 1)" in done.stderr
    assert "Run the same command again." in done.stderr
    results = place.results()
    assert results["status"] == "paused"
    assert {row["status"] for row in results["conditions"]} <= {"done", "left"}
    assert (place.folder / results["run_dir"] / "report.html").is_file()
    goes_on(place, reference, place.manifests())
    assert place.results()["run_dir"] == results["run_dir"], "completed in place"
    assert place.failures() == []


@pytest.mark.slow
def test_a_stage_that_cannot_write_its_files(reference: Workplace, tmp_path: Path) -> None:
    place = reference.copy(tmp_path)
    place.forget(STUDENT)
    kept = place.manifests()
    done = place.run(preexec_fn=_small_files_only)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "noisy-student (seed 1) failed: train noisy-student: " in done.stderr
    assert "run the same command again." in done.stderr
    assert {row["name"]: row["status"] for row in place.results()["conditions"]}["oracle"] == "done"
    assert len(place.failures()) == 1
    goes_on(place, reference, kept)


def _small_files_only() -> None:
    """What a full disk is like: a file may grow to a megabyte, and a model is larger."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
