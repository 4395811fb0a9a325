"""Worker processes: the same bytes, deaths, signals, no orphans."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from noisy_student.pipeline.node import Node, make
from noisy_student.pipeline.runner import run_graph
from noisy_student.pipeline.store import Store
from noisy_student.pipeline.workers import local

TOYS = Path(__file__).parent
RUN = """
import sys; from pathlib import Path
from noisy_student.pipeline.node import make; from noisy_student.pipeline.store import Store
from noisy_student.pipeline.workers import local; from noisy_student.pipeline.runner import run_graph
from noisy_student.errors import Interrupted
if __name__ == "__main__":
    nodes = [make("toy_stage:toy", {"word": word, "do": "slow"}) for word in ("one", "two", "three")]
    store = Store(Path(sys.argv[1]))
    try:
        run_graph(nodes, store, executor=local(store, workers=int(sys.argv[2])))
    except Interrupted:
        sys.exit(130)
"""


@pytest.fixture(autouse=True)
def _toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TOYS))
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    monkeypatch.setenv("TOY_CURE", str(tmp_path / "cure"))
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
    (tmp_path / "log").touch()


def attempts(store: Store, node: Node) -> list[dict[str, Any]]:
    paths = (store.root / "attempts" / node.short_key).glob("*.json")
    return [json.loads(path.read_text()) for path in sorted(paths, key=lambda path: int(path.stem))]


def toy(word: str, *parents: Node, **spec: Any) -> Node:
    return make("toy_stage:toy", {"word": word, **spec}, inputs={"x": parents}, title=word)


def log(tmp_path: Path) -> list[str]:
    return (tmp_path / "log").read_text().split()


def everything(store: Store, node: Node) -> dict[str, bytes]:
    data = store.data(node)
    return {str(path.relative_to(data)): path.read_bytes() for path in data.rglob("*") if path.is_file()}


def test_two_workers_write_the_bytes_of_one(tmp_path: Path) -> None:
    top = toy("top")
    nodes = [toy(f"middle-{number}", top) for number in range(3)]
    bottom = toy("bottom", *nodes)
    one, two = Store(tmp_path / "one"), Store(tmp_path / "two")
    for store, workers in ((one, 1), (two, 2)):
        assert run_graph([bottom], store, executor=local(store, workers=workers)).status == "done"
    for node in (top, *nodes, bottom):
        assert everything(one, node) == everything(two, node)
    manifests = [two.manifest(node) for node in nodes]
    assert all(manifest is not None and manifest.provenance["pid"] != os.getpid() for manifest in manifests)
    assert len(log(tmp_path)) == 10


def test_a_worker_that_dies_once_is_replaced_and_one_that_dies_twice_fails_its_node_alone(tmp_path: Path) -> None:
    notices: list[str] = []
    store = Store(tmp_path / "store", notice=notices.append)
    deadly, fine = toy("deadly", do="die"), toy("fine")
    below = toy("below", deadly)
    result = run_graph([below, fine], store, executor=local(store, workers=2))
    assert {result.nodes[key].title: outcome.kind for key, outcome in result.outcomes.items()} == {
        "deadly": "failed", "fine": "done", "below": "left",
    }  # fmt: skip
    assert "SIGKILL" in str(result.outcomes[deadly.key].reason)
    assert log(tmp_path).count("deadly") == 2
    assert [attempt["kind"] for attempt in attempts(store, deadly)] == ["died"]
    assert len(notices) == 1
    once = toy("once", do="die-once")
    assert run_graph([once], store, executor=local(store, workers=2)).status == "done"
    assert log(tmp_path).count("once") == 2


def start(tmp_path: Path, workers: int) -> subprocess.Popen[bytes]:
    (tmp_path / "run.py").write_text(RUN)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TOYS), *sys.path])}
    command = [sys.executable, str(tmp_path / "run.py"), str(tmp_path / "store"), str(workers)]
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    wait_until(lambda: len(pids(tmp_path)) == workers)
    return process


def pids(tmp_path: Path) -> set[int]:
    return {
        json.loads(path.read_text())["pid"] for path in (tmp_path / "store" / "work").glob("*/progress.json")
    }  # fmt: skip


def wait_until(true: Any) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(("workers", "number"), [(1, signal.SIGINT), (2, signal.SIGTERM)])
def test_a_signal_interrupts_leaves_no_orphan_and_loses_nothing(tmp_path: Path, workers: int, number: int) -> None:
    process = start(tmp_path, workers)
    at_work = pids(tmp_path)
    os.killpg(process.pid, number)
    assert process.wait(timeout=20) == 130
    assert not [pid for pid in at_work if alive(pid)]
    store = Store(tmp_path / "store")
    assert len(list((store.root / "work").glob("*/scratch/*"))) >= workers
    assert not (store.root / "attempts").exists()
    (tmp_path / "cure").touch()
    nodes = [make("toy_stage:toy", {"word": word, "do": "slow"}) for word in ("one", "two", "three")]
    assert run_graph(nodes, store, executor=local(store)).status == "done"


def test_workers_end_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    process = start(tmp_path, 2)
    at_work = pids(tmp_path)
    process.kill()
    process.wait()
    wait_until(lambda: not any(alive(pid) for pid in at_work))
