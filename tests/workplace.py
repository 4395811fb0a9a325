"""A folder with a small study, and the real command line run in it: what the tests of whole runs share."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from noisy_student.identity import ROOT
from noisy_student.pipeline.node import Node, parents_first
from noisy_student.study.plan.plan import plan
from noisy_student.study.settings.files import Request, resolve

# Nothing here depends on what the model can do: a cut sample votes by its last number, and one vote is enough.
STUDY = """
question = "Does the whole of it work?"
teacher = "baseline"
[data]
labeled = 20
unlabeled = 24
test = 16
[labels]
votes = { K = 4 }
[conditions]
base = { method = "none" }
baseline = { train = ["gold"] }
noisy-student = { train = ["gold", "labels.votes"], select = { min_agreement = 0.25 } }
oracle = { train = ["gold", "revealed"] }
[primary]
noisy-helps = { a = "noisy-student", b = "baseline", margin = 0.1 }
[answers]
truncated = "last-number"
ties = "first-seen"
[sampling]
max_new_tokens = 24
[evaluation]
sampled_questions = 4
stop_questions = 4
[evaluation.decoding]
max_new_tokens = 24
[evaluation.sampled]
max_new_tokens = 24
[sft]
epochs = 1.0
batch = 8
[compute]
chunk = 8
block = 24
workers = 1
"""
CONDITIONS = ["base", "baseline", "noisy-student", "oracle"]
OFFLINE = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "MPLBACKEND": "agg", "COLUMNS": "160"}
SECRETS = {
    "HF_TOKEN": "hf_" + "Ab1" * 11 + "x",
    "WANDB_API_KEY": "0123456789abcdef" * 2 + "01234567",
    "DB_PASSWORD": "correct-horse-battery",
}
PROGRAM = ("-m", "noisy_student")
SECONDS = 600
"""No run takes nearly as long, however busy the machine."""


class Workplace:
    """A folder with ``tiny.toml``, a store and runs."""

    def __init__(self, folder: Path, study: str = STUDY) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.store = folder / "store"
        self.study = folder / "tiny.toml"
        self.study.write_text(study)

    def copy(self, folder: Path, study: str = STUDY) -> Workplace:
        """Another place with the same store and no run."""
        shutil.copytree(self.store, folder / "store")
        return Workplace(folder, study)

    def start(self, *words: str, program: tuple[str, ...] = PROGRAM, **more: Any) -> subprocess.Popen[str]:
        """The command ``run ./tiny.toml``, begun; ``more`` goes to the process, ``env`` on top of the usual."""
        command = [sys.executable, *program, "run", "./tiny.toml", "--store", "store", "--runs", "runs", *words]
        return self.python(command, **more)

    def python(self, command: list[str], **more: Any) -> subprocess.Popen[str]:
        """Any command, begun in this place with the package on its path."""
        more["env"] = {**os.environ, **OFFLINE, "PYTHONPATH": str(ROOT.parent), **more.get("env", {})}
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=self.folder, stdout=pipe, stderr=pipe, text=True, **more)

    def run(self, *words: str, **more: Any) -> subprocess.CompletedProcess[str]:
        """The command ``run ./tiny.toml``, ended."""
        return ended(self.start(*words, **more))

    def complete(self, *words: str, **more: Any) -> subprocess.CompletedProcess[str]:
        """The command, which must succeed."""
        done = self.run(*words, **more)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def results(self) -> dict[str, Any]:
        """What the only run of this place found."""
        (path,) = (self.folder / "runs").glob("*/results.json")
        found: dict[str, Any] = json.loads(path.read_text())
        return found

    def data(self) -> dict[str, str]:
        """The sha256 of every file under the ``data/`` of every stage, by its path in the store."""
        files = (path for path in self.store.glob("stages/*/data/**/*") if path.is_file())
        return {str(path.relative_to(self.store)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    def manifests(self) -> dict[str, bytes]:
        """The bytes of every manifest, by its stage's folder: another execution would leave others."""
        return {path.parent.name: path.read_bytes() for path in self.store.glob("stages/*/MANIFEST.json")}

    def times(self) -> dict[str, int]:
        """When each file and folder of every stage was last touched."""
        return {str(path): path.stat().st_mtime_ns for path in self.store.glob("stages/**/*")}

    def nodes(self) -> list[Node]:
        """What the study consists of, inputs first."""
        return parents_first(plan(resolve(Request(str(self.study)))).targets)

    def node(self, title: str) -> Node:
        """The one node of this title."""
        (found,) = (node for node in self.nodes() if node.title == title)
        return found

    def forget(self, title: str) -> None:
        """Remove the node of this title from the store, and all that was made from it."""
        gone = {self.node(title)}
        for node in self.nodes():
            if node in gone or gone & set(node.parents):
                gone.add(node)
                shutil.rmtree(self.store / "stages" / node.name)

    def failures(self) -> list[Path]:
        """Attempts on record and results that were set aside."""
        return [*self.store.glob("attempts/*/*"), *self.store.glob("quarantine/*")]


def ended(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    """A process once it is over, with what it said."""
    try:
        out, err = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def wait_until(true: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Wait for something that the process is about to do."""
    end = time.monotonic() + SECONDS
    while not true():
        assert process.poll() is None, "it ended before"
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.002)


def comparable(results: dict[str, Any]) -> dict[str, Any]:
    """Results without what differs from run to run: places, times, the words of the command."""
    kept = {name: value for name, value in results.items() if name not in {"run_dir", "command", "seconds", "forecast"}}
    timed = {name: [{**row, "seconds": None} for row in results[name]] for name in ("conditions", "selections")}
    stages = [{**row, "seconds": None, "usd": None} for row in results["costs"]["stages"]]
    totals = {**results["costs"]["totals"], **dict.fromkeys(("seconds", "wall_seconds", "usd", "calls"))}
    return {**kept, **timed, "costs": {"stages": stages, "totals": totals}}
