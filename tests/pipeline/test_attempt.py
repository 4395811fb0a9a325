"""One node: failures, skips, pauses, sudden deaths at every step of a commit, and two processes at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from noisy_student.errors import Paused
from noisy_student.pipeline.attempt import PAUSED, Outcome, finish_stage, run_stage
from noisy_student.pipeline.crash_points import VARIABLE
from noisy_student.pipeline.node import Node, make
from noisy_student.pipeline.store import Store

HERE = Path(__file__).parent
RUN = """
import sys, json; from pathlib import Path
sys.path.insert(0, sys.argv[3])
from noisy_student.pipeline.node import make; from noisy_student.pipeline.store import Store
from noisy_student.pipeline.attempt import run_stage
parent = make("toy_stage:toy", {"word": "parent"})
node = make("toy_stage:toy", json.loads(sys.argv[2]), inputs={"x": [parent]})
store = Store(Path(sys.argv[1]), notice=print)
print(run_stage(store, parent).kind, run_stage(store, node).kind)
"""


@pytest.fixture(autouse=True)
def _toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(HERE))
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    monkeypatch.setenv("TOY_CURE", str(tmp_path / "cure"))


def attempts(store: Store, node: Node) -> list[dict[str, Any]]:
    paths = (store.root / "attempts" / node.short_key).glob("*.json")
    return [json.loads(path.read_text()) for path in sorted(paths, key=lambda path: int(path.stem))]


def toy(**spec: Any) -> Node:
    return make("toy_stage:toy", spec, title=spec["word"])


def child(store: Path, spec: dict[str, Any], **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", RUN, str(store), json.dumps(spec), str(HERE)]
    return subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True)


def log(tmp_path: Path) -> list[str]:
    return (tmp_path / "log").read_text().split()


def everything(store: Store, node: Node) -> dict[str, bytes]:
    data = store.data(node)
    return {str(path.relative_to(data)): path.read_bytes() for path in data.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "point",
    [
        *("mid-output", "before-rename"),
        *(
            pytest.param(point, marks=pytest.mark.slow)
            for point in ("after-lock", "after-outputs", "half-manifest", "after-rename", "stage")
        ),
    ],
)
def test_a_kill_at_any_step_is_mended_by_the_next_run(tmp_path: Path, point: str) -> None:
    spec = {"word": "child", "do": "half"} if point == "stage" else {"word": "child"}
    parent = toy(word="parent")
    node = make("toy_stage:toy", spec, inputs={"x": [parent]})
    store, calm = Store(tmp_path / "store"), Store(tmp_path / "calm")
    run_stage(store, parent)
    killed = child(store.root, spec, **({} if point == "stage" else {VARIABLE: point}))
    killed.communicate(timeout=30)
    assert killed.returncode == -9
    assert store.cached(node) == (point == "after-rename")
    (tmp_path / "cure").touch()
    assert run_stage(store, node).kind == ("cached" if point == "after-rename" else "done")
    assert [run_stage(calm, each).kind for each in (parent, node)] == ["done", "done"]
    assert everything(store, node) == everything(calm, node)
    assert not (tmp_path / "store" / "quarantine").exists()
    assert log(tmp_path).count("parent") == 2  # one a store


def test_two_processes_run_a_stage_once_and_one_says_for_whom_it_waits(tmp_path: Path) -> None:
    spec = {"word": "child", "do": "slow"}
    first = child(tmp_path / "store", spec)
    while not (tmp_path / "log").exists() or "child" not in log(tmp_path):
        time.sleep(0.02)
    second = child(tmp_path / "store", spec)
    assert second.stdout is not None
    notice = second.stdout.readline()
    assert f"waiting for process {first.pid} on" in notice
    first.kill()  # the lock is free at once, and the one who waited takes over
    first.communicate()
    while log(tmp_path).count("child") < 2:
        time.sleep(0.02)
    third = child(tmp_path / "store", spec)
    second.kill()
    second.communicate()
    (tmp_path / "cure").touch()
    said, _ = third.communicate(timeout=30)
    assert said.splitlines()[-1] == "cached done"


def test_two_processes_at_once_execute_once(tmp_path: Path) -> None:
    both = [child(tmp_path / "store", {"word": "child"}) for _ in range(2)]
    said = sorted(process.communicate(timeout=30)[0].splitlines()[-1] for process in both)
    assert all(process.returncode == 0 for process in both)
    assert log(tmp_path).count("child") == 1
    assert log(tmp_path).count("parent") == 1
    assert [line.split()[1] for line in said].count("done") == 1


def test_a_failure_is_on_record_and_the_next_run_tries_again(tmp_path: Path) -> None:
    store, node = Store(tmp_path / "store"), toy(word="one", do="fail")
    outcome = run_stage(store, node)
    assert outcome.kind == "failed"
    assert outcome.reason == "RuntimeError: out of luck with [hidden]"
    assert not store.cached(node)
    (attempt,) = attempts(store, node)
    assert attempt["kind"] == "fault"
    assert "Traceback" in attempt["traceback"]
    assert "hf_a" not in json.dumps(attempt)
    (tmp_path / "cure").touch()
    assert run_stage(store, node).kind == "done"
    assert everything(store, node) == everything(store, node)
    assert log(tmp_path) == ["one", "one"]


def test_scratch_is_dropped_after_the_second_failure(tmp_path: Path) -> None:
    store, node = Store(tmp_path / "store"), toy(word="one", do="fail")
    (store.work(node) / "scratch").mkdir(parents=True)
    run_stage(store, node)
    assert (store.work(node) / "scratch").exists()
    run_stage(store, node)
    assert not store.work(node).exists()
    assert len(attempts(store, node)) == 2


def test_a_users_fault_has_a_message_and_no_traceback(tmp_path: Path) -> None:
    store, node = Store(tmp_path / "store"), toy(word="one", do="user")
    reason = "questions.jsonl is empty. There is nothing to sample. Name another file."
    assert run_stage(store, node) == Outcome("failed", reason)
    assert attempts(store, node)[0]["traceback"] is None


def test_a_summary_that_is_no_json_and_a_link_in_data_are_failures(tmp_path: Path) -> None:
    store, node = Store(tmp_path / "store"), toy(word="one", do="nan")
    outcome = run_stage(store, node)
    assert outcome.kind == "failed"
    assert "is a link" in str(outcome.reason)


def test_a_skip_is_a_result_without_data(tmp_path: Path) -> None:
    store, node = Store(tmp_path / "store"), toy(word="one", do="skip")
    expected = Outcome("skipped", "No question reached agreement 0.75.")
    assert run_stage(store, node) == expected
    assert store.outcome(node) == "skipped"
    assert run_stage(Store(tmp_path / "store"), node) == expected
    assert log(tmp_path) == ["one"]
    manifest = store.manifest(node)
    assert manifest is not None
    assert manifest.files == ()


def test_a_pause_keeps_scratch_and_resumes(tmp_path: Path) -> None:
    store, node = Store(tmp_path / "store"), toy(word="one", do="slow")
    with pytest.raises(Paused):
        run_stage(store, node, deadline=time.time() + 0.1)
    chunks = len(list((store.work(node) / "scratch").iterdir()))
    assert chunks >= 1
    assert finish_stage(store, node, deadline=time.time() + 0.1) == Outcome("left", PAUSED)
    assert len(list((store.work(node) / "scratch").iterdir())) > chunks
    assert attempts(store, node) == []
    (tmp_path / "cure").touch()
    assert run_stage(store, node).kind == "done"
    assert sorted(everything(store, node)) == ["more/length.bin", "words.txt"]


def test_a_store_that_cannot_be_written_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file")
    outcome = finish_stage(Store(tmp_path / "store"), toy(word="one"))
    assert outcome.kind == "failed"
    assert "cannot be used" in str(outcome.reason)


def test_a_damaged_input_is_not_left_out_as_if_it_had_been_skipped(tmp_path: Path) -> None:
    store, parent = Store(tmp_path / "store"), toy(word="parent")
    node = make("toy_stage:toy", {"word": "child"}, inputs={"maybe-0": [parent]})
    run_stage(store, parent)
    (store.folder(parent) / "data" / "words.txt").unlink()
    outcome = run_stage(Store(tmp_path / "store", notice=print), node)
    assert outcome.kind == "failed"
    assert str(outcome.reason).startswith("DamagedArtifact: parent")
    assert not store.cached(node)
    run_stage(store, parent)
    assert run_stage(store, node).kind == "done"
    assert (store.data(node) / "words.txt").read_text() == "parent None\nchild None\n"
